//! Decisions: allow once, allow for the chat, deny, answer; and the refusals, by their codes.

use polychat::{
    Chat, MessageId, PromptOutcome, Seq, StatusKind, ToolCallId, content::Text,
    event::ApprovalKind, tool::ApprovalDecision,
};
use polychat_testkit::faulty_store::{Call, Fault};
use serde_json::json;

use crate::{
    at_both_doors,
    support::{
        WorldWatcher, activity, answers, asked, assert_sound, code, count, outcome, pass, pending,
        settle, within, world_of_tools,
    },
};

/// The only call of a chat that waits for a person.
async fn only(chat: &Chat) -> ToolCallId {
    let pending = pending(chat).await;
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending[0].tool_call_id
}

fn deny(reason: &str) -> ApprovalDecision {
    ApprovalDecision::Deny { reason: reason.into() }
}

fn answer(data: serde_json::Value) -> ApprovalDecision {
    ApprovalDecision::Answer { data }
}

use ApprovalDecision::{AllowForChat, AllowOnce};

at_both_doors! {
    /// Issue 3: allow once; the status says so; a later call of the same tool asks again.
    async fn a_call_that_is_allowed_once_runs_once(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let mut feed = WorldWatcher::new(&house.world).await;
        let prompt = house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
        let status = feed.until_status(&chat, StatusKind::Awaiting).await;
        assert!(status.turn_id.is_some());
        let waiting = pending(&chat).await;
        assert_eq!((&*waiting[0].name, waiting[0].kind), ("act", ApprovalKind::Permission));
        assert_eq!(waiting[0].arguments, json!({ "which": "x" }));
        assert_eq!(Some(waiting[0].turn_id), status.turn_id);
        assert_eq!(house.tools.calls_seen(), 0);
        chat.decide(waiting[0].tool_call_id, AllowOnce).await.unwrap();
        feed.until_status(&chat, StatusKind::Running).await;
        assert!(pending(&chat).await.is_empty());
        house.running("x").await.result("done");
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request()), ["done"]);
        model.tool_call(asked("act", "y")).finish();
        feed.until_status(&chat, StatusKind::Awaiting).await;
        let call = only(&chat).await;
        chat.decide(call, AllowOnce).await.unwrap();
        house.running("y").await.result("done again");
        house.answer("hello", "well").await;
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        let log = activity(&chat).await;
        assert_eq!(log[2..6], ["asked 0", "decided 0", "start 0", "result 0 done"]);
        assert_sound(&chat).await;
    }

    /// Issue 3: allow this tool for this chat, and for no other chat, also after a restart.
    async fn a_tool_that_is_allowed_for_a_chat_is_not_asked_about_there_again(
        house in world_of_tools()
    ) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        house.tools.put(polychat_testkit::tools::spec("other"));
        let calls = [asked("act", "1"), asked("other", "2"), asked("act", "3")];
        house.begin_calls(&a, "to a", calls).await;
        house.begin_calls(&b, "to b", [asked("act", "b")]).await;
        settle().await;
        let waiting = pending(&a).await;
        a.decide(waiting[0].tool_call_id, AllowForChat).await.unwrap();
        // Whatever of this tool waits is allowed with it, and nothing of another tool.
        house.running("1").await.result("one");
        house.running("3").await.result("three");
        assert_eq!(code(a.decide(waiting[2].tool_call_id, AllowOnce).await), "approval_not_pending");
        assert_eq!(only(&a).await, waiting[1].tool_call_id);
        a.decide(waiting[1].tool_call_id, deny("not this one")).await.unwrap();
        let model = house.call_for("to a").await;
        assert_eq!(answers(model.request()), ["one", "denied: not this one", "three"]);
        model.tool_call(asked("act", "4")).tool_call(asked("ask", "5")).finish();
        house.running("4").await.result("unasked");
        settle().await;
        assert_eq!(pending(&a).await[0].kind, ApprovalKind::Question, "a question is asked always");
        assert_eq!(pending(&b).await.len(), 1, "the other chat's call still waits");
        house.local.shutdown().await;
        let second = house.reopened().await;
        let (a, b) = (second.world.chat("a").unwrap(), second.world.chat("b").unwrap());
        a.decide(only(&a).await, answer(json!("blue"))).await.unwrap();
        let model = second.call_for("to a").await;
        model.tool_call(asked("act", "6")).finish();
        house.running("6").await.result("still unasked");
        assert_eq!(pending(&b).await.len(), 1);
        second.answer("to a", "done").await;
        settle().await;
        assert_sound(&a).await;
    }

    /// Issue 3: deny with a reason; the model hears it.
    async fn a_call_that_is_denied_never_runs_and_the_model_hears_why(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let prompt = house.begin_calls(&chat, "hello", [asked("act", "x"), asked("ask", "y")]).await;
        settle().await;
        for (waiting, reason) in pending(&chat).await.iter().zip(["too dangerous", ""]) {
            chat.decide(waiting.tool_call_id, deny(reason)).await.unwrap();
        }
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request()), ["denied: too dangerous", "denied: "]);
        model.text("then not").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(house.tools.calls_seen(), 0);
        let log = activity(&chat).await;
        assert_eq!((count(&log, "start"), count(&log, "error")), (0, 2));
        assert_sound(&chat).await;
    }

    /// Issue 3: answer with data; a question is never run.
    async fn the_answer_to_a_question_is_its_result(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let calls = ["1", "2", "3", "4"].map(|which| asked("ask", which));
        let prompt = house.begin_calls(&chat, "hello", calls).await;
        settle().await;
        let data = [json!("blue"), json!({ "colour": "blue", "n": [1, null] }), json!(""), json!(null)];
        // In any order; the model gets them in the order of the calls.
        let waiting = pending(&chat).await;
        assert!(waiting.iter().all(|call| call.kind == ApprovalKind::Question));
        for n in [2, 0, 3, 1] {
            chat.decide(waiting[n].tool_call_id, answer(data[n].clone())).await.unwrap();
        }
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request()), ["blue", r#"{"colour":"blue","n":[1,null]}"#, "", "null"]);
        model.finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(house.tools.calls_seen(), 0);
        assert_sound(&chat).await;
    }

    /// Issue 3, law 2: calls are numbered in each chat anew, so two chats of the same shape wait
    /// for calls of the same number. What was asked for in one is not decided in the other.
    async fn a_chat_that_waits_for_a_call_of_the_same_number_is_not_decided_by_mistake(
        house in world_of_tools()
    ) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        house.begin_calls(&a, "to a", [asked("act", "of a")]).await;
        house.begin_calls(&b, "to b", [asked("act", "of b")]).await;
        settle().await;
        let (of_a, of_b) = (a.approvals().await.unwrap(), b.approvals().await.unwrap());
        assert_eq!(of_a[0].tool_call_id, of_b[0].tool_call_id, "the same number");
        let before = activity(&b).await;
        assert_eq!(code(b.allow(&of_a[0]).await), "approval_not_pending");
        assert_eq!(code(b.deny(&of_a[0], "no").await), "approval_not_pending");
        assert_eq!(activity(&b).await, before);
        b.allow(&of_b[0]).await.unwrap();
        house.running("of b").await.result("done");
        assert_eq!(house.tools.calls_seen(), 1);
        a.deny(&of_a[0], "no").await.unwrap();
    }

    /// Issue 3: a decision from another chat, a second one, one for an ended turn, one that does
    /// not fit: refused by code, and nothing of it has any effect.
    async fn a_decision_that_is_not_asked_for_is_refused_by_its_code(house in world_of_tools()) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let prompt =
            house.begin_calls(&a, "to a", [asked("act", "x"), asked("ask", "y"), asked("look", "z")]).await;
        settle().await;
        let waiting = pending(&a).await;
        let (act, ask) = (waiting[0].tool_call_id, waiting[1].tool_call_id);
        let before = activity(&a).await;
        assert_eq!(code(b.decide(act, AllowOnce).await), "approval_not_pending");
        assert_eq!(code(a.decide(act, answer(json!("yes"))).await), "decision_mismatch");
        assert_eq!(code(a.decide(ask, AllowOnce).await), "decision_mismatch");
        assert_eq!(code(a.decide(ask, AllowForChat).await), "decision_mismatch");
        let look = ToolCallId { index: 2, ..act };
        assert_eq!(code(a.decide(look, AllowOnce).await), "approval_not_pending");
        let nowhere = [
            ToolCallId { index: 3, ..act },
            ToolCallId { index: u16::MAX, ..act },
            ToolCallId { message: MessageId(Seq::FIRST), index: 0 },
            ToolCallId { message: MessageId(Seq::MAX), index: 0 },
        ];
        for call in nowhere {
            assert_eq!(code(a.decide(call, AllowOnce).await), "approval_not_pending");
        }
        let none = house.world.chat("nowhere").unwrap();
        assert_eq!(code(none.decide(act, AllowOnce).await), "unknown_chat");
        let huge = "x".repeat(house_prompt_bytes_max() + 1);
        assert_eq!(code(a.decide(act, deny(&huge)).await), "too_large");
        assert_eq!(code(a.decide(ask, answer(json!(huge))).await), "too_large");
        assert_eq!(activity(&a).await, before, "nothing of that had any effect");
        // A second decision, and one after the end.
        a.decide(act, AllowOnce).await.unwrap();
        assert_eq!(code(a.decide(act, AllowOnce).await), "approval_not_pending");
        assert_eq!(code(a.decide(act, deny("after all")).await), "approval_not_pending");
        house.running("x").await.result("done");
        settle().await;
        assert_eq!(code(a.decide(act, AllowOnce).await), "approval_not_pending");
        assert_eq!(code(a.decide(act, deny("it has ended")).await), "approval_not_pending");
        house.running("z").await.result("seen");
        a.decide(ask, answer(json!("yes"))).await.unwrap();
        house.answer("to a", "well").await;
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(code(a.decide(ask, answer(json!("no"))).await), "approval_not_pending");
        assert_eq!(house.tools.calls_seen(), 2);
        assert_sound(&a).await;
    }

    /// Issue 3: what may run runs, whatever else of the step waits for a person.
    async fn calls_that_need_nobody_run_while_others_wait_for_a_person(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let calls = [asked("act", "1"), asked("look", "2"), asked("ask", "3"), asked("look", "4")];
        let prompt = house.begin_calls(&chat, "hello", calls).await;
        house.running("4").await.result("four");
        house.running("2").await.result("two");
        settle().await;
        assert_eq!(house.local.turns_running(), Some(0), "all that is left waits");
        let waiting = pending(&chat).await;
        chat.decide(waiting[1].tool_call_id, answer(json!("three"))).await.unwrap();
        house.no_further_call().await;
        chat.decide(waiting[0].tool_call_id, AllowOnce).await.unwrap();
        house.running("1").await.result("one");
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request()), ["one", "two", "three", "four"]);
        model.finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }
}

fn house_prompt_bytes_max() -> usize {
    polychat::Limits::default().prompt_bytes_max
}

// law 5: two people decide at the same moment
#[tokio::test(start_paused = true)]
async fn of_two_decisions_at_the_same_moment_one_counts_and_the_other_is_refused() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
    settle().await;
    let call = only(&chat).await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    let decide = |decision| {
        let chat = chat.clone();
        tokio::spawn(async move { chat.decide(call, decision).await })
    };
    let first = decide(deny("no"));
    gate.arrived(1).await;
    let second = decide(AllowOnce);
    settle().await;
    gate.open();
    within(first).await.unwrap().unwrap();
    assert_eq!(code(within(second).await.unwrap()), "approval_not_pending");
    let model = house.call_for("hello").await;
    assert_eq!(answers(model.request()), ["denied: no"]);
    assert_eq!(house.tools.calls_seen(), 0);
}

// law 1, law 5: a decision whose storing is not known
#[tokio::test(start_paused = true)]
async fn a_decision_that_meets_a_store_that_is_away_counts_once_or_not_at_all() {
    for (fault, landed) in
        [(Fault::Unavailable, false), (Fault::RequestLost, false), (Fault::AnswerLost, true)]
    {
        let house = world_of_tools().open().await;
        let chat = house.chat("a").await;
        let prompt = house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
        settle().await;
        let call = only(&chat).await;
        house.faults.for_chat(chat.id()).next(Call::Append, 1, fault);
        assert_eq!(code(chat.decide(call, AllowOnce).await), "store_unavailable");
        assert_eq!(house.tools.calls_seen(), 0, "not before it is known");
        pass(std::time::Duration::from_secs(30)).await;
        if landed {
            assert_eq!(code(chat.decide(call, AllowOnce).await), "approval_not_pending");
        } else {
            assert_eq!(house.tools.calls_seen(), 0);
            chat.decide(call, AllowOnce).await.unwrap();
        }
        house.running("x").await.result("done");
        house.answer("hello", "well").await;
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        let log = activity(&chat).await;
        assert_eq!((count(&log, "decided"), count(&log, "start")), (1, 1), "{log:?}");
        assert_eq!(house.tools.calls_seen(), 1);
        assert_sound(&chat).await;
    }
}

// issue 3: a fork begins without permissions
#[tokio::test(start_paused = true)]
async fn a_fork_does_not_inherit_what_was_allowed_for_the_chat_it_came_from() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
    settle().await;
    chat.decide(only(&chat).await, AllowForChat).await.unwrap();
    house.running("x").await.result("done");
    house.answer("hello", "well").await;
    outcome(&prompt).await;
    let last = chat.snapshot().await.unwrap().messages.last().unwrap().id;
    let fork = chat.fork(last, polychat::command::NewChat::new()).await.unwrap();
    house.begin_calls(&fork, "to the fork", [asked("act", "y")]).await;
    settle().await;
    only(&fork).await;
    assert_eq!(house.tools.calls_seen(), 1);
}

// issue 3: a tool that changed while a person thought about it
#[tokio::test(start_paused = true)]
async fn a_call_is_checked_again_once_it_is_allowed() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x"), asked("ask", "y")]).await;
    settle().await;
    house.tools.remove("act");
    house.tools.remove("ask");
    let waiting = pending(&chat).await;
    chat.decide(waiting[0].tool_call_id, AllowOnce).await.unwrap();
    // What a person answered stands, whatever has become of the question.
    chat.decide(waiting[1].tool_call_id, answer(json!("blue"))).await.unwrap();
    let model = house.call_for("hello").await;
    let heard = answers(model.request());
    assert!(heard[0].starts_with("unknown_tool: "), "{heard:?}");
    assert_eq!(heard[1], "blue");
    assert_eq!(Text::from("hello"), model.last_user_text().into());
    model.finish();
    settle().await;
    assert_sound(&chat).await;
}
