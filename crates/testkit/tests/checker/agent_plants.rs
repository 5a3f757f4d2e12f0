//! Violations around agents: who answers, handing on, configurations, titles, and what models are
//! told of them. The healthy log of `c` ends at 48, idle.

use polychat_core::{
    Event, ModelParams, TurnOutcome,
    ports::{Callee, ModelRequest},
};
use polychat_testkit::{
    checker::{
        AnswerFault as A, ContextPart, LogFault as F, RequestFault as R,
        RunState::Live,
        Violation::{Answer, Log, Request},
    },
    history::Fact,
    tools,
};

use crate::{
    Plant,
    company::{
        accepted, asks_for, begins, begun, context, critic, editor, foreign, hands_on, past,
        request, resolved_for, title_request, titled,
    },
    plant,
    story::{Story, assistant_as, chat, ended, guide},
};

/// A prompt at 49 to this agent, its turn at 50, and more.
fn turn_of(story: &mut Story, agent: &str, then: &[&str], more: Vec<Event>) {
    let named = then.is_empty().then_some(agent);
    let begin = vec![accepted("x", "x", named), begun(&["x"], agent, then)];
    story.commit("c", [begin, more].concat());
}

/// What the critic has been since chat `c`'s first turn.
fn kind_critic() -> polychat_core::AgentConfig {
    critic().system("Be kind.")
}

/// Changes chat `c`'s nth request, from 0; the last one is for a title.
fn ask(story: &mut Story, n: usize, change: impl Fn(&mut ModelRequest)) {
    let requests = story.facts.iter_mut().filter_map(|fact| match fact {
        Fact::Requested { chat: Some(chat), content, .. } if chat.as_str() == "c" => Some(content),
        _ => None,
    });
    change(requests.into_iter().nth(n).expect("there are that many"));
}

const TITLE: usize = 3;

pub(crate) fn plants() -> Vec<Plant> {
    let mut plants = turns();
    plants.extend(handing_on());
    plants.extend(titles());
    plants.extend(requests());
    plants
}

#[rustfmt::skip]
fn turns() -> Vec<Plant> {
    vec![
        plant!("another agent answers than the one that has the turn", Live,
            |story, _| turn_of(story, "guide", &[], vec![begins(&editor(), 50, 1)]),
            Log { fault: F::WrongAgent { .. }, .. }),
        plant!("another agent has the turn than the one that the prompt names", Live,
            |story, _| { story.commit("c", vec![accepted("x", "x", Some("editor")), begun(&["x"], "guide", &[])]); },
            Log { fault: F::WrongAgent { .. }, .. }),
        plant!("a row of agents that is not in order", Live,
            |story, _| turn_of(story, "editor", &["critic", "guide"], vec![]),
            Log { fault: F::WrongRow { .. }, .. }),
        plant!("an agent that the world never had", Live,
            |story, _| turn_of(story, "guide", &[], vec![begins(&guide().system("Lie."), 50, 1)]),
            Log { fault: F::AgentNotOfWorld { .. }, .. }),
        plant!("an agent as it was before it was changed", Live,
            |story, _| turn_of(story, "critic", &[], vec![begins(&critic(), 50, 1)]),
            Log { fault: F::AgentNotOfWorld { .. }, .. }),
        plant!("an agent that changes in the middle of a turn", Live,
            |story, _| story.alter("c", 33, |r| r.event = begins(&kind_critic(), 3, 6)),
            Log { fault: F::AgentChangedMidTurn { .. }, .. }),
        plant!("a turn that completes before everybody has answered", Live,
            |story, _| turn_of(story, "editor", &["guide"], vec![begins(&editor(), 50, 1), asks_for(51, "", &[]), ended(50, TurnOutcome::Completed)]),
            Log { fault: F::AgentForgotten { .. }, .. }),
        plant!("a history that says who wrote what, and is wrong", Live,
            |story, _| ask(story, 2, |request| request.messages = [past(19), vec![assistant_as("guide", 20, "fine")]].concat()),
            Request { fault: R::AlteredMessage { .. }, .. }),
        plant!("a snapshot with a message too few", Live,
            |story, _| snapshot_without(story, 1),
            Answer { fault: A::MessagesDiffer { .. }, .. }),
    ]
}

fn snapshot_without(story: &mut Story, n: usize) {
    let answer = story.facts.iter_mut().rev().find_map(|fact| match fact {
        Fact::Answered { answer: Ok(polychat_core::Reply::Snapshot(snapshot)), .. } => {
            Some(snapshot)
        }
        _ => None,
    });
    answer.expect("the story has one").messages.remove(n);
}

#[rustfmt::skip]
fn handing_on() -> Vec<Plant> {
    /// One message of this agent that says nothing, at 51.
    fn says(agent: &polychat_core::AgentConfig) -> Vec<Event> {
        vec![begins(agent, 50, 1), asks_for(51, "", &[])]
    }
    vec![
        plant!("the turn goes past somebody who is still to answer", Live,
            |story, _| turn_of(story, "critic", &["editor", "guide"], [says(&kind_critic()), vec![hands_on(50, "critic", "guide")]].concat()),
            Log { fault: F::AgentForgotten { .. }, .. }),
        plant!("a reply re-routes a turn that others are to answer", Live,
            |story, _| turn_of(story, "editor", &["guide"], [says(&editor()), vec![hands_on(50, "editor", "critic")]].concat()),
            Log { fault: F::AgentForgotten { .. }, .. }),
        plant!("handed on by somebody who does not have the turn", Live,
            |story, _| turn_of(story, "guide", &[], [says(&guide()), vec![hands_on(50, "editor", "critic")]].concat()),
            Log { fault: F::HandedOffBySomebodyElse { .. }, .. }),
        plant!("handed on in the middle of a message", Live,
            |story, _| turn_of(story, "guide", &[], vec![begins(&guide(), 50, 1), hands_on(50, "guide", "critic")]),
            Log { fault: F::HandedOffMidWork { .. }, .. }),
        plant!("handed on once too often", Live,
            |story, _| {
                let once = [says(&guide()), vec![hands_on(50, "guide", "editor"), begins(&editor(), 50, 2)]].concat();
                turn_of(story, "guide", &[], [once, vec![asks_for(54, "", &[]), hands_on(50, "editor", "guide")]].concat());
            },
            Log { fault: F::TooManyHandoffs { count: 2 }, .. }),
        plant!("handed on to itself", Live,
            |story, _| turn_of(story, "guide", &[], [says(&guide()), vec![hands_on(50, "guide", "guide")]].concat()),
            Log { fault: F::TooManyHandoffs { .. }, .. }),
        plant!("handed on where no reply may", Live,
            |story, _| {
                story.change(polychat_core::Command::UpdateWorld { settings: Default::default() });
                // A decision between the change and this one: the change is certain from then on.
                story.commit("c", vec![Event::ChatClosed {}, Event::ChatReopened {}]);
                let begin = vec![accepted("x", "x", Some("guide")), begun(&["x"], "guide", &[])];
                let says = vec![begins(&guide(), 52, 1), asks_for(53, "", &[])];
                story.commit("c", [begin, says, vec![hands_on(52, "guide", "editor")]].concat());
            },
            Log { fault: F::TooManyHandoffs { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn titles() -> Vec<Plant> {
    vec![
        plant!("a model's title over one that is there", Live,
            |story, _| { story.commit("c", vec![titled("Birds of c")]); },
            Log { fault: F::TitleNotWanted, .. }),
        plant!("a title that the model did not propose", Live,
            |story, _| story.facts.retain(|fact| !matches!(fact, Fact::Released { delta: polychat_core::ports::ModelDelta::Text(text), .. } if text.contains("Birds"))),
            Log { fault: F::TitleNotProposed, .. }),
        plant!("a title for a chat in a world that wants none", Live,
            |story, _| {
                let asked = story.ask_with("b", title_request("q1", "stork"));
                story.release(asked, "Storks");
            },
            Request { fault: R::TitleNotWanted, .. }),
        plant!("a title of another chat's beginning", Live,
            |story, _| ask(story, TITLE, |request| request.messages = title_request("", "heron").messages),
            Request { fault: R::TitleOfSomethingElse, .. }),
        plant!("tools beside a request for a title", Live,
            |story, _| ask(story, TITLE, |request| request.tools = [std::sync::Arc::new(tools::spec("look"))].into()),
            Request { fault: R::ToolNotSelected { .. }, .. }),
        plant!("a title is asked for with another prompt's context", Live,
            |story, _| ask(story, TITLE, |request| request.context = context("write", Callee::Model(guide().model))),
            Request { fault: R::ContextDiffers { part: ContextPart::Prompt }, .. }),
    ]
}

#[rustfmt::skip]
fn requests() -> Vec<Plant> {
    vec![
        plant!("a request that does not say who answers", Live, |story, _| ask(story, 1, |request| request.agent = None),
            Request { fault: R::AgentDiffers, .. }),
        plant!("a request as another agent", Live, |story, _| ask(story, 1, |request| request.agent = Some(editor().name)),
            Request { fault: R::AgentDiffers, .. }),
        plant!("a request with another agent's instructions", Live,
            |story, _| ask(story, 1, |request| request.system = kind_critic().system),
            Request { fault: R::AgentDiffers, .. }),
        plant!("a request with other parameters", Live,
            |story, _| ask(story, 1, |request| { request.params = ModelParams::default(); request.params.temperature = Some(1.0); }),
            Request { fault: R::AgentDiffers, .. }),
        plant!("a request that offers a tool which the agent may not use", Live,
            |story, _| ask(story, 2, |it| it.tools = request(&guide(), "", vec![]).tools),
            Request { fault: R::ToolNotSelected { .. }, .. }),
        plant!("a model sees what was attached to another chat", Live,
            |story, _| ask(story, 1, |request| request.context.chat = foreign()),
            Request { fault: R::ContextDiffers { part: ContextPart::Chat }, .. }),
        plant!("a model sees what was attached to another prompt", Live,
            |story, _| ask(story, 1, |request| request.context.prompt = foreign()),
            Request { fault: R::ContextDiffers { part: ContextPart::Prompt }, .. }),
        plant!("a model gets what was resolved for another chat", Live,
            |story, _| ask(story, 1, |request| request.context = resolved_for(chat("a"), "@all look", Callee::Model(guide().model))),
            Request { fault: R::ContextDiffers { part: ContextPart::Resolved }, .. }),
        plant!("a model gets what was resolved for a tool", Live,
            |story, _| ask(story, 1, |request| request.context = context("@all look", Callee::Tool("look".into()))),
            Request { fault: R::ContextDiffers { part: ContextPart::Resolved }, .. }),
    ]
}

/// Changes of a chat and its agents that are nobody's fault.
pub(crate) fn forgiven(story: &mut Story) {
    // Who is gone by then is skipped, and stood in for by the world's own agent.
    turn_of(story, "critic", &["editor", "guide"], vec![begins(&kind_critic(), 50, 1)]);
    story.change(polychat_core::Command::RemoveAgent { agent: editor().name });
    let next =
        vec![asks_for(51, "", &[]), hands_on(50, "critic", "guide"), begins(&guide(), 50, 2)];
    story.commit(
        "c",
        [next, vec![asks_for(54, "", &[]), ended(50, TurnOutcome::Completed)]].concat(),
    );
    let to_editor = vec![accepted("y", "y", Some("editor")), begun(&["y"], "guide", &[])];
    story.commit("c", [to_editor, vec![begins(&guide(), 58, 1), asks_for(59, "", &[])]].concat());
    story.commit("c", vec![ended(58, TurnOutcome::Completed)]);
}
