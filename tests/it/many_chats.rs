//! Many chats at once in one world: the requirement's own words, in process and on the wire.

use polychat::{PromptOutcome, StartAt, StatusKind, StreamExt};

use crate::{
    at_both_doors,
    support::{House, Watcher, WorldWatcher, assert_sound, messages, outcome, said, watch, within},
};

at_both_doors! {
    /// REQ-1, REQ-6, REQ-7, REQ-15; acceptance: send in A, switch to B, send in B before A
    /// completes.
    async fn a_prompt_in_b_starts_and_ends_while_a_is_still_answering(house) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let (in_a, call_a) = house.begin(&a, "to a").await;
        call_a.text("half of a").drained().await;
        // Switching is dropping one subscription and opening another; the world has no word for it.
        let seen_a = watch(&a).await;
        drop(seen_a);
        let _seen_b = watch(&b).await;
        let (in_b, call_b) = house.begin(&b, "to b").await;
        assert_eq!(house.local.turns_running(), Some(2), "both turns run at the same moment");
        call_b.text("all of b").finish();
        assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
        assert!(!call_a.is_dropped(), "nothing that happened in b touched a");
        call_a.text(", and the rest").finish();
        assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
        assert_eq!(messages(&a).await, ["user: to a", "assistant: half of a, and the rest"]);
        assert_eq!(messages(&b).await, ["user: to b", "assistant: all of b"]);
        assert_sound(&a).await;
        assert_sound(&b).await;
    }

    /// REQ-2, REQ-14, NFR-1; acceptance: A and B each answer from their own history. What counts is
    /// what the model was sent.
    async fn each_model_request_holds_the_history_of_its_own_chat_and_nothing_else(house) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let (first_a, call_a) = house.begin(&a, "my name is Ada").await;
        let (first_b, call_b) = house.begin(&b, "my name is Bob").await;
        call_b.text("hello Bob").finish();
        call_a.text("hello Ada").finish();
        outcome(&first_a).await;
        outcome(&first_b).await;
        let ask_a = a.prompt("what is my name, a?").await.unwrap();
        let ask_b = b.prompt("what is my name, b?").await.unwrap();
        let call_b = house.call_for("what is my name, b?").await;
        let call_a = house.call_for("what is my name, a?").await;
        let own_a = ["user: my name is Ada", "assistant: hello Ada", "user: what is my name, a?"];
        let own_b = ["user: my name is Bob", "assistant: hello Bob", "user: what is my name, b?"];
        assert_eq!(said(call_a.request()), own_a);
        assert_eq!(said(call_b.request()), own_b);
        call_a.text("Ada").finish();
        call_b.text("Bob").finish();
        assert_eq!(within(ask_a.answer()).await.unwrap(), "Ada");
        assert_eq!(within(ask_b.answer()).await.unwrap(), "Bob");
    }

    /// REQ-3, REQ-5, REQ-10; acceptance: A's streaming output is never rendered in B, nor B's in A.
    async fn streaming_is_delivered_to_the_watchers_of_its_own_chat_only(house) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let (mut seen_a, mut seen_b) = (watch(&a).await, watch(&b).await);
        let mut also_a = watch(&a).await;
        let (_, call_a) = house.begin(&a, "to a").await;
        let (_, call_b) = house.begin(&b, "to b").await;
        for n in 0..20 {
            call_a.text(format!("alpha{n} "));
            call_b.text(format!("beta{n} "));
            call_a.drained().await;
            call_b.drained().await;
        }
        call_a.reasoning("alpha thinks").finish();
        call_b.reasoning("beta thinks").finish();
        seen_a.until_event("turn.ended").await;
        also_a.until_event("turn.ended").await;
        seen_b.until_event("turn.ended").await;
        assert!(seen_a.saw("alpha19") && seen_b.saw("beta19"));
        assert!(seen_a.saw_only(&a) && also_a.saw_only(&a) && seen_b.saw_only(&b));
        assert!(!seen_a.saw("beta") && !also_a.saw("beta") && !seen_b.saw("alpha"));
        assert_eq!(seen_a.view, also_a.view);
    }

    /// REQ-6, NFR-2; acceptance: switching during in-flight processing corrupts neither routing nor
    /// ownership; all of it still holds after repeated rapid switching and sending.
    async fn rapid_switching_and_sending_keeps_every_chat_whole(house) {
        let names = ["a", "b", "c", "d"];
        let mut chats = Vec::new();
        for name in names {
            chats.push(house.chat(name).await);
        }
        let mut prompts = Vec::new();
        let mut selected: Option<Watcher> = None;
        for round in 0..12 {
            for (name, chat) in names.iter().zip(&chats) {
                drop(selected.take());
                let start = if round % 2 == 0 { StartAt::Start } else { StartAt::Now };
                let watcher = within(chat.subscribe(start)).await.unwrap();
                drop(watcher);
                selected = Some(watch(chat).await);
                prompts.push(chat.prompt(format!("{name} {round}")).await.unwrap());
            }
        }
        for round in 0..12 {
            for name in names.iter().rev() {
                let call = house.call_for(&format!("{name} {round}")).await;
                let own = said(call.request());
                assert_eq!(own.len(), 2 * round + 1, "each sees all of its own past");
                assert!(own.iter().all(|line| line.contains(&format!(": {name}"))), "{own:?}");
                call.text(format!("{name} answers {round}")).finish();
            }
        }
        for prompt in &prompts {
            assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
        }
        for (name, chat) in names.iter().zip(&chats) {
            let expected: Vec<String> = (0..12)
                .flat_map(|n| [format!("user: {name} {n}"), format!("assistant: {name} answers {n}")])
                .collect();
            assert_eq!(messages(chat).await, expected);
            assert_sound(chat).await;
        }
    }

    /// REQ-7, REQ-8, NFR-3; acceptance: per-chat send and busy state stays accurate for every
    /// active chat.
    async fn busy_is_each_chats_own_and_says_which_turn(house) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let mut feed = WorldWatcher::new(&house.world).await;
        let (_, call_a) = house.begin(&a, "to a").await;
        let running_a = feed.until_status(&a, StatusKind::Running).await;
        assert!(running_a.turn_id.is_some());
        assert_eq!(within(b.snapshot()).await.unwrap().status.kind, StatusKind::Idle);
        let (_, call_b) = house.begin(&b, "to b").await;
        let running_b = feed.until_status(&b, StatusKind::Running).await;
        let _waits = a.prompt("a waits").await.unwrap();
        let status = within(a.snapshot()).await.unwrap().status;
        assert_eq!((status.kind, status.queued), (StatusKind::Running, 1));
        assert_eq!(status.turn_id, running_a.turn_id);
        // A's end says nothing about B, nor B's about A.
        call_a.text("done").finish();
        house.call_for("a waits").await.text("done too").finish();
        feed.until_status(&a, StatusKind::Idle).await;
        let status = within(b.snapshot()).await.unwrap().status;
        assert_eq!((status.kind, status.turn_id), (StatusKind::Running, running_b.turn_id));
        call_b.text("done").finish();
        let idle = feed.until_status(&b, StatusKind::Idle).await;
        assert_eq!(idle.turn_id, None);
    }

    /// REQ-11; acceptance: an error in one chat neither blocks nor ends processing in another.
    async fn errors_panics_and_hangs_of_one_chat_leave_the_others_alone(house) {
        let [a, b, c, d] =
            [house.chat("a").await, house.chat("b").await, house.chat("c").await, house.chat("d").await];
        let (in_a, call_a) = house.begin(&a, "to a").await;
        let (in_b, call_b) = house.begin(&b, "to b").await;
        let (in_c, call_c) = house.begin(&c, "to c").await;
        let (_in_d, _hangs) = house.begin(&d, "to d").await;
        call_a.text("half").drained().await;
        call_b.text("half").fail(polychat::ports::ModelError::new(
            polychat::ports::ModelErrorKind::Refused,
            "no",
        ));
        call_c.text("half").panic("on purpose");
        assert_eq!(outcome(&in_b).await.as_str(), "failed");
        assert_eq!(outcome(&in_c).await.as_str(), "failed");
        call_a.text(" and half").finish();
        assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
        assert_eq!(messages(&a).await, ["user: to a", "assistant: half and half"]);
        // The chats that failed take prompts as before.
        house.turn(&b, "b again", "fine").await;
        house.turn(&c, "c again", "fine").await;
        assert_sound(&b).await;
        assert_sound(&c).await;
    }

    /// REQ-12.
    async fn closing_and_deleting_chats_leaves_a_running_turn_elsewhere_alone(house) {
        let [a, b, c] = [house.chat("a").await, house.chat("b").await, house.chat("c").await];
        let (in_a, call_a) = house.begin(&a, "to a").await;
        let (in_b, call_b) = house.begin(&b, "to b").await;
        let (in_c, call_c) = house.begin(&c, "to c").await;
        let mut seen_a = watch(&a).await;
        within(b.close()).await.unwrap();
        within(c.delete()).await.unwrap();
        within(call_b.dropped()).await;
        within(call_c.dropped()).await;
        assert_eq!(outcome(&in_b).await, PromptOutcome::Cancelled);
        assert!(within(in_c.outcome()).await.is_err(), "its log is gone");
        assert!(!call_a.is_dropped());
        call_a.text("untouched").finish();
        assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
        seen_a.until_event("turn.ended").await;
        assert_eq!(seen_a.chunks(), "untouched");
    }

    /// REQ-4, REQ-5; acceptance: A's tool activity is never rendered in B. Tools that run come with
    /// the tools' crate; a call of an unknown tool goes the same way through log and feed.
    async fn tool_events_appear_in_the_chat_whose_model_asked(house) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let (mut seen_a, mut seen_b) = (watch(&a).await, watch(&b).await);
        let (in_a, call_a) = house.begin(&a, "to a").await;
        let (in_b, call_b) = house.begin(&b, "to b").await;
        let call = polychat::tool::ToolCall {
            name: "nowhere".into(),
            arguments: serde_json::json!({"secret": "alpha"}),
            provider_call_id: None,
        };
        call_a.tool_call(call).finish();
        let second = house.call_for("to a").await;
        let results = second.request().messages.iter().filter(|m| !m.is_user() && !m.is_assistant());
        assert_eq!(results.count(), 1, "the model learns how its call ended");
        second.text("sorry").finish();
        call_b.text("calm").finish();
        assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
        assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
        seen_a.until_event("turn.ended").await;
        seen_b.until_event("turn.ended").await;
        assert_eq!(seen_a.names().iter().filter(|name| **name == "tool.error").count(), 1);
        assert!(!seen_b.names().iter().any(|name| name.starts_with("tool.")));
        assert!(!seen_b.saw("alpha") && !seen_b.saw("nowhere"));
        assert_sound(&a).await;
    }

    /// REQ-10, NFR-2.
    async fn dropping_one_subscription_of_many_neither_ends_nor_re_routes_the_others(house) {
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let (mut stays_a, mut stays_b) = (watch(&a).await, watch(&b).await);
        let (_, call_a) = house.begin(&a, "to a").await;
        let (_, call_b) = house.begin(&b, "to b").await;
        for n in 0..10 {
            let goes = (watch(&a).await, watch(&b).await);
            call_a.text(format!("{n}a"));
            call_b.text(format!("{n}b"));
            drop(goes);
        }
        call_a.finish();
        call_b.finish();
        stays_a.until_event("turn.ended").await;
        stays_b.until_event("turn.ended").await;
        assert_eq!(stays_a.chunks(), "0a1a2a3a4a5a6a7a8a9a");
        assert_eq!(stays_b.chunks(), "0b1b2b3b4b5b6b7b8b9b");
    }

    /// NFR-5, the constraint on message order: one chat used like before behaves like before.
    async fn a_single_chat_answers_prompt_after_prompt_in_order(house) {
        let chat = house.chat("only").await;
        for n in 1..=5 {
            house.turn(&chat, &format!("question {n}"), &format!("answer {n}")).await;
        }
        let lines = messages(&chat).await;
        let expected: Vec<String> = (1..=5)
            .flat_map(|n| [format!("user: question {n}"), format!("assistant: answer {n}")])
            .collect();
        assert_eq!(lines, expected);
        assert_sound(&chat).await;
    }
}

/// REQ-15: our bar is thousands; five hundred are in flight at the same moment here, and the canary
/// run takes it further.
#[tokio::test(start_paused = true)]
async fn five_hundred_chats_answer_at_the_same_moment_without_leakage() {
    let house = crate::support::house().open().await;
    let mut running = Vec::new();
    for n in 0..500 {
        let chat = house.chat(&format!("chat {n:03}")).await;
        let (prompt, call) = house.begin(&chat, &format!("I am {n:03}.")).await;
        running.push((n, chat, prompt, call));
    }
    assert_eq!(house.local.turns_running(), Some(500));
    for (n, _, _, call) in &running {
        assert_eq!(said(call.request()), [format!("user: I am {n:03}.")]);
        call.text(format!("You are {n:03}.")).finish();
    }
    for (n, chat, prompt, _) in &running {
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
        let expected = [format!("user: I am {n:03}."), format!("assistant: You are {n:03}.")];
        assert_eq!(messages(chat).await, expected);
    }
}

/// REQ-1, REQ-15, NFR-1: the same where tasks really run in parallel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_on_several_threads_keep_their_own_histories() {
    let house: House = crate::support::house().open().await;
    let mut tasks = Vec::new();
    for n in 0..16 {
        let (world, script) = (house.world.clone(), house.script.clone());
        tasks.push(tokio::spawn(async move {
            let chat = world.open_chat(format!("chat {n}")).await.unwrap();
            for turn in 0..10 {
                let prompt = chat.prompt(format!("{n}/{turn}")).await.unwrap();
                let call = script.call_for(&format!("{n}/{turn}")).await;
                let own = said(call.request());
                assert_eq!(own.len(), 2 * turn + 1);
                assert!(own.iter().all(|line| line.contains(&format!(": {n}/"))), "{own:?}");
                call.text(format!("{n}/{turn}!")).finish();
                assert_eq!(prompt.outcome().await.unwrap(), PromptOutcome::Completed);
            }
            chat
        }));
    }
    for task in tasks {
        assert_sound(&task.await.unwrap()).await;
    }
}

/// Always has a word ready, and never lets anybody else run by itself.
struct Chatterbox;

impl polychat::ports::Model for Chatterbox {
    fn stream(&self, request: polychat::ports::ModelRequest) -> polychat::ports::ModelStream {
        use polychat::ports::ModelDelta;
        let said = request.messages.last().map(|message| message.text()).unwrap_or_default();
        let word = move || Ok(ModelDelta::Text("x".to_owned()));
        match said.as_str() {
            "chatter" => Box::pin(futures_util::stream::repeat_with(word)),
            _ => Box::pin(futures_util::stream::repeat_with(word).take(3)),
        }
    }
}

// law 6, traps: a stream that is always ready and a mutex never yield
#[tokio::test]
async fn models_that_are_always_ready_keep_nobody_from_running_on_the_only_thread() {
    let world = polychat::WorldBuilder::new("w", Chatterbox).open().await.unwrap();
    let mut loud = Vec::new();
    for name in ["loud", "louder"] {
        let chat = world.open_chat(name).await.unwrap();
        chat.prompt("chatter").await.unwrap();
        loud.push(chat);
    }
    let calm = world.open_chat("calm").await.unwrap();
    assert_eq!(calm.prompt("a word").await.unwrap().answer().await.unwrap(), "xxx");
    for chat in loud {
        // They were not waited for: neither has come to its output limit.
        assert_eq!(chat.snapshot().await.unwrap().status.kind, polychat::StatusKind::Running);
        chat.cancel().await.unwrap();
    }
}
