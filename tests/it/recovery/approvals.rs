//! What people decided, and what they still may decide, once the process was lost.

use polychat::{FailureKind, tool::ApprovalDecision};

use super::lives::Lives;
use crate::support::{
    Ground, House, activity, answers, asked, assert_sound, code, count, pending, settle, within,
    world_of_tools,
};

// law 5; design: decisions are recorded data
#[test]
fn what_a_person_allowed_for_a_chat_is_allowed_after_the_process_was_lost() {
    for ground in Ground::all() {
        let mut lives = Lives::begin(&ground, world_of_tools(), async |house: &House| {
            let chat = house.chat("a").await;
            house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
            settle().await;
            let call = pending(&chat).await[0].tool_call_id;
            chat.decide(call, ApprovalDecision::AllowForChat).await.unwrap();
            house.running("x").await.result("done");
            house.answer("hello", "so").await;
            settle().await;
        });
        lives.go_on(async |house: &House| {
            let chat = house.world.chat("a").unwrap();
            house.begin_calls(&chat, "again", [asked("act", "y")]).await;
            house.running("y").await.result("done");
            house.answer("again", "so").await;
            settle().await;
            assert_eq!(count(&activity(&chat).await, "asked"), 1, "nobody is asked again");
            // It was allowed for this chat alone.
            let other = house.chat("b").await;
            house.begin_calls(&other, "there", [asked("act", "z")]).await;
            settle().await;
            assert_eq!(pending(&other).await.len(), 1);
            assert_sound(&chat).await;
        });
    }
}

// law 5; design: a turn waiting for approval goes on waiting, and can be decided afterwards
#[test]
fn a_call_that_waited_through_two_losses_is_decided_once_and_as_it_was_asked() {
    let answer = || ApprovalDecision::Answer { data: "blue".into() };
    let deny = || ApprovalDecision::Deny { reason: "no".into() };
    for ground in Ground::all() {
        let mut lives = Lives::begin(&ground, world_of_tools(), async |house: &House| {
            let chat = house.chat("a").await;
            let calls = [asked("act", "x"), asked("ask", "y"), asked("act", "z")];
            house.begin_calls(&chat, "hello", calls).await;
            settle().await;
        });
        lives.go_on(async |house: &House| {
            let chat = house.world.chat("a").unwrap();
            let waiting = pending(&chat).await;
            assert_eq!(waiting.len(), 3);
            chat.decide(waiting[1].tool_call_id, answer()).await.unwrap();
            let again = chat.decide(waiting[1].tool_call_id, answer()).await;
            assert_eq!(code(again), "approval_not_pending");
        });
        lives.go_on(async |house: &House| {
            let chat = house.world.chat("a").unwrap();
            let waiting = pending(&chat).await;
            assert_eq!(waiting.len(), 2, "what was decided is decided");
            chat.decide(waiting[0].tool_call_id, deny()).await.unwrap();
            chat.decide(waiting[1].tool_call_id, ApprovalDecision::AllowOnce).await.unwrap();
            house.running("z").await.result("done");
            let model = house.call_for("hello").await;
            let told = answers(model.request());
            assert!(told[0].starts_with(FailureKind::Denied.as_str()), "{told:?}");
            assert_eq!(told[1..], ["blue", "done"]);
            model.finish();
            settle().await;
            assert_eq!(house.tools.calls_seen(), 1);
            assert_sound(&chat).await;
            let idle = within(chat.snapshot()).await.unwrap().status.kind;
            assert_eq!(idle, polychat::StatusKind::Idle);
        });
    }
}
