//! The healthy history itself, act by act.

#![allow(dead_code)] // two test programs share it, each uses a part

use std::sync::Arc;

use polychat_core::{
    Command, CommandError, EndReason, Event, LiveBody, Message, Notice, OutcomeKind, Refusal,
    Reply, Scope, Seq, StartAt, StatusKind, TurnOutcome,
    command::{ChatChange, LogPage, NewChat, PromptState, ReviseTarget},
    content::Text,
    event::{ApprovalKind, PromptBody, PromptMode, TitleProvenance},
    notice::WorldNotice,
    tool::ApprovalDecision,
};
use polychat_testkit::history::{Fact, SubscriberId};

use crate::company;
use crate::story::{
    Story, accepted, assistant, begins, breaks_off, call, chat, chunk, created, cursor, ended,
    ended_so, live, message, prompt, saves, says, send, seq, started, status, taken, tool,
    tool_result, tool_start, turn, user,
};

/// The subscribers of the story.
pub(crate) struct Cast {
    pub(crate) first_of_a: SubscriberId,
    pub(crate) second_of_a: SubscriberId,
    pub(crate) of_b: SubscriberId,
    pub(crate) of_world: SubscriberId,
    pub(crate) of_c: SubscriberId,
}

/// A history in which nothing is wrong.
pub(crate) fn healthy() -> (Story, Cast) {
    let mut story = Story::default();
    for id in ["a", "b"] {
        let create = story.sent(Command::CreateChat { chat: NewChat::with_id(chat(id)) });
        story.commit(id, vec![created()]);
        story.answered(create, Ok(Reply::Chat(chat(id))));
    }
    let first_of_a = story.subscribe(Scope::Chat(chat("a")), StartAt::Start);
    let of_b = story.subscribe(Scope::Chat(chat("b")), StartAt::Start);
    let of_world = story.subscribe(Scope::World, StartAt::Now);
    both_begin(&mut story, first_of_a, of_b, of_world);
    let start = StartAt::After(cursor(5, 1));
    let second_of_a = story.subscribe(Scope::Chat(chat("a")), start);
    let mut cast = Cast { first_of_a, second_of_a, of_b, of_world, of_c: of_world };
    a_uses_a_tool(&mut story, &cast);
    a_is_interrupted(&mut story, &cast);
    a_is_revised(&mut story, &cast);
    a_closes_and_reopens(&mut story, &cast);
    b_is_deleted(&mut story, &cast);
    cast.of_c = company::c_keeps_company(&mut story);
    (story, cast)
}

fn both_begin(story: &mut Story, of_a: SubscriberId, of_b: SubscriberId, world: SubscriberId) {
    for (id, name, word) in [("a", "p1", "heron"), ("b", "q1", "stork")] {
        let call = story.sent(send(id, name, PromptMode::Queue, word));
        let first = accepted(name, PromptMode::Queue, word);
        story.commit(id, vec![first, started(&[name]), begins(3, 1)]);
        story.answered(call, Ok(taken(name, 2)));
        story.notice(world, status(id, StatusKind::Running, Some(3), 0, 4));
    }
    story.show(of_a, "a", 1, 4);
    story.show(of_b, "b", 1, 4);
    let of_heron = story.ask("a", vec![user(2, "heron")]);
    let of_stork = story.ask("b", vec![user(2, "stork")]);
    story.release(of_heron, "I see ");
    story.release(of_stork, "A stork");
    story.release(of_heron, "a heron");
    story.notice(of_b, chunk("b", 3, 4, 0, "A stork", (4, 1)));
    story.notice(of_a, chunk("a", 3, 4, 0, "I see ", (4, 1)));
    story.commit("a", vec![saves(4, "I see ")]);
    story.show(of_a, "a", 5, 5);
    story.notice(of_a, chunk("a", 3, 4, 6, "a ", (5, 1)));
    story.facts.push(Fact::Unsubscribed { subscriber: of_a });
}

fn a_uses_a_tool(story: &mut Story, cast: &Cast) {
    story.notice(cast.second_of_a, chunk("a", 3, 4, 8, "heron", (5, 2)));
    let later = story.sent(send("a", "p2", PromptMode::Queue, "later"));
    story.commit("a", vec![accepted("p2", PromptMode::Queue, "later")]);
    story.answered(later, Ok(taken("p2", 6)));
    let steer = story.sent(send("a", "p3", PromptMode::Steer, "closer"));
    story.commit("a", vec![accepted("p3", PromptMode::Steer, "closer")]);
    story.answered(steer, Ok(taken("p3", 7)));
    let asks = Event::ApprovalRequested {
        tool_call_id: call(4),
        kind: ApprovalKind::Permission,
        name: Text::from("look"),
        arguments: serde_json::json!({}),
    };
    story.commit("a", vec![says(4, "I see a heron", 1), asks]);
    story.notice(cast.of_world, status("a", StatusKind::Awaiting, Some(3), 2, 9));
    let decision = ApprovalDecision::AllowOnce;
    let decide =
        Command::DecideApproval { chat: chat("a"), call: call(4), decision: decision.clone() };
    let decide = story.sent(decide);
    let allowed = Event::ApprovalResolved { tool_call_id: call(4), decision: Some(decision) };
    story.commit("a", vec![allowed, tool_start(4)]);
    story.answered(decide, Ok(Reply::Done));
    story.show(cast.second_of_a, "a", 6, 11);
    for (n, (offset, text)) in (1..).zip([(0, "feathers "), (9, "grey")]) {
        let (tool_call_id, text) = (call(4), Text::from(text));
        let body = LiveBody::ToolOutput { tool_call_id, offset, text };
        story.notice(cast.second_of_a, live("a", 3, body, (11, n)));
    }
    let joined = Event::PromptJoined { prompt_id: prompt("p3"), turn_id: turn(3) };
    story.commit("a", vec![tool_result(4, "grey"), joined, begins(3, 2)]);
    let request = story.ask("a", past(7));
    story.release(request, "Done.");
    let events = vec![
        says(14, "Done.", 0),
        ended(3, TurnOutcome::Completed),
        started(&["p2"]),
        begins(17, 1),
    ];
    story.commit("a", events);
    story.show(cast.second_of_a, "a", 12, 18);
}

/// What chat `a` has said, up to and with this message.
pub(crate) fn past(last: u64) -> Vec<Arc<Message>> {
    let all = vec![
        user(2, "heron"),
        assistant(4, "I see a heron"),
        tool(12, 4, "grey"),
        user(7, "closer"),
        assistant(14, "Done."),
        user(6, "later"),
        assistant(18, "Half"),
    ];
    let end = all.iter().position(|said| said.id == message(last)).unwrap();
    all.into_iter().take(end + 1).collect()
}

fn a_is_interrupted(story: &mut Story, cast: &Cast) {
    let request = story.ask("a", past(6));
    story.release(request, "Half a word");
    story.notice(cast.second_of_a, chunk("a", 17, 18, 0, "Half", (18, 1)));
    let interrupt = story.sent(send("a", "p4", PromptMode::Interrupt, "stop"));
    let events = vec![
        accepted("p4", PromptMode::Interrupt, "stop"),
        breaks_off(18, "Half"),
        ended(17, TurnOutcome::Cancelled),
        started(&["p4"]),
        begins(22, 1),
    ];
    story.commit("a", events);
    story.answered(interrupt, Ok(taken("p4", 19)));
    let request = story.ask("a", [past(18), vec![user(19, "stop")]].concat());
    story.release(request, "Quick.");
    story.commit("a", vec![says(23, "Quick.", 0), ended(22, TurnOutcome::Completed)]);
    let idle = status("a", StatusKind::Idle, None, 0, 25);
    story.notice(cast.of_world, ended_so(OutcomeKind::Completed, idle));
}

fn a_is_revised(story: &mut Story, cast: &Cast) {
    let same = story.sent(send("a", "p1", PromptMode::Queue, "heron"));
    story.answered(same, Ok(taken("p1", 2)));
    let other = story.sent(send("a", "p1", PromptMode::Queue, "egret"));
    let conflict = Refusal::Conflict { prompt_id: prompt("p1") };
    story.answered(other, Err(CommandError::Refused(conflict)));
    let body = PromptBody::text("better");
    let target = ReviseTarget::Message { id: message(19), body: body.clone() };
    let revise = Command::Revise { chat: chat("a"), target, prompt: prompt("p5") };
    let revise = story.sent(revise);
    let events = vec![
        Event::HistoryTruncated { from: message(19) },
        accepted("p5", PromptMode::Queue, "better"),
        started(&["p5"]),
        begins(28, 1),
    ];
    story.commit("a", events);
    story.answered(revise, Ok(taken("p5", 27)));
    let request = story.ask("a", [past(18), vec![user(27, "better")]].concat());
    story.release(request, "Better.");
    story.commit("a", vec![says(29, "Better.", 0), ended(28, TurnOutcome::Completed)]);
    let look = Command::LookUpPrompt { chat: chat("a"), prompt: prompt("p1") };
    let look = story.sent(look);
    let (accepted_seq, turn_id) = (seq(2), Some(turn(3)));
    let outcome = TurnOutcome::Completed.into();
    let state = PromptState::Ended { accepted_seq, turn_id, outcome };
    story.answered(look, Ok(Reply::Prompt(state)));
    story.show(cast.second_of_a, "a", 19, 31);
}

fn a_closes_and_reopens(story: &mut Story, cast: &Cast) {
    let change = ChatChange::default().title("Birds");
    let rename = story.sent(Command::UpdateChat { chat: chat("a"), change });
    let renamed = Event::ChatUpdated {
        title: Some(Text::from("Birds")),
        provenance: Some(TitleProvenance::Manual),
        metadata: None,
        archived: None,
        agent: None,
    };
    story.commit("a", vec![renamed]);
    story.answered(rename, Ok(Reply::Done));
    let close = story.sent(Command::CloseChat { chat: chat("a") });
    story.commit("a", vec![Event::ChatClosed {}]);
    story.answered(close, Ok(Reply::Done));
    let refused = story.sent(send("a", "p6", PromptMode::Queue, "too late"));
    story.answered(refused, Err(CommandError::Refused(Refusal::ChatClosed {})));
    let reopen = story.sent(Command::ReopenChat { chat: chat("a") });
    story.commit("a", vec![Event::ChatReopened {}]);
    story.answered(reopen, Ok(Reply::Done));
    story.show(cast.second_of_a, "a", 32, 34);
    let read = Command::ReadLog { chat: chat("a"), after: Seq::ZERO, limit: 2 };
    let read = story.sent(read);
    let events = story.log("a").into_iter().take(2).map(Arc::new).collect();
    story.answered(read, Ok(Reply::Log(LogPage { events, head: seq(34) })));
}

fn b_is_deleted(story: &mut Story, cast: &Cast) {
    story.commit("b", vec![says(4, "A stork", 0), ended(3, TurnOutcome::Completed)]);
    let delete = story.sent(Command::DeleteChat { chat: chat("b") });
    story.commit("b", vec![Event::ChatDeleted {}]);
    story.answered(delete, Ok(Reply::Done));
    story.show(cast.of_b, "b", 5, 7);
    story.notice(cast.of_b, Notice::Ended(EndReason::Deleted));
    story.notice(cast.of_world, Notice::World(WorldNotice::Deleted { chat_id: chat("b") }));
}
