//! One chat's script, and who plays it.

use std::{iter::Copied, slice};

use polychat::{
    ChatId, Command, MessageId, PromptId,
    command::{CancelTarget, ChatChange, PromptChange, ReviseTarget},
    event::{PromptBody, PromptMode},
    ports::{HostContext, ModelError, ModelErrorKind},
    rules::TITLE_INSTRUCTIONS,
};
use polychat_testkit::{
    faulty_store::{self, AtOpen, Fault, Gate},
    history::CHAT_CONTEXT_KEY,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::json;

use crate::state_machine::{
    act::tools,
    rig::Rig,
    step::tools::{Decides, Deed, Want},
};

/// One input of one chat.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
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
    /// Asks for these tools.
    CallsTools([Option<Want>; 2]),
    /// Hands the turn on, or would like to.
    HandsOn,
    Fails,
    FailsForNow,
    Panics,
    /// What the model does that thinks of a title.
    Titles,
    /// What a tool does in the first of the chat's open calls.
    Tool(Does),
    /// A person decides about the first call that waits.
    Decide(Decides),
    /// The store fails in the next append, in one of these ways.
    Store(Trouble),
}

/// What a tool does when the script lets it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Does {
    Shows,
    Floods,
    Answers,
    Fails,
    Panics,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    Crash,
    Away,
    AnswerLost,
    RequestLost,
    Late,
    Hangs,
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
            Act::Thinks, Act::Floods, Act::HandsOn, Act::Fails, Act::FailsForNow, Act::Panics,
            Act::Titles,
        ]),
        6 => (want(), option::of(want())).prop_map(|(one, other)| Act::CallsTools([Some(one), other])),
        5 => select(vec![Does::Shows, Does::Floods, Does::Answers, Does::Fails, Does::Panics])
            .prop_map(Act::Tool),
        4 => select(vec![Decides::Fitting, Decides::Fitting, Decides::AllowForChat, Decides::Deny])
            .prop_map(Act::Decide),
        1 => Just(Act::Delete),
        3 => select(vec![Crash, Away, AnswerLost, RequestLost, Late, Hangs]).prop_map(Act::Store),
    ]
}

/// A call; what a tool does by itself takes no time, which is the world's.
fn want() -> impl Strategy<Value = Want> {
    use Deed::{Answers, Fails, Floods, Panics, Rambles, Shows};
    let deed = || select(vec![Answers, Shows, Fails, Panics, Floods, Rambles]);
    // A scripted tool hangs until the script says otherwise.
    prop_oneof![
        3 => Just(Want::Look),
        2 => Just(Want::Write),
        4 => deed().prop_map(Want::Act),
        1 => deed().prop_map(Want::Shred),
        1 => select(vec![Want::Ask, Want::Unknown, Want::Invalid]),
    ]
}

/// What one chat is told, in its own order.
pub(super) fn script() -> impl Strategy<Value = Vec<Act>> {
    vec(act(), 8..28)
}

/// One chat, the inputs that are still to come, and what its names count.
pub(super) struct Player<'a> {
    pub(super) chat: ChatId,
    pub(super) script: Copied<slice::Iter<'a, Act>>,
    prompts: usize,
    titles: usize,
    calls: usize,
}

impl<'a> Player<'a> {
    pub(super) fn new(place: usize, script: &'a [Act]) -> Self {
        let chat = ChatId::new(format!("c{place}")).expect("a chat id");
        Self { chat, script: script.iter().copied(), prompts: 0, titles: 0, calls: 0 }
    }

    /// Does the next input; answers whether time must pass for it.
    pub(super) fn play(&mut self, rig: &mut Rig) -> bool {
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
            Act::Tool(does) => self.serve(does, rig),
            Act::Decide(decides) => {
                let waits = rig.calls_of(&chat).into_iter().find(|asked| asked.waits);
                if let Some(asked) = waits {
                    let (call, decision) = (asked.call, decides.decision(asked.kind));
                    rig.post(Command::DecideApproval { chat, call, decision });
                }
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
        // Every fourth one asks all agents.
        let begin = if self.prompts.is_multiple_of(4) { "@all " } else { "" };
        let mut body = PromptBody::text(format!("{begin}{} asks {}", self.chat, self.prompts));
        if let Some(context) = json!({ "attached": self.prompts }).as_object() {
            body.context = context.clone().into();
        }
        (self.last(), body)
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

    fn speak(&mut self, says: Act, rig: &Rig) {
        let Some(life) = &rig.life else { return };
        let titles = matches!(says, Act::Titles);
        let mut calls = life.calls.iter().filter(|call| {
            let of_title = *call.request().system == *TITLE_INSTRUCTIONS;
            of_title == titles && is_of(&call.request().context, &self.chat)
        });
        let Some(call) = calls.next() else { return };
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
            Act::CallsTools(wants) => {
                for want in wants.into_iter().flatten() {
                    self.calls += 1;
                    call.tool_call(tools::call(want, self.calls));
                }
                call.finish();
            }
            Act::HandsOn => call.text("\n\n@poet go on").finish(),
            Act::Titles => call.text(format!("About {}", self.chat)).finish(),
            Act::Fails => call.fail(error),
            Act::FailsForNow => call.fail(error.retryable()),
            Act::Panics => call.panic("planned"),
            _ => call.finish(),
        }
    }

    fn serve(&mut self, does: Does, rig: &Rig) {
        let Some(life) = &rig.life else { return };
        let Some(run) = life.runs.iter().find(|run| is_of(run.context(), &self.chat)) else {
            return;
        };
        self.calls += 1;
        let n = self.calls;
        match does {
            Does::Shows => {
                run.output(format!("shown {n} ")).progress(json!({ "progress": n }));
            }
            Does::Floods => {
                run.flood(500, 40);
            }
            Does::Answers => run.result(format!("result {n}")),
            Does::Fails => run.fail(format!("failed {n}")),
            Does::Panics => run.panic("planned"),
        }
    }
}

fn is_of(context: &HostContext, chat: &ChatId) -> bool {
    let of = context.chat.get(CHAT_CONTEXT_KEY);
    of.and_then(|of| of.as_str()) == Some(chat.as_str())
}
