//! Calls that wait for a person: finding them, and deciding them.

use std::collections::VecDeque;

use futures_core::Stream;
use futures_util::{FutureExt, StreamExt, stream};
use polychat_core::{
    ChatId, CommandError, Cursor, Event, Notice, Recorded, Refusal, StartAt, ToolCallId, TurnId,
    command::PendingApproval, content::Text, ports::NoticeStream, tool::ApprovalDecision,
};
use serde_json::Value;

use crate::{
    Chat, PromptHandle,
    follow::{Follow, Place},
};

impl Chat {
    /// The calls that wait for a person now, in the order in which the model asked for them.
    ///
    /// They are part of the [`snapshot`](Self::snapshot), which is what this asks for. To be told of
    /// them as they come, watch the chat for `approval.requested`, or one prompt:
    /// [`PromptHandle::approval_requests`].
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{DemoModel, WorldBuilder};
    ///
    /// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    /// let chat = world.open_chat("a").await?;
    /// for approval in chat.approvals().await? {
    ///     println!("{} waits, called with {}", approval.name, approval.arguments);
    /// }
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot).
    pub async fn approvals(&self) -> Result<Vec<PendingApproval>, CommandError> {
        Ok(self.snapshot().await?.approvals)
    }

    /// Lets a call run that waits for permission.
    ///
    /// # Errors
    ///
    /// Refused as `approval_not_pending` when the call does not wait: it was decided, its turn has
    /// ended, or the approval was asked for in another chat; as `decision_mismatch` when it is a
    /// question.
    pub async fn allow(&self, call: impl Into<WaitingCall>) -> Result<(), CommandError> {
        self.decide(call, ApprovalDecision::AllowOnce).await
    }

    /// Lets a call run, and every later one of the same tool in this chat.
    ///
    /// # Errors
    ///
    /// As [`allow`](Self::allow).
    pub async fn allow_for_chat(&self, call: impl Into<WaitingCall>) -> Result<(), CommandError> {
        self.decide(call, ApprovalDecision::AllowForChat).await
    }

    /// Does not let a call run, or leaves a question without an answer; the model hears the reason.
    ///
    /// # Errors
    ///
    /// Refused as `approval_not_pending`, see [`allow`](Self::allow), or as `too_large`.
    pub async fn deny(
        &self,
        call: impl Into<WaitingCall>,
        reason: impl Into<Text>,
    ) -> Result<(), CommandError> {
        self.decide(call, ApprovalDecision::Deny { reason: reason.into() }).await
    }

    /// Answers a question. The answer is the call's result: text as it is, anything else as JSON.
    ///
    /// # Errors
    ///
    /// Refused as `approval_not_pending`, see [`allow`](Self::allow), as `decision_mismatch` when
    /// the call waits for permission and asks nothing, or as `too_large`.
    pub async fn answer(
        &self,
        call: impl Into<WaitingCall>,
        answer: impl Into<Value>,
    ) -> Result<(), CommandError> {
        self.decide(call, ApprovalDecision::Answer { data: answer.into() }).await
    }
}

/// A call that somebody decides about: best the [`PendingApproval`] itself.
///
/// A bare [`ToolCallId`] will do, but says less: calls are numbered in each chat anew, so the number
/// of one chat's call may be that of a call in another chat. An approval knows where it was asked
/// for, and a decision in any other chat is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingCall {
    chat: Option<ChatId>,
    call: ToolCallId,
}

impl WaitingCall {
    /// The call, if it may be one of this chat.
    pub(crate) fn in_chat(self, chat: &ChatId) -> Result<ToolCallId, Refusal> {
        match &self.chat {
            Some(asked_in) if asked_in != chat => {
                Err(Refusal::ApprovalNotPending { tool_call_id: self.call })
            }
            _ => Ok(self.call),
        }
    }
}

impl From<ToolCallId> for WaitingCall {
    fn from(call: ToolCallId) -> Self {
        Self { chat: None, call }
    }
}

impl From<&PendingApproval> for WaitingCall {
    fn from(approval: &PendingApproval) -> Self {
        Self { chat: Some(approval.chat_id.clone()), call: approval.tool_call_id }
    }
}

impl PromptHandle {
    /// The calls of the prompt's turn that wait for a person, as they come, until the turn ends.
    ///
    /// Whoever else watches the chat may decide, too: then a decision is refused as
    /// `approval_not_pending`, and that is all. Dropping the stream decides nothing; the turn goes
    /// on waiting.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{DemoModel, StreamExt, WorldBuilder, tools::{NoArguments, tool}};
    ///
    /// let door = tool("open_door", "opens the door", |_: NoArguments| async { "it is open" });
    /// let world = WorldBuilder::new("home", DemoModel::new()).tool(door).open().await?;
    /// let chat = world.open_chat("a").await?;
    ///
    /// let prompt = chat.prompt("/tool open_door").await?;
    /// let mut requests = std::pin::pin!(prompt.approval_requests().await?);
    /// while let Some(request) = requests.next().await {
    ///     println!("may it call {} with {}?", request.name, request.arguments);
    ///     chat.allow(&request).await?;
    /// }
    /// assert_eq!(prompt.answer().await?, "open_door answered \"it is open\".");
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Chat::subscribe`].
    pub async fn approval_requests(
        &self,
    ) -> Result<impl Stream<Item = PendingApproval> + Send + use<>, CommandError> {
        let start = StartAt::After(Cursor::after(self.accepted_seq()));
        let notices = self.chat().subscribe(start).await?;
        let desk = Desk { follow: Follow::new(self.id().clone()), open: VecDeque::new() };
        Ok(stream::unfold((notices, desk), next))
    }
}

/// What was asked of people and not handed on yet.
struct Desk {
    follow: Follow,
    open: VecDeque<PendingApproval>,
}

type State = (NoticeStream, Desk);

async fn next((mut notices, mut desk): State) -> Option<(PendingApproval, State)> {
    loop {
        // What was recorded already is heard first: it may say that somebody has decided.
        let notice = match notices.next().now_or_never() {
            Some(notice) => notice,
            None => match desk.open.pop_front() {
                Some(approval) => return Some((approval, (notices, desk))),
                None => notices.next().await,
            },
        };
        match notice? {
            Notice::Recorded { event, .. } => desk.hear(&event)?,
            Notice::Ended(_) => return None,
            _ => {}
        }
    }
}

impl Desk {
    /// Hears the next event; `None` once nothing more will be asked.
    fn hear(&mut self, recorded: &Recorded) -> Option<()> {
        let turn_id: TurnId = match self.follow.hear(recorded) {
            Place::Elsewhere => return Some(()),
            Place::Within(turn) => turn,
            // The end of a turn ends what waits in it.
            Place::Over(_) => return None,
        };
        match &recorded.event {
            Event::ApprovalRequested { tool_call_id, kind, name, arguments } => {
                self.open.push_back(PendingApproval {
                    chat_id: recorded.chat_id.clone(),
                    tool_call_id: *tool_call_id,
                    turn_id,
                    name: name.clone(),
                    arguments: arguments.clone(),
                    kind: *kind,
                });
            }
            Event::ApprovalResolved { tool_call_id, .. } => {
                self.open.retain(|approval| approval.tool_call_id != *tool_call_id);
            }
            _ => {}
        }
        Some(())
    }
}

#[cfg(all(test, feature = "tools"))]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::{pin::pin, time::Duration};

    use async_trait::async_trait;
    use futures_util::{FutureExt, StreamExt};
    use polychat_core::{
        CommandError, Failure,
        event::ApprovalKind,
        ports::{Tool, ToolInput, ToolSink},
        tool::{ToolKind, ToolOutput, ToolSpec},
    };
    use serde_json::json;

    use crate::{
        Chat, DemoModel, PendingApproval, PromptHandle, WorldBuilder,
        tools::{NoArguments, tool},
    };

    struct Question;

    #[async_trait]
    impl Tool for Question {
        fn spec(&self) -> ToolSpec {
            ToolSpec::new("ask_user", "asks", json!({"type": "object"})).kind(ToolKind::Question)
        }

        async fn call(&self, _: ToolInput, _: ToolSink) -> Result<ToolOutput, Failure> {
            panic!("a question is never run")
        }
    }

    async fn chat() -> Chat {
        let door = tool("door", "opens the door", |_: NoArguments| async { "open" });
        let model = DemoModel::new().pace(Duration::ZERO);
        let world = WorldBuilder::new("home", model).tool(door).tool(Question);
        world.open().await.unwrap().open_chat("a").await.unwrap()
    }

    async fn next(prompt: &PromptHandle) -> PendingApproval {
        pin!(prompt.approval_requests().await.unwrap()).next().await.unwrap()
    }

    fn code(result: Result<(), CommandError>) -> &'static str {
        result.unwrap_err().code()
    }

    #[tokio::test]
    async fn a_call_that_waits_is_found_and_every_decision_takes_effect() {
        let chat = chat().await;
        assert_eq!(chat.approvals().await.unwrap(), []);

        let prompt = chat.prompt("/tool door").await.unwrap();
        let request = next(&prompt).await;
        assert_eq!((&*request.name, request.kind), ("door", ApprovalKind::Permission));
        assert_eq!(chat.approvals().await.unwrap(), std::slice::from_ref(&request));
        let call = request.tool_call_id;
        assert_eq!(code(chat.answer(call, "yes").await), "decision_mismatch");
        chat.deny(call, "not at night").await.unwrap();
        assert_eq!(prompt.answer().await.unwrap(), "door was not allowed: \"not at night\".");
        for refused in [chat.allow(call).await, chat.deny(call, "").await] {
            assert_eq!(code(refused), "approval_not_pending");
        }

        let prompt = chat.prompt("/tool door").await.unwrap();
        chat.allow(next(&prompt).await.tool_call_id).await.unwrap();
        assert_eq!(prompt.answer().await.unwrap(), "door answered \"open\".");

        let prompt = chat.prompt("/tool door").await.unwrap();
        chat.allow_for_chat(next(&prompt).await.tool_call_id).await.unwrap();
        assert_eq!(prompt.answer().await.unwrap(), "door answered \"open\".");
        let prompt = chat.prompt("/tool door").await.unwrap();
        assert_eq!(prompt.answer().await.unwrap(), "door answered \"open\".", "nobody was asked");

        let prompt = chat.prompt("/ask Why? | so").await.unwrap();
        let request = next(&prompt).await;
        assert_eq!(request.kind, ApprovalKind::Question);
        assert_eq!(code(chat.allow(request.tool_call_id).await), "decision_mismatch");
        chat.answer(request.tool_call_id, json!({"because": 1})).await.unwrap();
        assert_eq!(prompt.answer().await.unwrap(), "You answered \"{\"because\":1}\".");
    }

    #[tokio::test]
    async fn who_comes_late_hears_only_of_what_still_waits() {
        let chat = chat().await;
        let prompt = chat.prompt("/tool door; /ask Why?; /tool door").await.unwrap();
        let mut early = pin!(prompt.approval_requests().await.unwrap());
        let mut calls = Vec::new();
        for _ in 0..3 {
            calls.push(early.next().await.unwrap().tool_call_id);
        }
        chat.answer(calls[1], "so").await.unwrap();
        let mut late = pin!(prompt.approval_requests().await.unwrap());
        assert_eq!(late.next().await.unwrap().tool_call_id, calls[0]);
        // Decided while it waited to be heard of.
        chat.deny(calls[2], "no").await.unwrap();
        chat.allow(calls[0]).await.unwrap();
        assert_eq!(late.next().await, None, "the turn has ended");
        assert_eq!(early.next().await, None);
        let expected = "door answered \"open\". You answered \"so\". door was not allowed: \"no\".";
        assert_eq!(prompt.answer().await.unwrap(), expected);
        let mut over = pin!(prompt.approval_requests().await.unwrap());
        assert_eq!(over.next().await, None);
    }

    #[tokio::test]
    async fn requests_of_a_prompt_are_those_of_its_own_turn() {
        let chat = chat().await;
        let first = chat.prompt("/tool door").await.unwrap();
        let request = next(&first).await;
        let second = chat.prompt("/tool door").await.unwrap();
        let mut of_second = pin!(second.approval_requests().await.unwrap());
        let third = chat.prompt("hello").await.unwrap();
        let mut of_third = pin!(third.approval_requests().await.unwrap());
        chat.withdraw_prompt(third.id()).await.unwrap();
        assert_eq!(of_third.next().await, None);

        // Joins the first one's turn, which asks once more after the second one was sent.
        let joining = chat.prompt("/tool door").steer().await.unwrap();
        chat.allow(request.tool_call_id).await.unwrap();
        let again = next(&joining).await;
        assert_eq!(again.turn_id, request.turn_id);
        assert_eq!(of_second.next().now_or_never(), None, "this is none of its own");

        chat.cancel().await.unwrap();
        assert_eq!(code(chat.allow(again.tool_call_id).await), "approval_not_pending");
        let later = of_second.next().await.unwrap();
        assert!(later.turn_id > again.turn_id);
        chat.cancel().await.unwrap();
        assert_eq!(of_second.next().await, None);
    }
}
