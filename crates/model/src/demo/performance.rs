//! The steps of the demo: words at a pace, and misbehaviour on request.

use std::{iter, time::Duration};

use polychat_core::{
    event::FinishReason,
    ports::{ModelError, ModelErrorKind, ModelRequest},
    tool::ToolCall,
};

use super::{
    intent::{self, Command, Intent},
    memory::{Asked, Memory, words},
    reply,
};
use crate::step::Step;

/// Steps, made as they are taken: a flood never lies in memory as a whole.
type Steps = Box<dyn Iterator<Item = Step> + Send>;

/// The most words that `/long` says.
const LONG_WORDS_MAX: usize = 100_000;
/// What `/flood` says in all, and at once.
const FLOOD_BYTES: usize = 8 * 1024 * 1024;
const FLOOD_CHUNK: &str = "flood ";
const FLOOD_CHUNKS_PER_DELTA: usize = 512;
/// How long `/block` and `/spin` keep their thread.
const HOLD: Duration = Duration::from_millis(200);

/// The steps that answer a request.
pub(super) fn perform(request: &ModelRequest, pace: Duration) -> Steps {
    let memory = Memory::of(request);
    let stage = Stage { pace, input_words: memory.words };
    let text = match &memory.asked {
        Asked::User(text) => text,
        Asked::Tool(answer) => return stage.say(&reply::tool_answered(answer)),
    };
    match intent::parse(text) {
        Intent::Command(command) => stage.obey(command, text, &memory),
        Intent::AskInstructions => stage.say(&reply::instructions(&request.system)),
        Intent::Think(about) => {
            let answer = match intent::parse(about) {
                // A command or a second thought inside a thought is only something to think about.
                Intent::Command(_) | Intent::Think(_) | Intent::Other => {
                    reply::reply(text, &Intent::Think(about), &memory)
                }
                inner => reply::reply(about, &inner, &memory),
            };
            stage.think(&reply::thought(about, &memory), &answer)
        }
        intent => stage.say(&reply::reply(text, &intent, &memory)),
    }
}

/// How an answer is given.
struct Stage {
    pace: Duration,
    input_words: usize,
}

impl Stage {
    /// Says it word by word, and what it cost.
    fn say(&self, text: &str) -> Steps {
        let usage = self.usage(words(text));
        Box::new(self.words(text).chain([usage]))
    }

    fn think(&self, thought: &str, answer: &str) -> Steps {
        let usage = self.usage(words(thought) + words(answer));
        let pause = self.pause();
        let thought = split(thought).into_iter();
        let thought = thought.flat_map(move |word| [pause.clone(), Step::reasoning(word)]);
        Box::new(thought.chain(self.words(answer)).chain([usage]))
    }

    fn obey(&self, command: Command<'_>, text: &str, memory: &Memory) -> Steps {
        match command {
            Command::Help => self.say(reply::HELP),
            Command::Unknown => self.say(&reply::reply(text, &Intent::Other, memory)),
            Command::Long(count) => self.long(count.min(LONG_WORDS_MAX)),
            Command::Tool { name, arguments } => self.call(name, arguments),
            Command::Flood => self.flood(),
            Command::Error => {
                self.begin("I begin to answer, and then", Step::Error(error("broke off, as asked")))
            }
            Command::Unavailable => {
                let error = error("cannot be reached, as asked").retryable();
                Box::new(iter::once(Step::Error(error)))
            }
            Command::Crash => self.begin(
                "I begin to answer, and then",
                Step::Panic("the demo model panicked, as asked".to_owned()),
            ),
            Command::Hang => self.begin("I begin to answer, and then", Step::Hang),
            Command::Block => self.hold(Step::Block(HOLD), "blocked"),
            Command::Spin => self.hold(Step::Spin(HOLD), "was busy on"),
        }
    }

    fn begin(&self, text: &str, then: Step) -> Steps {
        Box::new(self.words(text).chain([then]))
    }

    fn hold(&self, step: Step, verb: &str) -> Steps {
        let text = format!("I {verb} my thread for {} ms.", HOLD.as_millis());
        Box::new(iter::once(step).chain(self.say(&text)))
    }

    fn long(&self, count: usize) -> Steps {
        let pause = self.pause();
        let said = (1..=count).flat_map(move |n| {
            let gap = if n == count { "." } else { " " };
            [pause.clone(), Step::text(format!("{n}{gap}"))]
        });
        Box::new(said.chain([self.usage(count)]))
    }

    fn flood(&self) -> Steps {
        let delta = FLOOD_CHUNK.repeat(FLOOD_CHUNKS_PER_DELTA);
        let count = FLOOD_BYTES / delta.len();
        let usage = self.usage(count * FLOOD_CHUNKS_PER_DELTA);
        let said = iter::repeat_with(move || Step::text(delta.clone())).take(count);
        Box::new(said.chain([usage]))
    }

    fn call(&self, name: &str, arguments: serde_json::Value) -> Steps {
        let text = format!("I ask the tool {name}. ");
        let call = ToolCall { name: name.into(), arguments, provider_call_id: None };
        let usage = self.usage(words(&text));
        let end = [Step::tool_call(call), usage, Step::reason(FinishReason::ToolCalls)];
        Box::new(self.words(&text).chain(end))
    }

    fn words(&self, text: &str) -> impl Iterator<Item = Step> + Send + use<> {
        let pause = self.pause();
        split(text).into_iter().flat_map(move |word| [pause.clone(), Step::text(word)])
    }

    fn pause(&self) -> Step {
        if self.pace.is_zero() { Step::Yield } else { Step::Pause(self.pace) }
    }

    fn usage(&self, output_words: usize) -> Step {
        Step::usage(self.input_words as u64, output_words as u64)
    }
}

fn split(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

fn error(what: &str) -> ModelError {
    ModelError::new(ModelErrorKind::Unavailable, format!("the demo model {what}"))
}
