//! The view that readers fold, and the wrappers that record what readers saw.

// Helpers of tests may unwrap like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "checker/company.rs"]
mod company;
#[path = "checker/healthy.rs"]
mod healthy;
#[path = "checker/story.rs"]
mod story;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, stream};
use polychat_core::{
    ChatId, Command, CommandError, Epoch, Event, Notice, Recorded, Reply, Scope, Seq, StartAt,
    Summary, WorldId,
    command::Page,
    event::PromptMode,
    ports::{
        AppendError, Entry, Fence, Head, HostContext, LogKey, Model, ModelDelta, ModelRequest,
        ModelStream, NoticeStream, OpenMode, ProgressSink, Store, StoreError, StoreErrorKind,
        ToolInput, Toolbox, WorldService,
    },
};
use polychat_testkit::{
    history::{
        Fact, History, RecordingModel, RecordingStore, RecordingTools, RecordingWorld, RunEnd,
        Showing,
    },
    tools::{self, Act, ScriptedTools},
    view::{CallState, ChatView, MessageState, ViewError, ViewPromptState},
};

use healthy::healthy;
use story::{Story, accepted, begins, chat, chunk, created, prompt, saves, seq, started};

// law 4
#[test]
fn a_reader_that_left_and_came_back_sees_what_the_log_says() {
    let (story, cast) = healthy();
    let readers = [cast.first_of_a, cast.second_of_a];
    let seen = ChatView::of_reader(chat("a"), &story.history(), &readers).unwrap();
    let told = ChatView::of_log(chat("a"), &story.log("a")).unwrap();
    assert_eq!(seen, told);
    let texts: Vec<_> = seen.messages.iter().map(|message| message.text.as_str()).collect();
    let expected =
        ["heron", "I see a heron", "closer", "Done.", "later", "Half", "better", "Better."];
    assert_eq!(texts, expected);
    assert_eq!(&*seen.title, "Birds");
    assert_eq!(seen.calls[&story::call(4)].state, CallState::Answered);
}

// law 4
#[test]
fn a_reader_that_missed_an_event_is_told_so() {
    let (story, cast) = healthy();
    let missed = ChatView::of_reader(chat("a"), &story.history(), &[cast.second_of_a]);
    // It joined in the middle, so the very first chunk belongs to a message it never saw begin.
    assert_eq!(missed.unwrap_err(), ViewError::NotOpen);
}

fn opened() -> ChatView {
    let mut story = Story::default();
    story.commit("a", vec![created(), accepted("p", PromptMode::Queue, "hi")]);
    story.commit("a", vec![started(&["p"]), begins(3, 1)]);
    ChatView::of_log(chat("a"), &story.log("a")).unwrap()
}

// law 4: chunks carry byte offsets
#[test]
fn overlapping_text_is_taken_once_and_missing_text_is_an_error() {
    let mut view = opened();
    view.apply(&chunk("a", 3, 4, 0, "I see", (4, 1))).unwrap();
    view.apply(&chunk("a", 3, 4, 2, "see a heron", (4, 2))).unwrap();
    view.apply(&chunk("a", 3, 4, 0, "I", (4, 3))).unwrap();
    assert_eq!(view.open().unwrap().text, "I see a heron");
    let gap = view.apply(&chunk("a", 3, 4, 14, "!", (4, 4))).unwrap_err();
    assert_eq!(gap, ViewError::TextGap { expected: 13, offset: 14 });
    let foreign = view.apply(&chunk("b", 3, 4, 13, "!", (4, 4))).unwrap_err();
    assert_eq!(foreign, ViewError::ForeignChat(chat("b")));
}

// law 4: a reader that was told no chunk goes on from the checkpoint
#[test]
fn a_checkpoint_gives_the_text_that_live_events_go_on_from() {
    for chunks in [vec![], vec![(0, "I see a")]] {
        let mut view = opened();
        for (offset, text) in chunks {
            view.apply(&chunk("a", 3, 4, offset, text, (4, 1))).unwrap();
        }
        let event = Arc::new(Recorded {
            chat_id: chat("a"),
            seq: seq(5),
            at: polychat_core::Timestamp(0),
            event: saves(4, "I see "),
        });
        view.apply(&Notice::Recorded { cursor: story::cursor(5, 0), event }).unwrap();
        view.apply(&chunk("a", 3, 4, 6, "a heron", (5, 1))).unwrap();
        assert_eq!(view.open().unwrap().text, "I see a heron");
    }
}

// the queue's order: interrupts newest first, then steers, then the queue; an edit moves
#[test]
fn the_queue_stands_in_the_order_in_which_it_will_run() {
    let mut story = Story::default();
    let sent = [
        ("q1", PromptMode::Queue),
        ("q2", PromptMode::Queue),
        ("s1", PromptMode::Steer),
        ("i1", PromptMode::Interrupt),
        ("i2", PromptMode::Interrupt),
        ("s2", PromptMode::Steer),
    ];
    story.commit("a", vec![created()]);
    story.commit("a", sent.iter().map(|(id, mode)| accepted(id, *mode, id)).collect());
    let mode = Some(PromptMode::Interrupt);
    story.commit("a", vec![Event::PromptEdited { prompt_id: prompt("q2"), parts: None, mode }]);
    let view = ChatView::of_log(chat("a"), &story.log("a")).unwrap();
    let order: Vec<_> = view.queue().into_iter().map(|id| id.as_str().to_owned()).collect();
    assert_eq!(order, ["q2", "i2", "i1", "s1", "s2", "q1"]);
    assert!(view.prompts.values().all(|prompt| prompt.state == ViewPromptState::Waiting));
    assert!(view.messages.iter().all(|message| message.state == MessageState::Ended));
}

/// A world that answers one thing and shows one thing.
struct Tiny;

#[async_trait]
impl WorldService for Tiny {
    async fn call(&self, _: Command) -> Result<Reply, CommandError> {
        Ok(Reply::Done)
    }
    async fn subscribe(&self, _: Scope, _: StartAt) -> Result<NoticeStream, CommandError> {
        Ok(Box::pin(stream::iter([chunk("a", 3, 4, 0, "hi", (4, 1))])))
    }
}

// the evidence of law 1 and law 4
#[test]
fn a_recording_world_records_commands_answers_and_what_was_taken_from_a_stream() {
    let history = History::new();
    let world = RecordingWorld::new(Tiny, history.clone());
    world.call(Command::GetWorld).now_or_never().unwrap().unwrap();
    let scope = Scope::Chat(chat("a"));
    let mut notices = world.subscribe(scope, StartAt::Start).now_or_never().unwrap().unwrap();
    assert_eq!(history.entries().len(), 3, "nothing is delivered before somebody takes it");
    notices.next().now_or_never().unwrap().unwrap();
    drop(notices);
    let facts = history.entries();
    assert!(matches!(facts[0].fact, Fact::Sent { command: Command::GetWorld, .. }));
    assert!(matches!(facts[1].fact, Fact::Answered { answer: Ok(Reply::Done), .. }));
    assert!(matches!(facts[2].fact, Fact::Subscribed { start: StartAt::Start, .. }));
    assert!(matches!(facts[3].fact, Fact::Noticed { notice: Notice::Live { .. }, .. }));
    assert!(matches!(facts[4].fact, Fact::Unsubscribed { .. }));
    assert!(facts.iter().zip(0..).all(|(entry, order)| entry.order == order));
}

/// A model that says one word.
struct Word;

impl Model for Word {
    fn stream(&self, _: ModelRequest) -> ModelStream {
        Box::pin(stream::iter([Ok(ModelDelta::Text("word".to_owned()))]))
    }
}

// law 3: the chat is known from the embedder's context alone
#[test]
fn a_recording_model_records_the_chat_of_the_host_context_and_each_released_delta() {
    let history = History::new();
    let model = RecordingModel::new(Word, history.clone());
    let mut request = ModelRequest::new(Vec::new());
    let context = serde_json::json!({ "chat": "a" });
    request.context.chat = context.as_object().unwrap().clone().into();
    let mut answer = model.stream(request);
    assert_eq!(history.entries().len(), 1, "nothing is released before somebody takes it");
    answer.next().now_or_never().unwrap().unwrap().unwrap();
    let facts = history.entries();
    let asked =
        matches!(&facts[0].fact, Fact::Requested { chat: Some(id), .. } if *id == chat("a"));
    let said = ModelDelta::Text("word".to_owned());
    let released = matches!(&facts[1].fact, Fact::Released { delta, .. } if *delta == said);
    assert!(asked && released);
}

struct Nowhere;

impl ProgressSink for Nowhere {
    fn output(&self, _: &str) {}
    fn progress(&self, _: serde_json::Value) {}
}

// law 3: the chat is known from the embedder's context alone
#[test]
fn a_recording_toolbox_records_runs_what_they_show_and_how_they_end() {
    let history = History::new();
    let scripted = ScriptedTools::new().scripted(tools::spec("look")).acting(tools::spec("act"));
    let (script, toolbox) = (scripted.script(), RecordingTools::new(scripted, history.clone()));
    let call = |name: &str, arguments| {
        let mut context = HostContext::default();
        context.chat = serde_json::json!({ "chat": "a" }).as_object().unwrap().clone().into();
        let (tool, input) = (toolbox.get(name).unwrap(), ToolInput::new(arguments, context));
        Box::pin(async move { tool.call(input, Arc::new(Nowhere)).await })
    };
    let acts = [Act::output("o"), Act::Progress(1.into()), Act::result("r")];
    call("act", Act::arguments(&acts)).now_or_never().unwrap().unwrap();
    let mut hanging = call("look", serde_json::json!({}));
    assert!((&mut hanging).now_or_never().is_none());
    assert_eq!(script.calls_open(), 1);
    drop(hanging);
    let facts: Vec<_> = history.entries().iter().map(|entry| entry.fact.clone()).collect();
    let a = Some(chat("a"));
    assert!(matches!(&facts[0], Fact::Ran { chat, tool, .. } if *chat == a && &**tool == "act"));
    assert!(matches!(&facts[1], Fact::Showed { showing: Showing::Output(o), .. } if &**o == "o"));
    assert!(matches!(&facts[2], Fact::Showed { showing: Showing::Progress(_), .. }));
    assert!(matches!(&facts[3], Fact::RunEnded { end: RunEnd::Returned(Ok(_)), .. }));
    assert!(matches!(&facts[4], Fact::Ran { tool, .. } if &**tool == "look"));
    assert!(matches!(&facts[5], Fact::RunEnded { end: RunEnd::Dropped, .. }));
}

/// A store of one log, whose next append is stored but not acknowledged when told so.
#[derive(Default)]
struct OneLog {
    entries: Mutex<Vec<Entry>>,
    ambiguous: Mutex<bool>,
}

#[async_trait]
impl Store for OneLog {
    async fn open(&self, key: &LogKey, _: OpenMode) -> Result<(Fence, Head), StoreError> {
        let head = self.entries.lock().unwrap().last().map_or(Seq::ZERO, Entry::seq);
        Ok((Fence { key: key.clone(), epoch: Epoch(1) }, head))
    }
    async fn append(
        &self,
        _: &Fence,
        _: Seq,
        entries: &[Entry],
        _: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.entries.lock().unwrap().extend_from_slice(entries);
        if *self.ambiguous.lock().unwrap() {
            let lost = StoreError::new(StoreErrorKind::Unavailable, "no answer");
            return Err(AppendError::Ambiguous(lost));
        }
        Ok(())
    }
    async fn read(&self, _: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.entries.lock().unwrap();
        Ok(entries.iter().filter(|entry| entry.seq() > after).take(limit).cloned().collect())
    }
    async fn summary(&self, _: &LogKey) -> Result<Summary, StoreError> {
        Err(StoreError::new(StoreErrorKind::NotFound, "none"))
    }
    async fn list(&self, _: &WorldId, _: &Page) -> Result<Vec<Summary>, StoreError> {
        Ok(Vec::new())
    }
    async fn worlds(&self, _: &Page) -> Result<Vec<WorldId>, StoreError> {
        Ok(Vec::new())
    }
    async fn delete(&self, _: &Fence) -> Result<(), StoreError> {
        Ok(())
    }
}

fn entries_of(id: &ChatId) -> Vec<Entry> {
    let mut story = Story::default();
    story.commit(id.as_str(), vec![created(), Event::ChatClosed {}]);
    story.log(id.as_str()).into_iter().map(|event| Entry::Chat(Arc::new(event))).collect()
}

// law 1: acknowledged appends count, ambiguous ones only once they are settled
#[test]
fn a_recording_store_records_what_is_acknowledged_or_settled_and_of_its_own_world_only() {
    let (home, away) = (WorldId::new("home").unwrap(), WorldId::new("away").unwrap());
    let (id, history) = (chat("a"), History::new());
    let entries = entries_of(&id);
    let store = RecordingStore::new(OneLog::default(), home.clone(), history.clone());
    let key = LogKey::Chat(home, id.clone());
    let foreign = LogKey::Chat(away, id.clone());
    let fence = |key: &LogKey| store.open(key, OpenMode::Create).now_or_never().unwrap().unwrap().0;
    let append = |fence: &Fence, entries: &[Entry]| {
        store.append(fence, Seq::ZERO, entries, None).now_or_never().unwrap()
    };
    let (own, other) = (fence(&key), fence(&foreign));
    append(&other, &[]).unwrap();
    assert_eq!(history.entries().len(), 0);
    append(&own, &entries[..1]).unwrap();
    assert_eq!(history.head(&id), seq(1));
    *store.inner().ambiguous.lock().unwrap() = true;
    append(&own, &entries[1..]).unwrap_err();
    assert_eq!(history.head(&id), seq(1), "not acknowledged, so not recorded");
    fence(&key);
    assert_eq!(history.head(&id), seq(2), "settled by opening");
    assert_eq!(history.log(&id).len(), 2);
}
