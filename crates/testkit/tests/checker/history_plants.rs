//! Violations that only the whole history shows: deliveries, answers, statuses, model requests.

use std::sync::Arc;

use polychat_core::{
    CommandError, EndReason, Notice, OutcomeKind, Refusal, Reply, StatusKind, TurnOutcome,
    command::PromptState, event::PromptMode,
};
use polychat_testkit::{
    checker::{
        AnswerFault as A, DeliveryFault as D, RequestFault as R,
        RunState::Live,
        StatusFault as S,
        Violation::{Answer, Delivery, Request, Status},
    },
    history::{CallId, Fact, RequestId},
};

use crate::{
    Plant,
    healthy::past,
    plant,
    story::{
        Story, accepted, assistant, chunk, ended_so, prompt, seq, started, status, taken, turn,
        user,
    },
};

/// Puts the fact at `from` right before the one at `to`.
fn bring_forward(story: &mut Story, from: usize, to: usize) {
    let fact = story.facts.remove(from);
    story.facts.insert(to, fact);
}

/// Forgets what the model was asked and said, so that only the log can tell.
fn forget_model(story: &mut Story) {
    story.facts.retain(|fact| !matches!(fact, Fact::Requested { .. } | Fact::Released { .. }));
}

/// Puts another notice in the place of a chunk.
fn rewrite(story: &mut Story, n: usize, with: Notice) {
    if let Fact::Noticed { notice, .. } = &mut story.facts[n] {
        *notice = with;
    }
}

/// The place of the answer to the nth command of this name, from 0.
fn answer_to(story: &Story, name: &str, n: usize) -> usize {
    let calls: Vec<CallId> = story
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Sent { call, command } if command.name() == name => Some(*call),
            _ => None,
        })
        .collect();
    story.find(|fact| matches!(fact, Fact::Answered { call, .. } if *call == calls[n]))
}

/// Gives another answer.
fn answer(story: &mut Story, name: &str, n: usize, with: Result<Reply, CommandError>) {
    let place = answer_to(story, name, n);
    if let Fact::Answered { answer, .. } = &mut story.facts[place] {
        *answer = with;
    }
}

/// Changes the messages of chat `a`'s nth request, from 0.
fn ask(story: &mut Story, n: usize, with: Vec<Arc<polychat_core::Message>>) {
    let requests = story.facts.iter_mut().filter_map(|fact| match fact {
        Fact::Requested { chat: Some(chat), content, .. } if chat.as_str() == "a" => Some(content),
        _ => None,
    });
    requests.into_iter().nth(n).expect("there are that many").messages = with;
}

pub(crate) fn plants() -> Vec<Plant> {
    let mut plants = order();
    plants.extend(texts());
    plants.extend(answers());
    plants.extend(statuses());
    plants.extend(requests());
    plants
}

#[rustfmt::skip]
fn order() -> Vec<Plant> {
    vec![
        plant!("shown before stored", Live,
            |story, _| { let (from, to) = (story.shown("a", 5), story.stored("a", 5)); bring_forward(story, from, to); },
            Delivery { fault: D::ShownBeforeStored { .. }, .. }),
        plant!("shown otherwise than stored", Live,
            |story, _| {
                let place = story.shown("a", 6);
                if let Fact::Noticed { notice: Notice::Recorded { event, .. }, .. } = &mut story.facts[place] {
                    Arc::make_mut(event).event = accepted("p2", PromptMode::Queue, "never");
                }
            },
            Delivery { fault: D::ShownDiffers { .. }, .. }),
        plant!("a gap in a subscription", Live, |story, _| { let place = story.shown("a", 24); story.facts.remove(place); },
            Delivery { fault: D::Gap { .. }, .. }),
        plant!("a gap on resume", Live, |story, _| { let place = story.shown("a", 6); story.facts.remove(place); },
            Delivery { fault: D::Gap { .. }, .. }),
        plant!("a duplicate in a subscription", Live, |story, cast| story.show(cast.second_of_a, "a", 34, 34),
            Delivery { fault: D::Duplicate { .. }, .. }),
        plant!("a duplicate on resume", Live,
            |story, cast| {
                story.show(cast.second_of_a, "a", 5, 5);
                let (from, to) = (story.facts.len() - 1, story.chunked("a", 4, 8));
                bring_forward(story, from, to);
            },
            Delivery { fault: D::Duplicate { .. }, .. }),
        plant!("a cursor of another event", Live,
            |story, _| {
                let place = story.shown("a", 6);
                if let Fact::Noticed { notice: Notice::Recorded { cursor, .. }, .. } = &mut story.facts[place] {
                    cursor.seq = seq(9);
                }
            },
            Delivery { fault: D::CursorWrong { .. }, .. }),
        plant!("a misrouted event", Live, |story, cast| story.show(cast.second_of_a, "b", 3, 3),
            Delivery { fault: D::Misrouted { of: Some(_) }, .. }),
        plant!("a chat's event on the world's feed", Live, |story, cast| story.show(cast.of_world, "a", 3, 3),
            Delivery { fault: D::Misrouted { of: Some(_) }, .. }),
        plant!("a notice after the end", Live, |story, cast| story.show(cast.of_b, "b", 7, 7),
            Delivery { fault: D::AfterEnd { reason: EndReason::Deleted }, .. }),
        plant!("ended as deleted without a deletion", Live,
            |story, cast| story.notice(cast.second_of_a, Notice::Ended(EndReason::Deleted)),
            Delivery { fault: D::EndedWithoutDelete, .. }),
        plant!("a status of a deleted chat", Live,
            |story, cast| story.notice(cast.of_world, ended_so(OutcomeKind::Completed, status("b", StatusKind::Idle, None, 0, 6))),
            Delivery { fault: D::AfterDelete, .. }),
    ]
}

#[rustfmt::skip]
fn texts() -> Vec<Plant> {
    vec![
        plant!("a misrouted chunk", Live,
            |story, cast| story.notice(cast.second_of_a, chunk("b", 3, 4, 0, "A stork", (34, 1))),
            Delivery { fault: D::Misrouted { of: Some(_) }, .. }),
        plant!("text lost by merging", Live,
            |story, _| { let place = story.chunked("a", 4, 8); rewrite(story, place, chunk("a", 3, 4, 10, "ron", (5, 2))); },
            Delivery { fault: D::TextGap { expected: 8, offset: 10 }, .. }),
        plant!("text that was never recorded", Live,
            |story, _| {
                forget_model(story);
                let place = story.chunked("b", 4, 0);
                rewrite(story, place, chunk("b", 3, 4, 0, "A crane", (4, 1)));
            },
            Delivery { fault: D::TextDiffers { .. }, .. }),
        plant!("text after the seal", Live,
            |story, _| {
                forget_model(story);
                let place = story.chunked("b", 4, 0);
                rewrite(story, place, chunk("b", 3, 4, 0, "A stork flies", (4, 1)));
            },
            Delivery { fault: D::TextAfterSeal { shown_to: 13, recorded: 7, .. }, .. }),
        plant!("text that the model never released", Live,
            |story, _| { let place = story.chunked("b", 4, 0); rewrite(story, place, chunk("b", 3, 4, 0, "A storm", (4, 1))); },
            Delivery { fault: D::TextNotReleased { .. }, .. }),
        plant!("a chunk after the end of its message", Live,
            |story, cast| story.notice(cast.second_of_a, chunk("a", 28, 29, 0, "Better.", (34, 1))),
            Delivery { fault: D::LiveAfterEnd { .. }, .. }),
        plant!("a chunk before the start of its message", Live,
            |story, _| {
                let (from, to) = (story.chunked("b", 4, 0), story.shown("b", 4));
                rewrite(story, from, chunk("b", 3, 4, 0, "A stork", (3, 1)));
                let asked = story.facts.iter().rposition(|fact| matches!(fact, Fact::Released { .. })).unwrap();
                assert!(asked > to);
                bring_forward(story, from, to);
            },
            Delivery { fault: D::LiveBeforeStart { .. }, .. }),
        plant!("a chunk of another turn", Live,
            |story, _| { let place = story.chunked("b", 4, 0); rewrite(story, place, chunk("b", 2, 4, 0, "A stork", (4, 1))); },
            Delivery { fault: D::WrongTurn { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn answers() -> Vec<Plant> {
    vec![
        plant!("a prompt acknowledged before it is stored", Live,
            |story, _| { let (from, to) = (answer_to(story, "prompt/send", 2), story.stored("a", 6)); bring_forward(story, from, to); },
            Answer { fault: A::NotStored, .. }),
        plant!("a close acknowledged before it is stored", Live,
            |story, _| { let (from, to) = (answer_to(story, "chat/close", 0), story.stored("a", 33)); bring_forward(story, from, to); },
            Answer { fault: A::NotStored, .. }),
        plant!("a deletion acknowledged and never stored", Live,
            |story, _| {
                let deleted = story.stored("b", 7);
                story.facts.truncate(deleted);
                let call = CallId(999);
                let command = polychat_core::Command::DeleteChat { chat: crate::story::chat("b") };
                story.facts.push(Fact::Sent { call, command });
                story.answered(call, Ok(Reply::Done));
            },
            Answer { fault: A::NotStored, .. }),
        plant!("an acknowledgement that names another seq", Live,
            |story, _| answer(story, "prompt/send", 2, Ok(taken("p2", 7))),
            Answer { fault: A::AcceptedDiffers { .. }, .. }),
        plant!("a conflict answered alike", Live, |story, _| answer(story, "prompt/send", 6, Ok(taken("p1", 2))),
            Answer { fault: A::ConflictAccepted { .. }, .. }),
        plant!("the same prompt answered as a conflict", Live,
            |story, _| {
                let conflict = Refusal::Conflict { prompt_id: prompt("p1") };
                answer(story, "prompt/send", 5, Err(CommandError::Refused(conflict)));
            },
            Answer { fault: A::FalseConflict { .. }, .. }),
        plant!("a refused prompt that left an event", Live,
            |story, _| { story.commit("a", vec![accepted("p6", PromptMode::Queue, "too late")]); },
            Answer { fault: A::RefusedLeftEvent { event: "prompt.accepted" }, .. }),
        plant!("an answer of another sort", Live, |story, _| answer(story, "chat/reopen", 0, Ok(taken("p1", 2))),
            Answer { fault: A::WrongSort, .. }),
        plant!("a prompt's outcome that is not the log's", Live,
            |story, _| {
                let (turn_id, outcome) = (Some(turn(3)), TurnOutcome::Cancelled.into());
                let state = PromptState::Ended { accepted_seq: seq(2), turn_id, outcome };
                answer(story, "prompt/outcome", 0, Ok(Reply::Prompt(state)));
            },
            Answer { fault: A::StateDiffers { .. }, .. }),
        plant!("a page of the log with a hole", Live,
            |story, _| {
                let place = answer_to(story, "log/read", 0);
                if let Fact::Answered { answer: Ok(Reply::Log(page)), .. } = &mut story.facts[place] { page.events.remove(0); }
            },
            Answer { fault: A::LogDiffers { .. }, .. }),
        plant!("a log read from the past", Live,
            |story, _| {
                let place = answer_to(story, "log/read", 0);
                if let Fact::Answered { answer: Ok(Reply::Log(page)), .. } = &mut story.facts[place] { page.head = seq(10); }
            },
            Answer { fault: A::Stale { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn statuses() -> Vec<Plant> {
    /// Tells the world's feed this right after the event was stored.
    fn tell(story: &mut Story, world: polychat_testkit::history::SubscriberId, after: u64, notice: Notice) {
        story.notice(world, notice);
        let (from, to) = (story.facts.len() - 1, story.stored("a", after) + 1);
        bring_forward(story, from, to);
    }
    vec![
        plant!("an old turn's idle clears a newer turn", Live,
            |story, cast| tell(story, cast.of_world, 18, ended_so(OutcomeKind::Completed, status("a", StatusKind::Idle, None, 0, 18))),
            Status { fault: S::Kind { told: StatusKind::Idle, log: StatusKind::Running }, .. }),
        plant!("a late status of an older turn", Live,
            |story, cast| story.notice(cast.of_world, status("a", StatusKind::Awaiting, Some(3), 2, 9)),
            Delivery { fault: D::StatusBackwards { .. }, .. }),
        plant!("busy, but with another turn", Live,
            |story, cast| tell(story, cast.of_world, 18, ended_so(OutcomeKind::Completed, status("a", StatusKind::Running, Some(3), 0, 18))),
            Status { fault: S::Turn { .. }, .. }),
        plant!("a queue count that drifted", Live,
            |story, cast| tell(story, cast.of_world, 6, status("a", StatusKind::Running, Some(3), 2, 6)),
            Status { fault: S::Queued { told: 2, log: 1 }, .. }),
        plant!("stuck busy after the end", Live,
            |story, cast| tell(story, cast.of_world, 31, ended_so(OutcomeKind::Completed, status("a", StatusKind::Running, Some(28), 0, 31))),
            Status { fault: S::Kind { told: StatusKind::Running, log: StatusKind::Idle }, .. }),
        plant!("a failure that was none", Live,
            |story, cast| tell(story, cast.of_world, 31, ended_so(OutcomeKind::Failed, status("a", StatusKind::Idle, None, 0, 31))),
            Status { fault: S::LastOutcome { told: Some(OutcomeKind::Failed), log: Some(OutcomeKind::Completed) }, .. }),
        plant!("the outcome of a turn that was cut away", Live,
            |story, cast| tell(story, cast.of_world, 28, ended_so(OutcomeKind::Completed, status("a", StatusKind::Running, Some(28), 0, 28))),
            Status { fault: S::LastOutcome { told: Some(OutcomeKind::Completed), log: None }, .. }),
        plant!("a title from nowhere", Live,
            |story, cast| story.notice(cast.of_world, ended_so(OutcomeKind::Completed, status("a", StatusKind::Idle, None, 0, 34))),
            Status { fault: S::Title, .. }),
        plant!("a status ahead of the store", Live,
            |story, cast| story.notice(cast.of_world, status("a", StatusKind::Idle, None, 0, 35)),
            Status { fault: S::HeadNotStored, .. }),
    ]
}

#[rustfmt::skip]
fn requests() -> Vec<Plant> {
    vec![
        plant!("a foreign message in a request", Live,
            |story, _| ask(story, 0, vec![user(99, "stork"), user(2, "heron")]),
            Request { fault: R::ForeignMessage { .. }, .. }),
        plant!("another chat's text under an own id", Live, |story, _| ask(story, 0, vec![user(2, "stork")]),
            Request { fault: R::AlteredMessage { .. }, .. }),
        plant!("a request without the user's message", Live, |story, _| ask(story, 2, past(14)),
            Request { fault: R::MissingMessage { .. }, .. }),
        plant!("an empty request", Live, |story, _| ask(story, 0, Vec::new()),
            Request { fault: R::MissingMessage { .. }, .. }),
        plant!("a request with a hole", Live,
            |story, _| { let mut said = past(6); said.remove(3); ask(story, 2, said); },
            Request { fault: R::MissingMessage { .. }, .. }),
        plant!("a request out of order", Live,
            |story, _| ask(story, 0, vec![user(2, "heron"), user(2, "heron")]),
            Request { fault: R::OutOfOrder { .. }, .. }),
        plant!("a request that still holds what was cut", Live,
            |story, _| ask(story, 4, [past(18), vec![user(19, "stop"), assistant(23, "Quick."), user(27, "better")]].concat()),
            Request { fault: R::ForeignMessage { .. }, .. }),
        plant!("a request that nobody can assign", Live,
            |story, _| {
                let content = Box::new(polychat_core::ports::ModelRequest::new(Vec::new()));
                story.facts.push(Fact::Requested { request: RequestId(999), chat: None, content });
            },
            Request { fault: R::UnknownChat, .. }),
        plant!("an answer begun anew after text was out", Live,
            |story, _| {
                story.commit("a", vec![accepted("x", PromptMode::Queue, "x"), started(&["x"]), crate::story::begins(36, 1)]);
                let said = [past(18), vec![user(27, "better"), assistant(29, "Better."), user(35, "x")]].concat();
                let first = story.ask("a", said.clone());
                story.release(first, "Once");
                story.ask("a", said);
            },
            Request { fault: R::RetriedAfterText { .. }, .. }),
    ]
}
