//! The judge can say no: a file that is right by what was told, and each thing that may go wrong
//! with it.

use std::sync::Arc;

use polychat::{
    ChatId, Event, PromptOutcome, Seq, ToolCallId, TurnOutcome,
    event::{FinishReason, PromptBody, PromptMode, TitleProvenance},
    message::{Omitted, Usage},
    tool::{ToolCall, ToolOutput},
};
use polychat_testkit::{
    checker::RunState,
    samples::{agent_config, agent_name, chat_id, message_id, prompt_id, recorded, seq, turn_id},
};

use super::{
    fault::{Fault, Figures},
    house::NAME,
    ledger::Ledger,
    runs::Runs,
    shelf::{Log, Shelf},
    told::{Done, Told, mark},
};

const CALL: ToolCallId = ToolCallId { message: polychat::MessageId(Seq::FIRST), index: 0 };

/// What was told, what was run and what is stored.
struct Story {
    ledger: Ledger,
    runs: Runs,
    shelf: Shelf,
}

/// A chat in which a prompt was answered with the help of a tool, and one that was deleted.
fn story() -> Story {
    let (a, gone) = (chat_id("a"), chat_id("gone"));
    let log = log_of(&a);
    let mut ledger = Ledger::default();
    ledger.take(Told::Created(a.clone()));
    ledger.take(Told::Accepted { chat: a.clone(), prompt: prompt_id("p"), seq: seq(2) });
    for recorded in &log {
        let (chat, seq) = (a.clone(), recorded.seq);
        ledger.take(Told::Saw { chat, seq, mark: mark(recorded) });
    }
    let outcome = PromptOutcome::Completed;
    ledger.take(Told::Ended { chat: a.clone(), prompt: prompt_id("p"), outcome });
    ledger.take(Told::Done { chat: a.clone(), done: Done::Titled("new".to_owned()) });
    ledger.take(Told::Created(gone.clone()));
    ledger.take(Told::Deleting(gone.clone()));
    ledger.take(Told::Deleted(gone));
    let mut runs = Runs::default();
    runs.ran("a/1".to_owned());
    let mut shelf = Shelf::default();
    shelf.logs.insert(a, log);
    Story { ledger, runs, shelf }
}

fn log_of(chat: &ChatId) -> Log {
    let call = ToolCallId { message: message_id(4), ..CALL };
    let asked = ToolCall {
        name: "note".into(),
        arguments: serde_json::json!({ NAME: "a/1" }),
        provider_call_id: None,
    };
    let events = [
        Event::ChatCreated {
            title: "".into(),
            provenance: TitleProvenance::Default,
            metadata: polychat::Metadata::NONE,
            agent: None,
            context: polychat::Metadata::NONE,
            origin: None,
            archived: false,
        },
        Event::PromptAccepted {
            prompt_id: prompt_id("p"),
            mode: PromptMode::Queue,
            body: PromptBody::text("hello"),
        },
        Event::TurnStarted {
            prompt_ids: vec![prompt_id("p")],
            agent: agent_name("guide"),
            then: Vec::new(),
        },
        start(1),
        end(4, vec![asked]),
        Event::ToolStart { tool_call_id: call, name: "note".into() },
        Event::ToolResult { tool_call_id: call, output: ToolOutput::text("a/1") },
        start(2),
        end(8, Vec::new()),
        Event::TurnEnded { turn_id: turn_id(3), outcome: TurnOutcome::Completed },
        Event::ChatUpdated {
            title: Some("new".into()),
            provenance: Some(TitleProvenance::Manual),
            metadata: None,
            archived: None,
            agent: None,
        },
    ];
    (1..).zip(events).map(|(at, event)| recorded(chat, seq(at), event)).collect()
}

fn start(step: u32) -> Event {
    let mut agent = agent_config();
    agent.tools = polychat::tool::ToolSelection::All;
    let (turn_id, agent) = (turn_id(3), Arc::new(agent));
    Event::MessageStart { turn_id, step, agent, omitted: Omitted::default() }
}

fn end(message: u64, tool_calls: Vec<ToolCall>) -> Event {
    Event::MessageEnd {
        message_id: message_id(message),
        text: "text".into(),
        reasoning: "".into(),
        opaque: Vec::new(),
        tool_calls,
        finish: FinishReason::Stop,
        usage: Usage::default(),
    }
}

impl Story {
    fn log(&mut self) -> &mut Log {
        self.shelf.logs.get_mut(&chat_id("a")).unwrap()
    }

    /// What the judge says of it, as figures.
    fn judged(mut self, run: RunState) -> Figures {
        let mut faults: Vec<Fault> = self.ledger.judge(&self.shelf, run);
        faults.extend(self.runs.judge(&self.shelf));
        let mut figures = Figures::default();
        figures.count(&faults);
        figures
    }
}

/// Judges a story in which this went wrong.
fn with(plant: impl FnOnce(&mut Story)) -> Figures {
    let mut story = story();
    plant(&mut story);
    story.judged(RunState::Quiet)
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let figures = with(|_| {});
    let all = (figures.lost, figures.gaps, figures.second_ends, figures.ran_twice, figures.others);
    assert_eq!(all, (0, 0, 0, 0, 0));
}

// law 1
#[test]
fn what_is_missing_or_another_than_was_told_is_found() {
    // Everything that was told of the last event, of the prompt and its outcome.
    assert!(with(|it| drop(it.log().pop())).lost >= 2);
    assert!(with(|it| it.log().truncate(1)).lost >= 12);
    assert!(with(|it| it.shelf.logs.clear()).lost == 1);
    // One event says something else than was shown.
    let other = with(|it| it.log()[8] = recorded(&chat_id("a"), seq(9), end_of_other_words()));
    assert_eq!(other.lost, 1);
    // A chat that was deleted came back.
    assert_eq!(with(|it| it.shelf.undead.push(chat_id("gone"))).lost, 1);
    // A chat may vanish while it is deleted, but not before.
    assert_eq!(
        with(|it| {
            it.ledger.take(Told::Deleting(chat_id("a")));
            it.shelf.logs.clear();
        })
        .lost,
        0
    );
}

fn end_of_other_words() -> Event {
    let Event::MessageEnd { message_id, finish, .. } = end(8, Vec::new()) else { unreachable!() };
    Event::MessageEnd {
        message_id,
        text: "other words".into(),
        reasoning: "".into(),
        opaque: Vec::new(),
        tool_calls: Vec::new(),
        finish,
        usage: Usage::default(),
    }
}

// law 5
#[test]
fn gaps_second_ends_and_what_is_left_open_are_found() {
    assert_eq!(with(|it| drop(it.log().remove(5))).gaps, 1);
    let twice = with(|it| {
        let again = recorded(&chat_id("a"), seq(12), end_of_other_words());
        it.log().push(again);
    });
    assert_eq!(twice.second_ends, 1);
    let open = |run| {
        let mut story = story();
        story.ledger = Ledger::default();
        story.log().truncate(9);
        story.judged(run).others
    };
    assert_eq!((open(RunState::Live), open(RunState::Quiet)), (0, 1));
}

// law 1, law 5
#[test]
fn a_tool_that_ran_twice_or_without_a_record_is_found() {
    assert_eq!(with(|it| it.runs.ran("a/1".to_owned())).ran_twice, 1);
    assert_eq!(with(|it| it.runs.ran("a/2".to_owned())).others, 1, "it never began");
    assert_eq!(with(|it| it.runs = Runs::default()).others, 1, "it answered and never ran");
}

#[test]
fn a_loss_is_counted_and_must_be_the_end_of_a_log() {
    let judge = |mut story: Story| story.ledger.judge_loss(&story.shelf);
    let (lost, faults) = judge(story());
    assert!((lost, faults.len()) == (0, 0), "{faults:?}");
    let mut cut = story();
    cut.log().truncate(7);
    let (lost, faults) = judge(cut);
    assert!((lost, faults.len()) == (4, 0), "{faults:?}");
    let mut changed = story();
    changed.log()[8] = recorded(&chat_id("a"), seq(9), end_of_other_words());
    let (lost, faults) = judge(changed);
    assert!((lost, faults.len()) == (0, 1), "{faults:?}");
}
