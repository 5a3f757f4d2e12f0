//! Violations around tools: calls, approvals, runs, and what of them was shown. The healthy log of
//! `c` ends at 48, idle.

use polychat_core::{
    Event, FailureKind,
    ports::{Callee, HostContext, ToolInput},
    tool::ApprovalDecision as Decision,
};
use polychat_testkit::{
    checker::{
        AnswerFault as A, ContextPart, DeliveryFault as D, LogFault as F, RunFault as R,
        RunState::Live,
        Violation::{Answer, Delivery, Log, Run},
    },
    history::{Fact, RunEnd, RunId, Showing},
};
use serde_json::json;

use crate::{
    Plant,
    company::{
        accepted, arguments, asked, asks_for, begins, begun, context, decided, editor, fails,
        foreign, nth, output, progress, resolved_for, results, starts,
    },
    plant,
    story::{Story, chat, guide, live, seq},
};

/// A prompt at 49, its turn at 50, its message at 51, which asks for these tools; and more.
fn turn_with(story: &mut Story, tools: &[&str], more: Vec<Event>) {
    let begin = vec![accepted("x", "x", Some("guide")), begun(&["x"], "guide", &[])];
    let says = vec![begins(&guide(), 50, 1), asks_for(51, "", tools)];
    story.commit("c", [begin, says, more].concat());
}

fn deny() -> Decision {
    Decision::Deny { reason: "no".into() }
}

/// The place of the nth fact about a run, from 0.
fn fact_of_run(story: &Story, is_it: impl Fn(&Fact) -> bool, n: usize) -> usize {
    let places = (0..story.facts.len()).filter(|place| is_it(&story.facts[*place]));
    places.into_iter().nth(n).expect("there are that many")
}

/// Changes what the run of `read` was given.
fn give(story: &mut Story, change: impl Fn(&mut ToolInput)) {
    let place = fact_of_run(story, |fact| matches!(fact, Fact::Ran { .. }), 0);
    if let Fact::Ran { input, .. } = &mut story.facts[place] {
        change(input);
    }
}

/// Changes how the run of `read` ended.
fn return_from_read(story: &mut Story, with: Result<&str, &str>) {
    let place = fact_of_run(story, |fact| matches!(fact, Fact::RunEnded { .. }), 0);
    let Fact::RunEnded { run, .. } = story.facts[place] else { unreachable!("it was found") };
    story.ends(run, with);
    story.facts.swap_remove(place);
}

/// Changes the context of the run of `read`.
fn attach(story: &mut Story, change: impl Fn(&mut HostContext)) {
    give(story, |input| change(&mut input.context));
}

pub(crate) fn plants() -> Vec<Plant> {
    let mut plants = calls();
    plants.extend(decisions());
    plants.extend(runs());
    plants.extend(shown());
    plants
}

#[rustfmt::skip]
fn calls() -> Vec<Plant> {
    vec![
        plant!("a tool that the policy would have asked about", Live,
            |story, _| turn_with(story, &["write"], vec![starts(51, 0, "write")]),
            Log { fault: F::StartWithoutApproval { .. }, .. }),
        plant!("a tool that the agent may not use", Live,
            |story, _| {
                let begin = vec![accepted("x", "x", Some("editor")), begun(&["x"], "editor", &[]), begins(&editor(), 50, 1)];
                story.commit("c", [begin, vec![asks_for(51, "", &["read"]), starts(51, 0, "read")]].concat());
            },
            Log { fault: F::CallNotSelected { .. }, .. }),
        plant!("another tool is run than the one asked for", Live,
            |story, _| story.alter("c", 9, |r| r.event = starts(4, 2, "look")),
            Log { fault: F::CallChanged { .. }, .. }),
        plant!("a person is asked about other arguments", Live,
            |story, _| story.alter("c", 7, |r| if let Event::ApprovalRequested { arguments, .. } = &mut r.event { *arguments = json!("harmless"); }),
            Log { fault: F::CallChanged { .. }, .. }),
        plant!("a call of an earlier message", Live,
            |story, _| turn_with(story, &["read"], vec![starts(4, 2, "read")]),
            Log { fault: F::CallEndedTwice { .. }, .. }),
        plant!("more calls at once than may be", Live,
            |story, _| turn_with(story, &["read"; 3], (0..3).map(|n| starts(51, n, "read")).collect()),
            Log { fault: F::TooManyCallsAtOnce { running: 3, max: 2 }, .. }),
        plant!("an unknown outcome of what never began", Live,
            |story, _| turn_with(story, &["read"], vec![fails(51, 0, FailureKind::UnknownOutcome, "lost")]),
            Log { fault: F::CallNotStarted { .. }, .. }),
        plant!("a result that the tool did not give", Live,
            |story, _| return_from_read(story, Ok("a look")),
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a result that was cut, and does not say so", Live,
            |story, _| return_from_read(story, Ok("a book, and more")),
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a result that was cut more than it says", Live, |story, _| cut_story(story, 5),
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a result of a tool that failed", Live,
            |story, _| return_from_read(story, Err("a book")),
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a failure of a tool that answered", Live,
            |story, _| story.alter("c", 13, |r| r.event = fails(4, 2, FailureKind::ToolFailed, "no")),
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a failure that the tool did not give", Live,
            |story, _| story.alter("c", 15, |r| r.event = fails(4, 1, FailureKind::ToolFailed, "too bright")),
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a result of a tool that still runs", Live,
            |story, _| {
                let place = fact_of_run(story, |fact| matches!(fact, Fact::RunEnded { .. }), 0);
                story.facts.remove(place);
            },
            Log { fault: F::OutcomeNotOfTool { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn decisions() -> Vec<Plant> {
    vec![
        plant!("a person is asked again about what is allowed for the chat", Live,
            |story, _| turn_with(story, &["look"], vec![asked(51, 0, "look")]),
            Log { fault: F::AskedThoughAllowed { .. }, .. }),
        plant!("a call goes on waiting beside the one that allowed its tool", Live,
            |story, _| {
                let asks = vec![asked(51, 0, "write"), asked(51, 1, "write")];
                let allows = vec![decided(51, 0, Decision::AllowForChat), starts(51, 0, "write")];
                turn_with(story, &["write", "write"], [asks, allows].concat());
            },
            Log { fault: F::AskedThoughAllowed { .. }, .. }),
        plant!("a person is asked about what only reads", Live,
            |story, _| turn_with(story, &["read"], vec![asked(51, 0, "read")]),
            Log { fault: F::AskedInVain { .. }, .. }),
        plant!("a permission is answered like a question", Live,
            |story, _| turn_with(story, &["write"], vec![asked(51, 0, "write"), decided(51, 0, Decision::Answer { data: json!(1) })]),
            Log { fault: F::DecisionUnfit { .. }, .. }),
        plant!("a question is allowed like a permission", Live,
            |story, _| turn_with(story, &["ask"], vec![asked(51, 0, "ask"), decided(51, 0, Decision::AllowOnce)]),
            Log { fault: F::DecisionUnfit { .. }, .. }),
        plant!("another decision is stored than the person made", Live,
            |story, _| story.facts.iter_mut().for_each(|fact| {
                if let Fact::Sent { command: polychat_core::Command::DecideApproval { decision, .. }, .. } = fact { *decision = deny(); }
            }),
            Answer { fault: A::NotStored, .. }),
        plant!("the model hears another answer than the person gave", Live,
            |story, _| story.alter("c", 17, |r| r.event = decided(4, 3, Decision::Answer { data: json!("no") })),
            Log { fault: F::DecisionUnfit { .. }, .. }),
        plant!("the model hears another reason than the person gave", Live,
            |story, _| story.alter("c", 43, |r| r.event = fails(39, 0, FailureKind::Denied, "whatever")),
            Log { fault: F::DecisionUnfit { .. }, .. }),
        plant!("a denied call that fails as if it had run", Live,
            |story, _| turn_with(story, &["write"], vec![asked(51, 0, "write"), decided(51, 0, deny()), fails(51, 0, FailureKind::ToolFailed, "no")]),
            Log { fault: F::DecisionUnfit { .. }, .. }),
        plant!("a denied call that runs", Live,
            |story, _| turn_with(story, &["write"], vec![asked(51, 0, "write"), decided(51, 0, deny()), starts(51, 0, "write")]),
            Log { fault: F::StartWithoutApproval { .. }, .. }),
        plant!("a denied call that has a result", Live,
            |story, _| turn_with(story, &["write"], vec![asked(51, 0, "write"), decided(51, 0, deny()), results(51, 0, "done")]),
            Log { fault: F::CallNotStarted { .. }, .. }),
    ]
}

#[rustfmt::skip]
fn runs() -> Vec<Plant> {
    vec![
        plant!("a tool is run before its start is stored", Live,
            |story, _| {
                let from = fact_of_run(story, |fact| matches!(fact, Fact::Ran { .. }), 0);
                let (ran, stored) = (story.facts.remove(from), story.stored("c", 9));
                story.facts.insert(stored, ran);
            },
            Run { fault: R::NoSuchCall { .. }, .. } | Log { fault: F::OutcomeNotOfTool { .. }, .. }),
        plant!("a call is run twice", Live, |story, _| { story.run("read", 2); },
            Run { fault: R::NoSuchCall { .. }, .. }),
        plant!("a tool is given other arguments", Live,
            |story, _| give(story, |input| input.arguments = arguments("read", 7)),
            Run { fault: R::NoSuchCall { .. }, .. }),
        plant!("a tool is run for a question", Live,
            |story, _| {
                turn_with(story, &["ask"], vec![asked(51, 0, "ask"), decided(51, 0, Decision::Answer { data: json!("x") }), starts(51, 0, "ask")]);
                let context = context("x", Callee::Tool("ask".into()));
                story.run_with("ask", ToolInput::new(arguments("ask", 0), context));
            },
            Run { fault: R::QuestionRun { .. }, .. }),
        plant!("a tool that nobody can assign", Live,
            |story, _| {
                let input = Box::new(ToolInput::new(json!({}), HostContext::default()));
                story.facts.push(Fact::Ran { run: RunId(999), chat: None, tool: "look".into(), input });
            },
            Run { fault: R::UnknownChat, .. }),
        plant!("a tool sees what was attached to another chat", Live,
            |story, _| attach(story, |context| context.chat = foreign()),
            Run { fault: R::ContextDiffers { part: ContextPart::Chat, .. }, .. }),
        plant!("a tool sees what was attached to another prompt", Live,
            |story, _| attach(story, |context| context.prompt = foreign()),
            Run { fault: R::ContextDiffers { part: ContextPart::Prompt, .. }, .. }),
        plant!("a tool gets what was resolved for another chat", Live,
            |story, _| attach(story, |context| *context = resolved_for(chat("a"), "@all look", Callee::Tool("read".into()))),
            Run { fault: R::ContextDiffers { part: ContextPart::Resolved, .. }, .. }),
        plant!("a tool gets what was resolved for another tool", Live,
            |story, _| attach(story, |it| *it = context("@all look", Callee::Tool("look".into()))),
            Run { fault: R::ContextDiffers { part: ContextPart::Resolved, .. }, .. }),
    ]
}

#[rustfmt::skip]
fn shown() -> Vec<Plant> {
    /// The place of the nth live notice to the watcher of `c`, from 0.
    fn live_of_c(story: &Story, n: usize) -> usize {
        fact_of_run(story, |fact| matches!(fact, Fact::Noticed { notice: polychat_core::Notice::Live { event, .. }, .. } if event.chat_id == chat("c")), n)
    }
    fn rewrite(story: &mut Story, n: usize, with: polychat_core::Notice) {
        let place = live_of_c(story, n);
        if let Fact::Noticed { notice, .. } = &mut story.facts[place] { *notice = with; }
    }
    vec![
        plant!("output after the end of its call", Live,
            |story, cast| story.notice(cast.of_c, live("c", 3, output(2, 14, "!"), (48, 1))),
            Delivery { fault: D::LiveAfterEnd { .. }, .. }),
        plant!("progress after the end of its call", Live,
            |story, cast| story.notice(cast.of_c, live("c", 3, progress(2, json!(1)), (48, 1))),
            Delivery { fault: D::LiveAfterEnd { .. }, .. }),
        plant!("output before the start of its call", Live,
            |story, _| rewrite(story, 2, live("c", 3, output(0, 0, "grey"), (9, 3))),
            Delivery { fault: D::LiveBeforeStart { .. }, .. }),
        plant!("progress of a call that never began", Live,
            |story, _| rewrite(story, 1, live("c", 3, progress(3, json!(1)), (9, 2))),
            Delivery { fault: D::LiveBeforeStart { .. }, .. }),
        plant!("output of another chat's call", Live,
            |story, cast| story.notice(cast.second_of_a, live("c", 3, output(2, 0, "feathers, "), (34, 1))),
            Delivery { fault: D::Misrouted { of: Some(_) }, .. }),
        plant!("output of another turn", Live,
            |story, _| rewrite(story, 2, live("c", 38, output(2, 10, "grey"), (9, 3))),
            Delivery { fault: D::WrongTurn { .. }, .. }),
        plant!("output with a hole", Live,
            |story, _| rewrite(story, 2, live("c", 3, output(2, 12, "ey"), (9, 3))),
            Delivery { fault: D::TextGap { expected: 10, offset: 12 }, .. }),
        plant!("output that the tool never showed", Live,
            |story, _| rewrite(story, 2, live("c", 3, output(2, 10, "blue"), (9, 3))),
            Delivery { fault: D::OutputNotShown { .. }, .. }),
        plant!("output that the tool showed in another call", Live,
            |story, _| {
                let n = fact_of_run(story, |fact| matches!(fact, Fact::Showed { .. }), 2);
                let (last, second) = (live_of_c(story, 2), RunId(u64::MAX));
                if let Fact::Showed { run, .. } = &mut story.facts[n] { *run = second; }
                assert!(n < last);
            },
            Delivery { fault: D::OutputNotShown { .. }, .. }),
        plant!("progress that the tool never made", Live,
            |story, _| rewrite(story, 1, live("c", 3, progress(2, json!(2)), (9, 2))),
            Delivery { fault: D::ProgressNotMade { .. }, .. }),
    ]
}

/// A turn whose second call answers with a long story, of which six bytes were cut.
fn cut_story(story: &mut Story, said: u64) {
    turn_with(story, &["read", "read"], vec![starts(51, 1, "read")]);
    let input = ToolInput::new(arguments("read", 1), context("x", Callee::Tool("read".into())));
    let run = story.run_with("read", input);
    story.ends(run, Ok("a long story"));
    let parts = ["a long".to_owned(), format!("[{said} bytes of this were cut]")];
    let parts = parts.map(polychat_core::Part::text).into();
    let output = polychat_core::tool::ToolOutput { parts, cut_bytes: said, ..Default::default() };
    story.commit("c", vec![Event::ToolResult { tool_call_id: nth(51, 1), output }]);
}

/// A result that was cut and says so, and a run that goes on after its call was given up, are
/// nobody's fault.
pub(crate) fn forgiven(story: &mut Story) {
    cut_story(story, 6);
    story.commit("c", vec![starts(51, 0, "read")]);
    let context = context("x", Callee::Tool("read".into()));
    let run = story.run_with("read", ToolInput::new(arguments("read", 0), context));
    story.shows(run, "a ");
    let cancelled = fails(51, 0, FailureKind::Cancelled, "stopped");
    story.commit(
        "c",
        vec![cancelled, crate::story::ended(50, polychat_core::TurnOutcome::Cancelled)],
    );
    story.facts.push(Fact::Showed { run, showing: Showing::Progress(json!(9)) });
    story.facts.push(Fact::RunEnded { run, end: RunEnd::Dropped });
    assert_eq!(story.log("c").last().map(|last| last.seq), Some(seq(57)));
    assert_eq!(nth(51, 0).index, 0);
}
