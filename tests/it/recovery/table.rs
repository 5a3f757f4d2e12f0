//! Each state lost in each way, over each sort of store.
//!
//! What was acknowledged is there afterwards, what recovery adds is what the table says, nothing
//! runs again, and once models, tools and people go on, every prompt has its one outcome.

use std::{fmt, sync::Arc};

use polychat::{
    Chat, Event, PromptId, Recorded, command::PromptState, event::ApprovalKind,
    tool::ApprovalDecision,
};
use polychat_testkit::faulty_store::{Call, Fault};

use super::{
    lines::lines,
    lives::Lives,
    states::{Row, State, TABLE},
};
use crate::{
    state_machine::silence_planned_panics,
    support::{Ground, House, assert_sound, code, log, pending, settle, within},
};

/// How often everything that is open is ended before a chat counts as stuck.
const ROUNDS: usize = 20;

/// How a chat is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Its actor panics, and the process goes on.
    Crash,
    /// The process is lost in the middle of it.
    Process,
    /// The world is shut down.
    Shutdown,
}

// law 5; design: recovery
#[test]
fn every_state_is_recovered_from_when_its_process_is_lost() {
    lose_all(Loss::Process);
}

// law 5; design: restart from the log
#[test]
fn every_state_is_recovered_from_when_its_actor_crashes() {
    lose_all(Loss::Crash);
}

// law 5; design: shutdown ends turns as `interrupted`
#[test]
fn every_state_is_recovered_from_when_its_world_was_shut_down() {
    lose_all(Loss::Shutdown);
}

fn lose_all(loss: Loss) {
    silence_planned_panics();
    for row in TABLE.iter().filter(|row| loss != Loss::Crash || row.state.can_crash()) {
        for ground in Ground::all() {
            lose(&Trial { row, loss }, &ground);
        }
    }
}

/// Brings a chat into a state, loses it, and looks what becomes of it.
fn lose(trial: &Trial<'_>, ground: &Ground) {
    let setup = trial.row.state.setup();
    if trial.loss == Loss::Crash {
        Lives::begin(ground, setup, async |house: &House| {
            let chat = trial.row.state.reach(house).await;
            let before = log(&chat).await;
            house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
            assert_eq!(code(within(chat.rename("crash")).await), "chat_restarted", "{trial}");
            settle().await;
            trial.judge(house, &before).await;
        });
        return;
    }
    let mut before = Vec::new();
    let mut lives = Lives::begin(ground, setup, async |house: &House| {
        let chat = trial.row.state.reach(house).await;
        before = log(&chat).await;
        if trial.loss == Loss::Shutdown {
            within(house.local.shutdown()).await;
        }
    });
    lives.go_on(async |house: &House| trial.judge(house, &before).await);
}

/// One state lost in one way.
struct Trial<'a> {
    row: &'a Row,
    loss: Loss,
}

impl fmt::Display for Trial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} lost by {:?}", self.row.state, self.loss)
    }
}

impl Trial<'_> {
    async fn judge(&self, house: &House, before: &[Arc<Recorded>]) {
        let chat = house.world.chat("a").unwrap();
        self.the_log_says_what_it_said_and_what_the_table_says(&chat, before).await;
        finish(house, &chat).await;
        assert_eq!(outcomes(&chat).await, self.row.outcomes, "{self}");
        self.nothing_ran_twice(house).await;
        assert_sound(&chat).await;
    }

    async fn the_log_says_what_it_said_and_what_the_table_says(
        &self,
        chat: &Chat,
        before: &[Arc<Recorded>],
    ) {
        let now = log(chat).await;
        assert_eq!(now.get(..before.len()), Some(before), "{self}: what was acknowledged");
        let Row { then, crashed, lost, .. } = self.row;
        let then = match self.loss {
            Loss::Crash => crashed.unwrap_or(then),
            Loss::Process => lost.unwrap_or(then),
            Loss::Shutdown => then,
        };
        let mut new = lines(&now).split_off(before.len());
        if self.loss == Loss::Shutdown {
            // Before it ends them, a shutdown gives turns time, in which checkpoints are made.
            new.retain(|line| !line.starts_with("saved "));
        }
        assert_eq!(new, *then, "{self}");
    }

    /// Models and tools were asked as often as the logs say that they began, and no more.
    async fn nothing_ran_twice(&self, house: &House) {
        let (mut models, mut tools) = (0, 0);
        for chat in ["a", "other", "origin"] {
            let chat = house.world.chat(chat).unwrap();
            if within(chat.snapshot()).await.is_err() {
                continue;
            }
            let log = log(&chat).await;
            let count = |is_it: &dyn Fn(&&Event) -> bool| {
                log.iter().map(|recorded| &recorded.event).filter(is_it).count()
            };
            models += count(&|event| matches!(event, Event::MessageStart { .. }));
            // A question is answered by a person, and runs nothing.
            let answered = ApprovalDecision::Answer { data: "yes".into() };
            let is_answer = |event: &&Event| matches!(event, Event::ApprovalResolved { decision: Some(it), .. } if *it == answered);
            let starts = count(&|event| matches!(event, Event::ToolStart { .. }));
            tools += starts - count(&is_answer);
        }
        let titles = usize::from(self.row.state == State::Titled);
        assert_eq!(house.script.calls_seen(), models + titles, "{self}: model calls");
        assert_eq!(house.tools.calls_seen(), tools, "{self}: tool runs");
    }
}

/// Lets models, tools and people go on until nothing is open any more.
async fn finish(house: &House, chat: &Chat) {
    // It has the place that the chat may wait for, if there is such a chat.
    let _ = within(house.world.chat("other").unwrap().cancel()).await;
    for _ in 0..ROUNDS {
        settle().await;
        let mut idle = true;
        while let Some(call) = house.script.try_next_call() {
            call.text("after").finish();
            idle = false;
        }
        while let Some(run) = house.tools.try_next_call() {
            run.result("after");
            idle = false;
        }
        for approval in pending(chat).await {
            let decision = match approval.kind {
                ApprovalKind::Question => ApprovalDecision::Answer { data: "yes".into() },
                _ => ApprovalDecision::AllowOnce,
            };
            chat.decide(approval.tool_call_id, decision).await.unwrap();
            idle = false;
        }
        if idle {
            return;
        }
    }
    panic!("{} does not come to rest", chat.id());
}

/// How all prompts ended, in the order in which they were accepted.
async fn outcomes(chat: &Chat) -> Vec<String> {
    let accepted: Vec<PromptId> = log(chat)
        .await
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::PromptAccepted { prompt_id, .. } => Some(prompt_id.clone()),
            _ => None,
        })
        .collect();
    let mut outcomes = Vec::new();
    for prompt in accepted {
        outcomes.push(match within(chat.prompt_state(&prompt)).await.unwrap() {
            PromptState::Ended { outcome, .. } => outcome.as_str().to_owned(),
            other => format!("{other:?}"),
        });
    }
    outcomes
}
