//! Law 4 as a property: whoever leaves and comes back knows what one knows who never left.
//!
//! `PROPTEST_CASES=10000` runs more cases; a failure prints its minimal script and is kept.

use polychat_chat_actor::feed::{FeedLimits, PushError, ToolWriter};
use polychat_core::{Event, StartAt, ToolCallId};
use proptest::prelude::*;

use crate::support::{Chat, LIMITS, View, Watcher};

const READERS: usize = 3;
const WORDS: [&str; 5] = ["a", "é", "漢字 ", "words and more ", "🦀"];

#[derive(Debug, Clone)]
enum Op {
    Text(usize),
    Reasoning(usize),
    Output(usize),
    Progress(i32),
    StartTurn,
    StartMessage,
    EndMessage,
    EndTurn,
    StartTool,
    EndTool,
    Other,
    Seal,
    Restart { unseen: usize },
    Read { reader: usize, times: usize },
    ComeBack { reader: usize },
    JoinNow { reader: usize },
    JoinFromStart { reader: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let word = 0..WORDS.len();
    let reader = 0..READERS;
    prop_oneof![
        8 => word.clone().prop_map(Op::Text),
        3 => word.clone().prop_map(Op::Reasoning),
        2 => word.prop_map(Op::Output),
        2 => any::<i32>().prop_map(Op::Progress),
        2 => Just(Op::StartTurn),
        3 => Just(Op::StartMessage),
        1 => Just(Op::EndMessage),
        1 => Just(Op::EndTurn),
        1 => Just(Op::StartTool),
        1 => Just(Op::EndTool),
        2 => Just(Op::Other),
        1 => Just(Op::Seal),
        1 => (0..3_usize).prop_map(|unseen| Op::Restart { unseen }),
        8 => (reader.clone(), 1..4_usize).prop_map(|(reader, times)| Op::Read { reader, times }),
        4 => reader.clone().prop_map(|reader| Op::ComeBack { reader }),
        1 => reader.clone().prop_map(|reader| Op::JoinNow { reader }),
        1 => reader.prop_map(|reader| Op::JoinFromStart { reader }),
    ]
}

/// A chat, one who never left, and those who come and go.
struct Run {
    chat: Chat,
    tool: Option<(ToolCallId, ToolWriter)>,
    calls: u16,
    sealed: bool,
    stays: Watcher,
    others: Vec<Watcher>,
    /// What the open message should show by now.
    said: (String, String),
}

impl Run {
    fn new(recorded_max: usize) -> Self {
        let chat = Chat::new(FeedLimits { recorded_max, ..LIMITS });
        let stays = chat.watch(&StartAt::Start);
        let others = (0..READERS).map(|_| chat.watch(&StartAt::Start)).collect();
        let said = Default::default();
        Self { chat, tool: None, calls: 0, sealed: false, stays, others, said }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Text(word) => self.say(WORDS[*word], false),
            Op::Reasoning(word) => self.say(WORDS[*word], true),
            Op::Output(word) => {
                if let Some((_, tool)) = &self.tool {
                    tool.output(WORDS[*word]).unwrap();
                }
            }
            Op::Progress(done) => {
                if let Some((_, tool)) = &self.tool {
                    tool.progress((*done).into()).unwrap();
                }
            }
            Op::Seal => {
                if let Some(message) = self.chat.message {
                    let shown = self.chat.feed.seal(message).unwrap();
                    assert_eq!((&*shown.text, &*shown.reasoning), (&*self.said.0, &*self.said.1));
                    self.sealed = true;
                }
            }
            Op::Read { reader, times } => {
                for _ in 0..*times {
                    self.others[*reader].step(&self.chat.log);
                }
            }
            Op::ComeBack { reader } => self.others[*reader].come_back(&self.chat.feed),
            Op::JoinNow { reader } => {
                let snapshot = self.chat.feed.snapshot();
                let mut watcher = self.chat.watch(&StartAt::After(snapshot.cursor));
                watcher.view = self.stays.view.clone();
                if let Some((message, shown)) = snapshot.open {
                    assert_eq!(watcher.view.messages[&message].0, *shown.text);
                }
                self.others[*reader] = watcher;
            }
            Op::JoinFromStart { reader } => {
                self.others[*reader] = self.chat.watch(&StartAt::Start);
            }
            _ => self.record(op),
        }
        // Who never left reads at once.
        self.stays.read_all(&self.chat.log);
        if let Some(message) = self.chat.message {
            assert_eq!(self.stays.view.messages[&message], self.said);
        }
    }

    fn record(&mut self, op: &Op) {
        match op {
            Op::StartTurn if self.chat.turn.is_none() => {
                self.chat.start_turn();
            }
            Op::StartMessage if self.chat.turn.is_some() && self.chat.message.is_none() => {
                self.chat.start_message();
                (self.said, self.sealed) = Default::default();
            }
            Op::EndMessage => self.chat.end_message(),
            Op::EndTurn if self.chat.message.is_none() => {
                self.tool = None;
                self.chat.end_turn();
            }
            Op::StartTool if self.tool.is_none() && self.chat.turn.is_some() => {
                self.calls += 1;
                let message = polychat_core::MessageId(self.chat.head());
                let call = ToolCallId { message, index: self.calls };
                self.tool = Some((call, self.chat.start_tool(call)));
            }
            Op::EndTool => {
                if let Some((call, _)) = self.tool.take() {
                    self.chat.end_tool(call);
                }
            }
            Op::Other => {
                self.chat.record(Event::ChatReopened {});
            }
            Op::Restart { unseen } => {
                let old = self.chat.message.map(|_| self.chat.writer());
                self.tool = None;
                self.chat.restart(*unseen);
                let late = old.map(|writer| writer.text("late"));
                assert!(late.is_none_or(|late| late == Err(PushError::StaleEpoch)));
            }
            _ => {}
        }
    }

    fn say(&mut self, word: &str, thinking: bool) {
        if self.chat.message.is_none() {
            return;
        }
        let writer = self.chat.writer();
        let pushed = if thinking { writer.reasoning(word) } else { writer.text(word) };
        if self.sealed {
            assert_eq!(pushed, Err(PushError::Sealed), "nothing comes after the seal");
            return;
        }
        pushed.unwrap();
        let said = if thinking { &mut self.said.1 } else { &mut self.said.0 };
        said.push_str(word);
    }

    fn views(mut self) -> (View, Vec<View>) {
        self.stays.read_all(&self.chat.log);
        for watcher in &mut self.others {
            watcher.read_all(&self.chat.log);
        }
        (self.stays.view, self.others.into_iter().map(|watcher| watcher.view).collect())
    }
}

proptest! {
    // law 4, law 5 (nothing after the seal), law 1 (nothing beyond the head)
    #[test]
    fn whoever_comes_back_knows_what_one_knows_who_never_left(
        recorded_max in 0..5_usize,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut run = Run::new(recorded_max);
        for op in &ops {
            run.apply(op);
        }
        let (stays, others) = run.views();
        for view in others {
            prop_assert_eq!(&view, &stays);
        }
    }
}
