//! Host context (issue 3): what an embedder attached reaches its own models and tools untouched, is
//! resolved anew for each call, and appears nowhere else.

mod keys;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use polychat::{
    Chat, FailureKind, Metadata, PromptHandle, PromptOutcome, command::NewChat, ports::ToolInput,
};
use serde_json::json;
use tokio::time::Instant;

use self::keys::{Conduct, Keys, State, chat_of, seen, world_of_keys};
use crate::{
    at_both_doors,
    support::{
        House, WorldWatcher, activity, answers, asked, assert_sound, chat_id, code, failure, field,
        messages, outcome, pass, settle, within, world_of_tools,
    },
};

const SECOND: Duration = Duration::from_secs(1);

at_both_doors! {
    /// Issue 3: it reaches models and tools, each chat's own and each prompt's own.
    async fn models_and_tools_get_the_context_of_their_own_chat_and_prompt(
        house in world_of_keys(&Keys::default())
    ) {
        let (a, b) = (chat_of(&house, "a", "ada").await, chat_of(&house, "b", "bob").await);
        let mut keys = Vec::new();
        for (chat, tenant, text, folder) in [
            (&a, "ada", "a1", Some("/a/1")),
            (&b, "bob", "b1", Some("/b/1")),
            (&a, "ada", "a2", None),
            (&b, "bob", "b2", Some("/b/2")),
        ] {
            let mut request = chat.prompt(text);
            if let Some(folder) = folder {
                request = request.context(field("folder", folder));
            }
            let prompt = request.await.unwrap();
            let model = house.call_for(text).await;
            let mut of_model = seen(&model.request().context);
            model.tool_call(asked("look", text)).finish();
            let tool = house.running(text).await;
            let mut of_tool = seen(tool.context());
            tool.result("done");
            house.answer(text, "done").await;
            assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
            for of in [&mut of_model, &mut of_tool] {
                keys.push(std::mem::take(&mut of[3]));
                assert_eq!(*of, [tenant, folder.unwrap_or("-"), "ours", ""], "{text}");
            }
        }
        assert!(keys[..2].iter().all(|key| key.starts_with("key of ada")), "{keys:?}");
        assert!(keys[2..4].iter().all(|key| key.starts_with("key of bob")), "{keys:?}");
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), 8, "each call has a key of its own: {keys:?}");
    }

    /// Issue 3: it is bounded JSON, given back as it came.
    async fn the_stored_part_is_any_bounded_json_and_comes_back_untouched(house in world_of_tools()) {
        let odd = json!({
            "": null, "ß": ["\u{0}", -0.5, 18_446_744_073_709_551_615_u64, {}, []], "tenant": {"a": {"b": [1]}},
        });
        let context: Metadata = serde_json::from_value(odd.clone()).unwrap();
        let new = NewChat::with_id(chat_id("a")).context(context.clone());
        let chat = house.world.create_chat(new).await.unwrap();
        chat.prompt("hello").context(context.clone()).await.unwrap();
        let model = house.call_for("hello").await;
        model.tool_call(asked("look", "x")).finish();
        let tool = house.running("x").await;
        for given in [&model.request().context, tool.context()] {
            assert_eq!((&given.chat, &given.prompt), (&context, &context));
            assert_eq!(serde_json::to_value(&given.chat).unwrap(), odd);
            assert!(given.handle.is_none() && given.resolved.is_none());
        }
    }

    /// law 7: metadata_bytes_max.
    async fn a_stored_part_that_is_too_large_is_refused(
        house in world_of_tools().limits(|limits| limits.metadata_bytes_max = 1_000)
    ) {
        let largest = |bytes: usize| {
            // What JSON adds around one field of one letter.
            let around = field("x", "").bytes();
            field("x", "y".repeat(bytes - around))
        };
        let (fits, too_large) = (largest(1_000), largest(1_001));
        let new = NewChat::with_id(chat_id("a"));
        let refused = house.world.create_chat(new.clone().context(too_large.clone())).await;
        assert_eq!(code(refused), "too_large");
        let chat = house.world.create_chat(new.context(fits.clone())).await.unwrap();
        assert_eq!(code(chat.prompt("hello").context(too_large).await), "too_large");
        chat.prompt("hello").context(fits.clone()).await.unwrap();
        assert_eq!(house.call_for("hello").await.request().context.prompt, fits);
    }
}

// issue 3: the provider is told what it needs, for each call anew
#[tokio::test(start_paused = true)]
async fn the_provider_is_asked_right_before_each_call_and_told_for_which() {
    let keys = Keys::default();
    let house = world_of_keys(&keys).open().await;
    let chat = chat_of(&house, "a", "ada").await;
    let prompt = chat.prompt("hello").context(field("folder", "/a")).await.unwrap();
    let model = house.call_for("hello").await;
    model.tool_call(asked("look", "x")).tool_call(asked("act", "y")).finish();
    house.running("x").await.result("done");
    settle().await;
    let expected = ["a model assistant", "a tool look"];
    assert_eq!(keys.callees(), expected, "not for a call that only waits");
    let call = crate::support::pending(&chat).await[0].tool_call_id;
    chat.decide(call, polychat::tool::ApprovalDecision::AllowOnce).await.unwrap();
    house.running("y").await.result("done");
    // An attempt that failed is made again, and asks again: the key may be another one by now.
    let model = house.call_for("hello").await;
    let first = seen(&model.request().context)[3].clone();
    use polychat::ports::{ModelError, ModelErrorKind};
    model.fail(ModelError::new(ModelErrorKind::Unavailable, "again").retryable());
    let model = house.call_for("hello").await;
    assert_ne!(seen(&model.request().context)[3], first);
    model.text("done").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let all = [
        "a model assistant",
        "a tool look",
        "a tool act",
        "a model assistant",
        "a model assistant",
    ];
    assert_eq!(keys.callees(), all);
    for request in keys.asked() {
        assert_eq!((request.world.as_str(), request.chat.as_str()), ("home", "a"));
        assert_eq!(request.chat_context, field("tenant", "ada"));
        assert_eq!(request.prompt_context, field("folder", "/a"));
    }
}

// issue 3: the prompt that began the turn says in which context it runs
#[tokio::test(start_paused = true)]
async fn a_prompt_that_joins_a_turn_does_not_change_its_context_and_a_retry_keeps_it() {
    let house = world_of_keys(&Keys::default()).open().await;
    let chat = chat_of(&house, "a", "ada").await;
    let folder = |model: &polychat_model::Call| seen(&model.request().context)[1].clone();
    chat.prompt("hello").context(field("folder", "/first")).await.unwrap();
    let model = house.call_for("hello").await;
    chat.prompt("and").context(field("folder", "/second")).steer().await.unwrap();
    model.tool_call(asked("look", "x")).finish();
    house.running("x").await.result("done");
    let model = house.call_for("and").await;
    assert_eq!(folder(&model), "/first");
    model.finish();
    settle().await;
    let snapshot = chat.snapshot().await.unwrap();
    let again = chat.retry(snapshot.messages[0].turn_id.unwrap()).await.unwrap();
    let model = house.call_for("hello").await;
    assert_eq!(folder(&model), "/first");
    model.finish();
    outcome(&again).await;
    let first = chat.snapshot().await.unwrap().messages[0].id;
    chat.revise(first, "rather this").await.unwrap();
    let model = house.call_for("rather this").await;
    assert_eq!(folder(&model), "-", "a new message has a context of its own");
    model.finish();
    settle().await;
    let first = chat.snapshot().await.unwrap().messages[0].id;
    let fork = chat.fork(first, NewChat::with_id(chat_id("fork"))).await.unwrap();
    fork.prompt("to the fork").await.unwrap();
    let model = house.call_for("to the fork").await;
    assert_eq!(
        seen(&model.request().context)[..2],
        ["ada", "-"],
        "the tenant stays, the folder not"
    );
}

// issue 3: … by a `ContextProvider`, also after a restart
#[tokio::test(start_paused = true)]
async fn after_a_restart_the_stored_part_is_there_and_the_rest_is_resolved_again() {
    let first_keys = Keys::default();
    let house = world_of_keys(&first_keys).open().await;
    let chat = chat_of(&house, "a", "ada").await;
    chat.prompt("hello").context(field("folder", "/a")).await.unwrap();
    house.call_for("hello").await.tool_call(asked("act", "x")).finish();
    settle().await;
    let queued = chat.prompt("queued").context(field("folder", "/b")).await.unwrap();
    within(house.local.shutdown()).await;
    let before = first_keys.asked().len();
    let keys = Keys::default();
    let builder = house.builder().context_provider(keys.clone()).handle(Arc::new(State("new")));
    let world = builder.open().await.unwrap();
    let chat = world.chat("a").unwrap();
    let call = crate::support::pending(&chat).await[0].tool_call_id;
    chat.decide(call, polychat::tool::ApprovalDecision::AllowOnce).await.unwrap();
    let tool = house.running("x").await;
    assert_eq!(seen(tool.context()), ["ada", "/a", "new", "key of ada no 0"]);
    tool.result("done");
    house.answer("hello", "done").await;
    let model = house.call_for("queued").await;
    assert_eq!(seen(&model.request().context), ["ada", "/b", "new", "key of ada no 2"]);
    model.finish();
    settle().await;
    drop(queued);
    assert_eq!(first_keys.asked().len(), before, "the provider of the first life was not asked");
    world.shutdown().await;
}

/// Lets the provider do this for the tools of one chat, whose turn is answered; what the model hears.
async fn with_tools(house: &House, keys: &Keys, conduct: Conduct) -> (Chat, PromptHandle, String) {
    let chat = chat_of(house, "a", "ada").await;
    keys.conduct(&chat, "tool", conduct);
    let other = chat_of(house, "b", "bob").await;
    let in_other = house.begin_calls(&other, "to b", [asked("look", "b")]).await;
    let calm = house.running("b").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let model = house.call_for("hello").await;
    let heard = answers(model.request()).remove(0);
    model.text("well").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(house.tools.calls_seen(), 1, "the tool itself was not called");
    calm.result("fine");
    house.answer("to b", "fine").await;
    assert_eq!(outcome(&in_other).await, PromptOutcome::Completed);
    (chat, prompt, heard)
}

// law 6: a provider that fails, hangs or panics for a tool costs that call
#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_answer_for_a_tool_ends_that_call_alone() {
    let no_no_no = format!("denied: {}", "no! ".repeat(512));
    for (conduct, expected) in [
        (Conduct::Rants, &*no_no_no),
        (Conduct::Fails, "denied: no key for you"),
        (Conduct::Hangs, "deadline: the tool took longer than 600s"),
        (Conduct::Panics, "panicked: the context provider panicked"),
    ] {
        let keys = Keys::default();
        let house = world_of_keys(&keys).open().await;
        let (chat, _, heard) = with_tools(&house, &keys, conduct).await;
        assert_eq!(heard, expected);
        let log = activity(&chat).await;
        assert_eq!(log.iter().filter(|line| line.starts_with("error 0")).count(), 1);
        assert_eq!(keys.hanging(), 0, "nobody asks any more");
        assert_sound(&chat).await;
    }
}

// law 6: … and for a model its turn
#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_answer_for_a_model_ends_its_turn_alone() {
    for (conduct, kind, after) in [
        (Conduct::Fails, FailureKind::Denied, 0),
        (Conduct::Hangs, FailureKind::NoProgress, 120),
        (Conduct::Panics, FailureKind::Panicked, 0),
        (Conduct::Rants, FailureKind::Denied, 0),
    ] {
        let keys = Keys::default();
        let house = world_of_keys(&keys).open().await;
        let (chat, other) = (chat_of(&house, "a", "ada").await, chat_of(&house, "b", "bob").await);
        keys.conduct(&chat, "model", conduct);
        let began = Instant::now();
        let prompt = chat.prompt("hello").await.unwrap();
        let ended = failure(&prompt).await;
        assert_eq!((ended.kind, began.elapsed().as_secs()), (kind, after));
        assert!(!ended.message.contains("secret") && ended.message.len() <= 2_048, "{ended:?}");
        assert_eq!((house.script.calls_seen(), keys.hanging()), (0, 0));
        house.turn(&other, "to b", "fine").await;
        keys.conduct(&chat, "model", Conduct::Nothing);
        let (_, model) = house.begin(&chat, "again").await;
        assert_eq!(seen(&model.request().context)[3], "-");
        model.finish();
        settle().await;
        assert_sound(&chat).await;
    }
}

// law 5: stopped while the provider thinks
#[tokio::test(start_paused = true)]
async fn a_turn_can_be_cancelled_while_its_context_is_resolved() {
    for callee in ["model", "tool"] {
        let keys = Keys::default();
        let house = world_of_keys(&keys).open().await;
        let chat = chat_of(&house, "a", "ada").await;
        keys.conduct(&chat, callee, Conduct::Hangs);
        let prompt = chat.prompt("hello").await.unwrap();
        if callee == "tool" {
            house.call_for("hello").await.tool_call(asked("look", "x")).finish();
        }
        settle().await;
        assert_eq!(keys.hanging(), 1);
        chat.cancel().await.unwrap();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
        settle().await;
        assert_eq!((keys.hanging(), house.local.turns_running()), (0, Some(0)));
        pass(1_000 * SECOND).await;
        assert_eq!(house.tools.calls_seen(), 0);
        assert_sound(&chat).await;
    }
}

/// All `tracing` records of this thread from here on, as text.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Records {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Records {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Records {
    fn keep() -> (Self, tracing::subscriber::DefaultGuard, tracing::Dispatch) {
        let records = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(records.clone())
            .finish();
        // With two subscribers in the process, every one is asked whether a record interests it.
        let second = tracing::Dispatch::new(tracing_subscriber::registry());
        (records, tracing::subscriber::set_default(subscriber), second)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

// issue 3: never logged, never sent to the model
#[tokio::test(start_paused = true)]
async fn context_appears_in_no_message_no_record_no_diagnostic_and_no_debug_output() {
    let (records, _guard, _second) = Records::keep();
    let keys = Keys::default();
    let house = world_of_keys(&keys).open().await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let new = NewChat::with_id(chat_id("a")).context(field("tenant", "secret tenant"));
    let chat = house.world.create_chat(new).await.unwrap();
    let secret = field("folder", "secret folder");
    let mut printed = String::new();
    for conduct in [None, Some(Conduct::Fails), Some(Conduct::Panics)] {
        if let Some(conduct) = conduct {
            keys.conduct(&chat, "tool", conduct);
        }
        let text = format!("hello {}", conduct.is_some());
        chat.prompt(&text).context(secret.clone()).await.unwrap();
        let model = house.call_for(&text).await;
        model.tool_call(asked("look", "x")).finish();
        if conduct.is_none() {
            let tool = house.running("x").await;
            let input = ToolInput::new(json!({}), tool.context().clone());
            printed += &format!("{tool:?} {input:?} {:?}", tool.context());
            tool.result("done");
        }
        let model = house.call_for(&text).await;
        printed += &format!("{:?}", model.request());
        model.text("done").finish();
        settle().await;
    }
    // A turn that fails over it tells operators.
    keys.conduct(&chat, "model", Conduct::Panics);
    let prompt = chat.prompt("fails").context(secret).await.unwrap();
    printed += &format!("{:?}", failure(&prompt).await);
    printed += &format!("{:?} {chat:?} {prompt:?}", keys.asked());
    printed += &messages(&chat).await.join("\n");
    printed += &activity(&chat).await.join("\n");
    feed.until_diagnostic("turn_failed").await;
    feed.drain().await;
    printed += &format!("{:?}", feed.notices);
    within(house.local.shutdown()).await;
    let records = records.text();
    assert!(records.contains("a tool panicked") || records.contains("turn ended"), "{records}");
    for (place, text) in [("records", records), ("printed", printed)] {
        for secret in ["secret", "key of"] {
            let found = text.find(secret).map(|at| &text[at.saturating_sub(200)..at + 20]);
            assert_eq!(found, None, "{place}");
        }
    }
}
