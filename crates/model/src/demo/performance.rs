//! The steps of the demo: words at a pace, and misbehaviour on request.

use std::{iter, time::Duration};

use polychat_core::{
    event::FinishReason,
    ports::{ModelError, ModelErrorKind, ModelRequest},
    rules::TITLE_INSTRUCTIONS,
    tool::ToolCall,
};

use super::{
    calls::Call,
    intent::{self, Command, Intent},
    memory::{Memory, words},
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
    let asked = memory.asked.as_deref();
    if request.system.starts_with(TITLE_INSTRUCTIONS) {
        return stage.say(&reply::title(asked.unwrap_or_default()));
    }
    let heard = reply::heard(&memory.heard);
    match asked {
        None => stage.say(&heard),
        Some(text) if heard.is_empty() => stage.answer(text, request, &memory),
        // Tools have answered, and the user has said something since.
        Some(text) => {
            let heard = stage.words(&format!("{heard} "));
            Box::new(heard.chain(stage.answer(text, request, &memory)))
        }
    }
}

/// How an answer is given.
struct Stage {
    pace: Duration,
    input_words: usize,
}

impl Stage {
    fn answer(&self, text: &str, request: &ModelRequest, memory: &Memory) -> Steps {
        match intent::parse(text) {
            Intent::Command(command) => self.obey(&command, request),
            Intent::AskInstructions => self.say(&reply::instructions(&request.system)),
            Intent::AskSelf => self.say(&reply::oneself(request.agent.as_ref(), &request.system)),
            Intent::Think(about) => {
                let answer = match intent::parse(about) {
                    // A command or a second thought inside a thought is only something to think
                    // about.
                    Intent::Command(_) | Intent::Think(_) | Intent::Other => {
                        reply::reply(text, &Intent::Think(about), memory)
                    }
                    inner => reply::reply(about, &inner, memory),
                };
                self.think(&reply::thought(about, memory), &answer)
            }
            intent => self.say(&reply::reply(text, &intent, memory)),
        }
    }

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

    fn obey(&self, command: &Command<'_>, request: &ModelRequest) -> Steps {
        match command {
            Command::Help => self.say(reply::HELP),
            Command::Long(count) => self.long((*count).min(LONG_WORDS_MAX)),
            Command::Calls(calls) => self.call(calls, request),
            Command::Handoff { to, text } => self.say(&reply::handing_on(to, text)),
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

    /// Asks for what was offered, and says what was not.
    fn call(&self, calls: &[Call<'_>], request: &ModelRequest) -> Steps {
        let is_offered = |call: &&Call<'_>| request.tools.iter().any(|it| *it.name == *call.tool);
        let (offered, missing): (Vec<_>, Vec<_>) = calls.iter().partition(is_offered);
        let tools: Vec<&str> = request.tools.iter().map(|spec| &*spec.name).collect();
        let text = reply::calling(&names(&offered), &names(&missing), &tools);
        if offered.is_empty() {
            return self.say(text.trim_end());
        }
        let usage = self.usage(words(&text));
        let asked = offered.into_iter().map(|Call { tool, arguments }| {
            let (name, arguments) = ((*tool).into(), arguments.clone());
            Step::tool_call(ToolCall { name, arguments, provider_call_id: None })
        });
        let end = [usage, Step::reason(FinishReason::ToolCalls)];
        let asked: Vec<Step> = asked.chain(end).collect();
        Box::new(self.words(&text).chain(asked))
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

fn names<'a>(calls: &[&Call<'a>]) -> Vec<&'a str> {
    calls.iter().map(|call| call.tool).collect()
}

fn split(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

fn error(what: &str) -> ModelError {
    ModelError::new(ModelErrorKind::Unavailable, format!("the demo model {what}"))
}
