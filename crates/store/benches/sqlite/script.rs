//! What chats write: turns as an actor appends them, with texts of ordinary words.

use std::sync::Arc;

use polychat_core::{
    ChatId, Event, MessageId, Metadata, Seq, Summary, TurnId, TurnOutcome,
    event::{FinishReason, PromptBody, PromptMode, TitleProvenance},
    message::{Omitted, Usage},
    ports::Entry,
    rules::ChatState,
};
use polychat_testkit::samples::{self, chat_id, prompt_id};

/// One append.
pub(crate) struct Append {
    pub(crate) expected: Seq,
    pub(crate) entries: Vec<Entry>,
    pub(crate) summary: Summary,
}

/// A chat's log as a sequence of appends.
pub(crate) struct Script {
    pub(crate) chat: ChatId,
    pub(crate) appends: Vec<Append>,
}

/// Words as people use them: few of them often, most of them rarely.
pub(crate) struct Words(u64);

/// Half of all chats say this word in each prompt, and never that of the other half.
pub(crate) const HALVES: [&str; 2] = ["evenly", "oddly"];

/// Each chat says a word in each prompt that no other says. All of them begin like this.
pub(crate) const OWN: &str = "name";

impl Words {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn number(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    /// The word of this rank: frequent words are short.
    pub(crate) fn of_rank(rank: u64) -> String {
        const CONSONANTS: &[u8] = b"bcdfghklmnprstvz";
        const VOWELS: &[u8] = b"aeiou";
        let mut spread = rank.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let syllables = if rank < 100 { 1 } else { 2 + spread % 3 };
        let mut word = String::new();
        for _ in 0..syllables {
            spread ^= spread >> 29;
            word.push(char::from(CONSONANTS[(spread % 16) as usize]));
            word.push(char::from(VOWELS[(spread / 16 % 5) as usize]));
            spread = spread.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        }
        word
    }

    /// By Zipf's law: the word of rank n comes with a frequency of 1/n.
    fn word(&mut self) -> String {
        let uniform = self.number(1 << 20) as f64 / f64::from(1 << 20);
        Self::of_rank(30_000_f64.powf(uniform) as u64)
    }

    pub(crate) fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

impl Script {
    /// The creation of a chat and this many turns, each in three appends: 5 events a turn.
    pub(crate) fn new(n: usize, turns: usize) -> Self {
        let chat = chat_id(&format!("chat-{n:06}"));
        let mut words = Words::new(n as u64 + 1);
        let own = format!("{} {OWN}{n:06}", HALVES[n % 2]);
        let mut script =
            Writing { state: ChatState::of_empty_log(&chat), appends: Vec::new(), own };
        script.append([Event::ChatCreated {
            title: words.text(4).into(),
            provenance: TitleProvenance::Auto,
            metadata: Metadata::NONE,
            agent: None,
            context: Metadata::NONE,
            origin: None,
            archived: false,
        }]);
        for _ in 0..turns {
            script.turn(&mut words);
        }
        Self { chat, appends: script.appends }
    }
}

struct Writing {
    state: ChatState,
    appends: Vec<Append>,
    own: String,
}

impl Writing {
    fn append(&mut self, events: impl IntoIterator<Item = Event>) {
        let expected = self.state.head();
        let mut entries = Vec::new();
        for event in events {
            let seq = self.state.head().next();
            let recorded = samples::recorded(self.state.chat_id(), seq, event);
            self.state.apply(&recorded).unwrap();
            entries.push(Entry::Chat(recorded));
        }
        let summary = self.state.summary();
        self.appends.push(Append { expected, entries, summary });
    }

    fn turn(&mut self, words: &mut Words) {
        let head = self.state.head();
        let (prompt, turn_id) = (prompt_id(&format!("prompt-{head}")), TurnId(head.plus(2)));
        let body = PromptBody::text(format!("{} {}", words.text(12), self.own));
        let agent = Arc::new(samples::agent_config());
        let (mode, prompt_ids) = (PromptMode::Queue, vec![prompt.clone()]);
        self.append([
            Event::PromptAccepted { prompt_id: prompt, mode, body },
            Event::TurnStarted { prompt_ids, agent: agent.name.clone(), then: Vec::new() },
        ]);
        self.append([Event::MessageStart { turn_id, step: 1, agent, omitted: Omitted::default() }]);
        self.append([
            Event::MessageEnd {
                message_id: MessageId(head.plus(3)),
                text: words.text(60).into(),
                reasoning: "".into(),
                opaque: Vec::new(),
                tool_calls: Vec::new(),
                finish: FinishReason::Stop,
                usage: Usage::new(120, 80),
            },
            Event::TurnEnded { turn_id, outcome: TurnOutcome::Completed },
        ]);
    }
}
