//! The turn's loop: model, calls, results, model, until it asks for none.

use polychat::{
    AgentConfig, AgentName, FailureKind, ModelName, Part, PromptOutcome, message::Role,
    ports::ModelRequest, tool::ToolSelection,
};
use polychat_model::Step;
use polychat_testkit::{
    faulty_store::{Call, Fault, Gate},
    tools,
};
use serde_json::json;

use crate::{
    at_both_doors,
    support::{
        activity, answers, asked, assert_sound, count, failure, messages, outcome, pending, said,
        settle, watch, within, world_of_tools,
    },
};

at_both_doors! {
    /// Issue 3: model → tool calls → results → model, until it stops.
    async fn a_turn_goes_from_model_to_tools_and_back_until_the_model_stops(
        house in world_of_tools()
    ) {
        let chat = house.chat("a").await;
        let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
        house.running("x").await.result("sunny");
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request()), ["sunny"]);
        model.text("let me see").tool_call(asked("look", "y")).tool_call(asked("look", "z"));
        model.finish();
        house.running("y").await.result("warm");
        house.running("z").await.result("dry");
        let model = house.call_for("hello").await;
        let expected =
            ["user: hello", "assistant: ", "tool: sunny", "assistant: let me see", "tool: warm", "tool: dry"];
        assert_eq!(said(model.request()), expected);
        model.text("a fine day").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        let expected = [
            "turn", "model", "start 0", "result 0 sunny", "model", "start 0", "start 1",
            "result 0 warm", "result 1 dry", "model", "ended completed",
        ];
        assert_eq!(activity(&chat).await, expected);
        assert_eq!(house.tools.calls_open(), 0);
        assert_eq!(house.local.turns_running(), Some(0));
        assert_sound(&chat).await;
    }

    /// Issue 3: results in call order, whichever finished first. What counts is what the model was
    /// sent, in this turn, in the next one and after a restart.
    async fn results_reach_the_model_in_the_order_of_the_calls(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let calls = ["x", "y", "z"].map(|which| asked("look", which));
        let prompt = house.begin_calls(&chat, "hello", calls).await;
        for which in ["z", "x", "y"] {
            let call = house.running(which).await;
            call.result(which);
            within(call.dropped()).await;
            settle().await;
        }
        let log = activity(&chat).await;
        assert_eq!(log[5..8], ["result 2 z", "result 0 x", "result 1 y"], "as they came");
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request()), ["x", "y", "z"]);
        model.text("done").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        let (_, model) = house.begin(&chat, "again").await;
        let told = said(model.request());
        assert_eq!(told[2..5], ["tool: x", "tool: y", "tool: z"]);
        house.local.shutdown().await;
        let second = house.reopened().await;
        let chat = second.world.chat("a").unwrap();
        let (_, model) = second.begin(&chat, "once more").await;
        assert_eq!(said(model.request())[..5], told[..5]);
    }

    /// REQ-4, REQ-5; acceptance: A's tool activity is never rendered in B, nor B's in A, though
    /// both use the same tool at the same moment.
    async fn tool_activity_stays_in_the_chat_whose_model_asked(house in world_of_tools()) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let (mut seen_a, mut seen_b) = (watch(&a).await, watch(&b).await);
        let in_a = house.begin_calls(&a, "to a", [asked("look", "alpha")]).await;
        let in_b = house.begin_calls(&b, "to b", [asked("look", "beta")]).await;
        let (alpha, beta) = (house.running("alpha").await, house.running("beta").await);
        assert_eq!(house.tools.calls_open(), 2, "both run at the same moment");
        for n in 0..5 {
            alpha.output(format!("alpha {n} ")).progress(json!({ "alpha": n })).drained().await;
            beta.output(format!("beta {n} ")).progress(json!({ "beta": n })).drained().await;
        }
        beta.result("beta found");
        let model_b = house.call_for("to b").await;
        assert_eq!(answers(model_b.request()), ["beta found"]);
        alpha.fail("alpha is lost");
        let model_a = house.call_for("to a").await;
        assert_eq!(answers(model_a.request()), ["tool_failed: alpha is lost"]);
        model_a.text("sorry").finish();
        model_b.text("here").finish();
        assert_eq!(seen_a.until_outcome(&in_a).await, PromptOutcome::Completed);
        assert_eq!(seen_b.until_outcome(&in_b).await, PromptOutcome::Completed);
        for (seen, own, other) in [(&seen_a, "alpha", "beta"), (&seen_b, "beta", "alpha")] {
            let text = format!("{:?}", seen.notices);
            assert!(text.contains(own) && !text.contains(other), "{text}");
        }
        assert!(seen_a.saw_only(&a) && seen_b.saw_only(&b));
        assert_sound(&a).await;
        assert_sound(&b).await;
    }

    /// Issue 3: what is wrong with arguments goes back to the model, which can mend it.
    async fn a_model_hears_what_is_wrong_with_a_call_and_mends_it(house in world_of_tools()) {
        let mut strict = tools::spec("strict").kind(polychat::tool::ToolKind::Read);
        strict.schema = json!({ "type": "object", "required": ["which"] });
        house.tools.put(strict);
        let chat = house.chat("a").await;
        let calls = [
            tools::asks("strict", json!({ "what": 1 })),
            tools::asks("strict", json!("no object")),
            asked("nowhere", "x"),
        ];
        let prompt = house.begin_calls(&chat, "hello", calls).await;
        let model = house.call_for("hello").await;
        let heard = answers(model.request());
        assert!(heard[0].starts_with("invalid_arguments: ") && heard[0].contains("which"), "{heard:?}");
        assert!(heard[1].starts_with("invalid_arguments: "), "{heard:?}");
        assert!(heard[2].starts_with("unknown_tool: ") && heard[2].contains("nowhere"), "{heard:?}");
        assert_eq!(house.tools.calls_seen(), 0, "nothing of that reached a tool");
        model.tool_call(asked("strict", "mended")).finish();
        house.running("mended").await.result("well");
        let model = house.call_for("hello").await;
        assert_eq!(answers(model.request())[3], "well");
        model.text("done").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        let log = activity(&chat).await;
        assert_eq!((count(&log, "start"), count(&log, "error"), count(&log, "result")), (1, 3, 1));
        assert_sound(&chat).await;
    }

    /// Issue 3: a prompt that steers joins at the next step, behind the results.
    async fn a_steering_prompt_joins_after_the_calls_have_ended(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
        let call = house.running("x").await;
        let steer = chat.prompt("rather this").steer().await.unwrap();
        house.no_further_call().await;
        assert!(!call.is_dropped(), "steering stops nothing");
        call.result("found");
        let model = house.call_for("rather this").await;
        let expected = ["user: hello", "assistant: ", "tool: found", "user: rather this"];
        assert_eq!(said(model.request()), expected);
        model.text("yes").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(outcome(&steer).await, PromptOutcome::Completed);
        let log = activity(&chat).await;
        assert_eq!(log[2..6], ["start 0", "result 0 found", "joined", "model"]);
        assert_sound(&chat).await;
    }
}

// law 1; design: the next tool starts only after the recorded event before it is acknowledged
#[tokio::test(start_paused = true)]
async fn a_tool_is_called_only_once_its_start_is_stored_and_acknowledged() {
    for after in [false, true] {
        let house = world_of_tools().open().await;
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (_, model) = house.begin(&chat, "hello").await;
        seen.until_event("message.start").await;
        let gate = Gate::closed();
        let fault =
            if after { Fault::HangAfter(gate.clone()) } else { Fault::HangBefore(gate.clone()) };
        house.faults.for_chat(chat.id()).next(Call::Append, 1, fault);
        model.tool_call(asked("look", "x")).finish();
        gate.arrived(1).await;
        settle().await;
        assert_eq!(house.tools.calls_seen(), 0, "after: {after}");
        seen.drain().await;
        assert!(!seen.names().contains(&"tool.start"), "nor was it shown");
        gate.open();
        house.running("x").await;
        seen.until_event("tool.start").await;
    }
}

// law 7: tool_calls_parallel_max
#[tokio::test(start_paused = true)]
async fn never_more_calls_run_at_once_than_the_limit_and_all_of_them_run() {
    let house = world_of_tools().limits(|limits| limits.tool_calls_parallel_max = 2).open().await;
    let chat = house.chat("a").await;
    let calls = (0..9).map(|n| asked("look", &n.to_string()));
    let prompt = house.begin_calls(&chat, "hello", calls).await;
    for n in 0..9 {
        let call = house.running(&n.to_string()).await;
        settle().await;
        let expected = (2.min(9 - n), (n + 2).min(9));
        assert_eq!((house.tools.calls_open(), house.tools.calls_seen()), expected, "{n}");
        call.result(format!("{n}!"));
    }
    assert_eq!(house.tools.calls_at_once(), 2);
    let model = house.call_for("hello").await;
    assert_eq!(answers(model.request()), (0..9).map(|n| format!("{n}!")).collect::<Vec<_>>());
    model.finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

// law 7: calls of one chat do not count against another's limit
#[tokio::test(start_paused = true)]
async fn the_limit_on_parallel_calls_is_each_steps_own() {
    let house = world_of_tools().limits(|limits| limits.tool_calls_parallel_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    house.begin_calls(&a, "to a", [asked("look", "a1"), asked("look", "a2")]).await;
    house.begin_calls(&b, "to b", [asked("look", "b1"), asked("look", "b2")]).await;
    let (_a1, b1) = (house.running("a1").await, house.running("b1").await);
    b1.result("done");
    house.running("b2").await.result("done");
    house.answer("to b", "fine").await;
    settle().await;
    assert_eq!(house.tools.calls_seen(), 3, "a2 still waits for a1");
    assert_sound(&b).await;
}

// law 7: steps_max
#[tokio::test(start_paused = true)]
async fn a_model_that_always_asks_for_more_ends_at_the_limit_of_steps() {
    let house = world_of_tools().limits(|limits| limits.steps_max = 3).open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "1")]).await;
    for step in 2..=3 {
        house.running(&(step - 1).to_string()).await.result("more");
        let model = house.call_for("hello").await;
        model.tool_call(asked("look", &step.to_string())).finish();
    }
    house.running("3").await.result("more");
    assert_eq!(failure(&prompt).await.kind, FailureKind::StepsLimit);
    house.no_further_call().await;
    assert_eq!((house.script.calls_seen(), house.tools.calls_seen()), (3, 3));
    house.turn(&chat, "the next turn begins anew", "it does").await;
    assert_sound(&chat).await;
}

// law 7: tool_calls_per_step_max
#[tokio::test(start_paused = true)]
async fn a_model_that_asks_for_too_many_calls_at_once_fails_its_turn_and_runs_none() {
    let house = world_of_tools().limits(|limits| limits.tool_calls_per_step_max = 3).open().await;
    let chat = house.chat("a").await;
    let calls = (0..4).map(|n| asked("look", &n.to_string()));
    let prompt = house.begin_calls(&chat, "hello", calls).await;
    assert_eq!(failure(&prompt).await.kind, FailureKind::InvalidResponse);
    assert_eq!(house.tools.calls_seen(), 0);
    let calls = (0..3).map(|n| asked("look", &n.to_string()));
    house.begin_calls(&chat, "again", calls).await;
    house.running("2").await;
    settle().await;
    assert_eq!(house.tools.calls_seen(), 3);
}

// issue 3: an agent has the tools that it was given, and no others
#[tokio::test(start_paused = true)]
async fn a_model_is_offered_the_tools_of_its_agent_and_may_call_no_others() {
    let house = world_of_tools().open().await;
    let name = AgentName::new("modest").unwrap();
    let modest = AgentConfig::new(name.clone(), ModelName::new("assistant").unwrap());
    let only = ToolSelection::Only(vec!["ask".into(), "look".into(), "gone".into()]);
    house.world.put_agent(modest.tools(only.clone())).await.unwrap();
    let chat = house.chat("a").await;
    let prompt = chat.prompt("hello").agent(name).await.unwrap();
    let model = house.call_for("hello").await;
    let offered: Vec<_> = model.request().tools.iter().map(|spec| &*spec.name).collect();
    assert_eq!(offered, ["ask", "look"]);
    assert_eq!(house.tools.prepared(), [only]);
    model.tool_call(asked("act", "x")).finish();
    let model = house.call_for("hello").await;
    assert!(answers(model.request())[0].starts_with("unknown_tool: "));
    assert!(pending(&chat).await.is_empty(), "nobody is asked about it");
    model.finish();
    outcome(&prompt).await;
    let (_, model) = house.begin(&chat, "the default agent").await;
    assert_eq!(model.request().tools.len(), 3);
}

// issue 3: what the model says beside its calls is an answer like any other
#[tokio::test(start_paused = true)]
async fn texts_of_all_steps_are_messages_of_the_chat() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, model) = house.begin(&chat, "hello").await;
    model.text("I look").tool_call(asked("look", "x")).finish();
    house.running("x").await.result("blue");
    house.answer("hello", "it is blue").await;
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(within(prompt.answer()).await.unwrap(), "it is blue");
    let spoken: Vec<_> = messages(&chat).await;
    // The result of the tool is a message too; this list calls whoever is no user an assistant.
    assert_eq!(
        spoken,
        ["user: hello", "assistant: I look", "assistant: blue", "assistant: it is blue"]
    );
    assert_eq!(seen.chunks(), "I lookit is blue");
}

// issue 3: tools that go while a turn runs are missed, not waited for
#[tokio::test(start_paused = true)]
async fn a_tool_that_is_taken_away_ends_its_waiting_calls_and_not_its_running_ones() {
    let house = world_of_tools().limits(|limits| limits.tool_calls_parallel_max = 1).open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let call = house.running("x").await;
    house.tools.remove("look");
    call.result("still here");
    let model = house.call_for("hello").await;
    let heard = answers(model.request());
    assert_eq!(heard[0], "still here");
    assert!(heard[1].starts_with("unknown_tool: "), "{heard:?}");
    let offered: Vec<_> = model.request().tools.iter().map(|spec| &*spec.name).collect();
    assert_eq!(offered, ["act", "ask"], "the next step is told what there is now");
    model.finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

// issue 3: what the provider said goes back to it as it was
#[tokio::test(start_paused = true)]
async fn a_models_own_calls_and_signatures_come_back_to_it_unchanged() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let (_, model) = house.begin(&chat, "hello").await;
    let mut call = asked("look", "x");
    call.provider_call_id = Some("call_7".into());
    let signature = Part::Opaque { provider: "p".into(), data: json!({ "signature": "abc" }) };
    model.reasoning("hm").step(Step::opaque(signature.clone())).text("I look");
    model.tool_call(call.clone()).finish();
    house.running("x").await.result("found");
    let model = house.call_for("hello").await;
    let message = &model.request().messages[1];
    assert_eq!(message.parts, [Part::text("I look"), signature]);
    let Role::Assistant { tool_calls, reasoning, .. } = &message.role else {
        panic!("{message:?}")
    };
    assert_eq!((tool_calls, &**reasoning), (&vec![call], "hm"));
    let Role::Tool { tool_call_id } = &model.request().messages[2].role else { panic!() };
    assert_eq!((tool_call_id.message, tool_call_id.index), (message.id, 0));
}

/// Panics unless each result in a request stands behind the message that asked for it, and each
/// call that was asked for has its result.
fn assert_paired(request: &ModelRequest) {
    let mut open = Vec::new();
    for message in &request.messages {
        match &message.role {
            Role::Tool { tool_call_id } => assert_eq!(open.remove(0), tool_call_id.index),
            Role::Assistant { tool_calls, .. } => {
                assert!(open.is_empty(), "{open:?}");
                open.extend((0..=u16::MAX).take(tool_calls.len()));
            }
            _ => assert!(open.is_empty(), "{open:?}"),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

// issue 3: the oldest turns are left out whole, the pairing of calls with results is kept
#[tokio::test(start_paused = true)]
async fn however_little_history_a_model_receives_its_calls_keep_their_results() {
    let house = world_of_tools().open().await;
    let mut settings = polychat::agent::WorldSettings::default();
    settings.context_bytes_max = 400;
    house.world.update(settings).await.unwrap();
    let chat = house.chat("a").await;
    let mut lengths = Vec::new();
    for n in 0..8 {
        let text = format!("turn {n}");
        let calls = (0..=n % 3).map(|which| asked("look", &format!("{n}/{which}")));
        let prompt = house.begin_calls(&chat, &text, calls).await;
        for which in (0..=n % 3).rev() {
            house.running(&format!("{n}/{which}")).await.result("~".repeat(40));
            settle().await;
        }
        let model = house.call_for(&text).await;
        assert_paired(model.request());
        assert!(model.request().messages[0].is_user(), "turns are left out whole");
        lengths.push(model.request().messages.len());
        model.text("answered").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    }
    assert!(lengths.iter().all(|length| *length < 20), "something was left out: {lengths:?}");
    assert!(lengths[3..].iter().any(|length| *length > 5), "and not everything: {lengths:?}");
    assert_sound(&chat).await;
}

// issue 3: a fork keeps the pairing too
#[tokio::test(start_paused = true)]
async fn a_fork_keeps_calls_and_results_in_their_order() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    house.running("y").await.result("second");
    settle().await;
    house.running("x").await.fail("first failed");
    house.answer("hello", "done").await;
    outcome(&prompt).await;
    let last = chat.snapshot().await.unwrap().messages.last().unwrap().id;
    let fork = chat.fork(last, polychat::command::NewChat::new()).await.unwrap();
    let (_, model) = house.begin(&fork, "to the fork").await;
    assert_paired(model.request());
    assert_eq!(answers(model.request()), ["tool_failed: first failed", "second"]);
    assert_eq!(house.tools.calls_seen(), 2, "copied calls are not run");
}
