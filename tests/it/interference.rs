//! The headline property, non-interference: what a chat's log says does not depend on its
//! neighbours (law 6).
//!
//! Each chat has a script of inputs, faults of its own included. All chats run at once in one world,
//! in a random interleaving, while watchers come and go; then each script runs alone in a fresh
//! world. Up to times and checkpoints the logs are the same.
//!
//! Time is a world's, so whatever waits for it (a restart, a store that comes back) is waited for
//! within the input that caused it; limits of the world are out of reach.

use std::{cell::RefCell, iter::Copied, slice, time::Duration};

use polychat::{
    ChatId, Command, Limits, MessageId, PromptId, Recorded, ScriptedModel, WorldBuilder,
    command::{CancelTarget, ChatChange, PromptChange, ReviseTarget},
    event::{PromptBody, PromptMode},
    ports::{ModelError, ModelErrorKind},
    tool::ToolCall,
};
use polychat_model::{Call, Step as ModelStep};
use polychat_testkit::{
    checker::same_log,
    faulty_store::{self, AtOpen, Fault, Gate},
    history::CHAT_CONTEXT_KEY,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner},
};

use super::state_machine::{
    act::new_chat,
    generator,
    rig::Rig,
    silence_planned_panics,
    step::{Watch, watch},
    wanted, wanted_seed,
};

const CASES: u64 = 192;
/// Longer than whatever an input may have to wait for: a hanging append, a restart's pause.
const PATIENCE: Duration = Duration::from_secs(30);

/// One input of one chat.
#[derive(Debug, Clone, Copy)]
enum Act {
    Prompt(PromptMode),
    /// Changes the last prompt, if it still waits.
    Edit(Option<PromptMode>),
    Withdraw,
    Cancel,
    /// Begins again from the first prompt.
    Revise,
    Rename,
    Close,
    Reopen,
    Delete,
    Says(&'static str),
    Thinks,
    Floods,
    Finishes,
    CallsTool,
    Fails,
    FailsForNow,
    Panics,
    /// The store fails in the next append, in one of these ways.
    Store(Trouble),
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    Crash,
    Away,
    AnswerLost,
    RequestLost,
    Late,
    Hangs,
}

/// What happens in one moment: the chats of these places do their next input at once.
#[derive(Debug, Clone)]
struct Round {
    chats: u8,
    watch: Option<Watch>,
}

fn act() -> impl Strategy<Value = Act> {
    use PromptMode::{Interrupt, Queue, Reject, Steer};
    use Trouble::{AnswerLost, Away, Crash, Hangs, Late, RequestLost};
    let mode = || select(vec![Queue, Queue, Steer, Interrupt, Reject]);
    prop_oneof![
        8 => mode().prop_map(Act::Prompt),
        1 => option::of(mode()).prop_map(Act::Edit),
        8 => select(vec!["a", "bc", "grün "]).prop_map(Act::Says),
        6 => Just(Act::Finishes),
        8 => select(vec![
            Act::Withdraw, Act::Cancel, Act::Revise, Act::Rename, Act::Close, Act::Reopen,
            Act::Thinks, Act::Floods, Act::CallsTool, Act::Fails, Act::FailsForNow, Act::Panics,
        ]),
        1 => Just(Act::Delete),
        3 => select(vec![Crash, Away, AnswerLost, RequestLost, Late, Hangs]).prop_map(Act::Store),
    ]
}

fn runs() -> impl Strategy<Value = (Vec<Vec<Act>>, Vec<Round>)> {
    let round = (1..=63_u8, option::of(watch())).prop_map(|(chats, watch)| Round { chats, watch });
    (vec(vec(act(), 8..28), 2..=6), vec(round, 40))
}

/// One chat, the inputs that are still to come, and what its names count.
struct Player<'a> {
    chat: ChatId,
    script: Copied<slice::Iter<'a, Act>>,
    prompts: usize,
    titles: usize,
}

impl<'a> Player<'a> {
    fn new(place: usize, script: &'a [Act]) -> Self {
        let chat = ChatId::new(format!("c{place}")).expect("a chat id");
        Self { chat, script: script.iter().copied(), prompts: 0, titles: 0 }
    }

    /// Does the next input; answers whether time must pass for it.
    fn play(&mut self, rig: &mut Rig) -> bool {
        let Some(act) = self.script.next() else { return false };
        let chat = self.chat.clone();
        match act {
            Act::Prompt(mode) => {
                let (prompt, body) = self.prompt();
                rig.post(Command::SendPrompt { chat, prompt, mode, body });
            }
            Act::Edit(mode) => {
                let parts = vec![polychat::Part::text(format!("{chat} asks otherwise"))];
                let mut change = PromptChange::default().parts(parts);
                change.mode = mode;
                rig.post(Command::EditPrompt { chat, prompt: self.last(), change });
            }
            Act::Withdraw => rig.post(Command::WithdrawPrompt { chat, prompt: self.last() }),
            Act::Cancel => {
                rig.post(Command::CancelTurn { chat, target: CancelTarget::Running });
            }
            Act::Revise => {
                let (prompt, body) = self.prompt();
                let first = rig.logs.get(&chat).into_iter().flatten().find(|recorded| {
                    matches!(recorded.event, polychat::Event::PromptAccepted { .. })
                });
                if let Some(id) = first.map(|recorded| MessageId(recorded.seq)) {
                    let target = ReviseTarget::Message { id, body };
                    rig.post(Command::Revise { chat, target, prompt });
                }
            }
            Act::Rename => self.rename(rig),
            Act::Close => rig.post(Command::CloseChat { chat }),
            Act::Reopen => rig.post(Command::ReopenChat { chat }),
            Act::Delete => rig.post(Command::DeleteChat { chat }),
            Act::Store(trouble) => {
                self.break_store(trouble, rig);
                self.rename(rig);
                return true;
            }
            says => {
                self.speak(says, rig);
                return matches!(says, Act::FailsForNow);
            }
        }
        false
    }

    fn prompt(&mut self) -> (PromptId, PromptBody) {
        self.prompts += 1;
        (self.last(), PromptBody::text(format!("{} asks {}", self.chat, self.prompts)))
    }

    fn last(&self) -> PromptId {
        PromptId::new(format!("p{}", self.prompts)).expect("a prompt id")
    }

    fn rename(&mut self, rig: &mut Rig) {
        self.titles += 1;
        let change = ChatChange::default().title(format!("title {}", self.titles));
        rig.post(Command::UpdateChat { chat: self.chat.clone(), change });
    }

    fn break_store(&self, trouble: Trouble, rig: &mut Rig) {
        let fault = match trouble {
            Trouble::Crash => Fault::Panic,
            Trouble::Away => Fault::Unavailable,
            Trouble::AnswerLost => Fault::AnswerLost,
            Trouble::RequestLost => Fault::RequestLost,
            Trouble::Late => Fault::Late(AtOpen::Lands),
            Trouble::Hangs => {
                let gate = Gate::closed();
                rig.gates.push(gate.clone());
                Fault::HangBefore(gate)
            }
        };
        rig.writing.for_chat(&self.chat).next(faulty_store::Call::Append, 1, fault);
    }

    fn speak(&self, says: Act, rig: &Rig) {
        let Some(life) = &rig.life else { return };
        let Some(call) = life.calls.iter().find(|call| is_of(call, &self.chat)) else { return };
        let error = ModelError::new(ModelErrorKind::Unavailable, "planned");
        match says {
            Act::Says(text) => {
                call.text(text);
            }
            Act::Thinks => {
                call.reasoning("hm ");
            }
            Act::Floods => (0..300).for_each(|n| {
                call.text(format!("flood {n:>40} "));
            }),
            Act::CallsTool => {
                let (name, arguments) = ("no_such_tool".into(), serde_json::json!({}));
                call.tool_call(ToolCall { name, arguments, provider_call_id: None }).finish();
            }
            Act::Fails => call.fail(error),
            Act::FailsForNow => call.fail(error.retryable()),
            Act::Panics => call.panic("planned"),
            _ => call.finish(),
        }
    }
}

fn is_of(call: &Call, chat: &ChatId) -> bool {
    let of = call.request().context.chat.get(CHAT_CONTEXT_KEY);
    of.and_then(|of| of.as_str()) == Some(chat.as_str())
}

/// Bounds that one chat can reach and a world cannot.
fn limits() -> Limits {
    let mut limits = Limits::default();
    let for_ever = Duration::from_secs(365 * 24 * 3_600);
    (limits.turn_duration_max, limits.turn_progress_duration_max) = (for_ever, for_ever);
    (limits.restarts_max, limits.restart_delay) = (1_000, Duration::from_millis(1));
    limits.prompts_queued_max = 3;
    limits.turn_output_bytes_max = 8_192;
    limits.steps_max = 3;
    limits.feed_recorded_max = 8;
    limits
}

/// Plays these scripts in one world, and then whatever is left of them one by one.
fn play(mut players: Vec<Player<'_>>, rounds: &[Round], limits: Limits) -> Rig {
    let mut rig = Rig::with_limits(limits);
    rig.drive(async |rig: &mut Rig| {
        for player in &players {
            rig.chats.push(player.chat.clone());
            rig.send(Command::CreateChat { chat: new_chat(&player.chat) }).await;
        }
        let longest = players.iter().map(|player| player.script.len()).max().unwrap_or(0);
        let rest = Round { chats: u8::MAX, watch: None };
        for round in rounds.iter().chain(std::iter::repeat_n(&rest, longest)) {
            let mut wait = false;
            for (place, player) in players.iter_mut().enumerate() {
                if round.chats >> place & 1 == 1 {
                    wait |= player.play(rig);
                }
            }
            rig.settle().await;
            if wait {
                rig.pass(PATIENCE).await;
            }
            if let Some(watch) = round.watch {
                rig.watch(watch).await;
            }
        }
    });
    rig
}

fn log(rig: &Rig, chat: &ChatId) -> Vec<Recorded> {
    rig.logs.get(chat).into_iter().flatten().map(|recorded| (**recorded).clone()).collect()
}

/// Plays the scripts together, in a world of these limits, and each alone.
fn compare(scripts: &[Vec<Act>], rounds: &[Round], shared: Limits) -> Result<usize, String> {
    let players = || scripts.iter().enumerate().map(|(place, acts)| Player::new(place, acts));
    let together = play(players().collect(), rounds, shared);
    if !together.problems.is_empty() {
        return Err(format!("together: {}", together.problems.join("\n")));
    }
    let mut events = 0;
    for player in players() {
        let chat = player.chat.clone();
        let alone = play(vec![player], &[], limits());
        if !alone.problems.is_empty() {
            return Err(format!("{chat} alone: {}", alone.problems.join("\n")));
        }
        let (one, other) = (log(&together, &chat), log(&alone, &chat));
        events += other.len();
        same_log(&one, &other).map_err(|difference| format!("{chat}: {difference}"))?;
    }
    Ok(events)
}

// law 6; REQ-1, REQ-5, REQ-6, REQ-11, REQ-12, NFR-1
#[test]
fn a_chats_log_among_others_is_the_log_it_has_alone() {
    let cases = wanted("POLYCHAT_CASES", CASES);
    let seed = wanted_seed();
    let kept = FileFailurePersistence::Direct("tests/it/interference.proptest-regressions");
    let config = Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: Some(Box::new(kept)),
        source_file: Some(file!()),
        max_shrink_iters: 1_000,
        ..Config::default()
    };
    silence_planned_panics();
    let events = RefCell::new(0);
    let mut runner = TestRunner::new_with_rng(config, generator(seed));
    let result = runner.run(&runs(), |(scripts, rounds)| {
        *events.borrow_mut() +=
            compare(&scripts, &rounds, limits()).map_err(TestCaseError::fail)?;
        Ok(())
    });
    if let Err(failure) = result {
        let failure = match failure {
            TestError::Fail(reason, runs) => format!("{reason}\nafter {runs:?}"),
            aborted @ TestError::Abort(_) => aborted.to_string(),
        };
        panic!(
            "{failure}\nreplay: POLYCHAT_SEED={seed} POLYCHAT_CASES={cases} \
             cargo test --test it interference"
        );
    }
    let events = events.into_inner();
    println!("{cases} cases, {events} events compared");
    assert!(events as u64 >= cases * 20, "the chats did next to nothing: {events} events");
}

// a check that cannot fail is a defect: in a world so small that chats crowd each other out, they
// do interfere, and that shows
#[test]
fn chats_that_do_interfere_are_found() {
    silence_planned_panics();
    let mut crowded = limits();
    crowded.world_commands_in_flight_max = 1;
    let config =
        Config { cases: 20, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, generator(7));
    let result = runner.run(&runs(), |(scripts, rounds)| {
        compare(&scripts, &rounds, crowded.clone()).map(drop).map_err(TestCaseError::fail)
    });
    let Err(TestError::Fail(reason, _)) = result else { panic!("not found: {result:?}") };
    assert!(reason.to_string().contains("the logs differ"), "{reason}");
}

/// What one chat says on real threads, one prompt after the other.
const TALK: [&str; 7] =
    ["hello", "say it again", "/panic", "/error", "and now?", "/hang", "what did I say?"];

/// Answers from the history that it is given, and misbehaves on request.
fn threaded_model() -> ScriptedModel {
    ScriptedModel::answering(|request| {
        let said: Vec<String> = request.messages.iter().map(|message| message.text()).collect();
        match said.last().map(String::as_str) {
            Some(last) if last.ends_with("/panic") => vec![ModelStep::Panic("planned".to_owned())],
            Some(last) if last.ends_with("/error") => {
                let error = ModelError::new(ModelErrorKind::Refused, "planned");
                vec![ModelStep::text("so far"), ModelStep::Error(error)]
            }
            Some(last) if last.ends_with("/hang") => vec![ModelStep::Hang],
            _ => said
                .into_iter()
                .flat_map(|said| [ModelStep::text(said), ModelStep::Yield])
                .collect(),
        }
    })
}

/// Talks in all these chats at once, and answers with their logs.
async fn talk(chats: std::ops::Range<usize>) -> Vec<Vec<Recorded>> {
    let world = WorldBuilder::new("threads", threaded_model()).open().await.unwrap();
    let talks = chats.map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            let chat = world.open_chat(format!("c{n}")).await.unwrap();
            for (turn, text) in TALK.iter().enumerate().skip(n % 3) {
                let id = PromptId::new(format!("p{turn}")).unwrap();
                let prompt = chat.prompt(format!("{n}: {text}")).id(id).send().await.unwrap();
                if text.ends_with("/hang") {
                    chat.cancel().await.unwrap();
                }
                prompt.outcome().await.unwrap();
                chat.rename(format!("{n} after {turn}")).await.unwrap();
            }
            let page = chat.log(polychat::Seq::ZERO, 500).await.unwrap();
            page.events.iter().map(|recorded| (**recorded).clone()).collect::<Vec<_>>()
        })
    });
    let talks: Vec<_> = talks.collect();
    let mut logs = Vec::new();
    for talk in talks {
        logs.push(talk.await.unwrap());
    }
    world.shutdown().await;
    logs
}

// law 6; REQ-1, REQ-11, REQ-15, NFR-1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_real_threads_a_chats_log_among_others_is_the_log_it_has_alone() {
    silence_planned_panics();
    const CHATS: usize = 60;
    let together = talk(0..CHATS).await;
    for (n, among_others) in together.iter().enumerate() {
        let alone = talk(n..n + 1).await.remove(0);
        assert!(alone.len() > 25, "chat {n} did next to nothing: {}", alone.len());
        same_log(among_others, &alone).unwrap_or_else(|difference| panic!("{n}: {difference}"));
    }
}
