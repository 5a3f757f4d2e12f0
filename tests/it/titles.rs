//! Titles that a model proposes (issue 3): once, after the first completed turn, and never in
//! anybody's way.

use std::time::Duration;

use polychat::{
    Chat, ChatChange, Event, Limits, ModelErrorKind, PromptOutcome, StatusKind,
    agent::WorldSettings,
    command::NewChat,
    event::TitleProvenance,
    ports::ModelError,
    rules::{TITLE_INSTRUCTIONS, TITLE_OUTPUT_TOKENS_MAX},
};
use polychat_model::{Call, Step};
use polychat_testkit::faulty_store::{Call as StoreCall, Fault};

use crate::{
    at_both_doors,
    support::{
        House, Setup, WorldWatcher, asked, assert_sound, chat_id, code, field, house, log, outcome,
        pass, settle, watch, within, world_of_tools,
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// Lets the world want titles.
async fn want_titles(house: &House) {
    let mut settings = WorldSettings::default();
    settings.titles = true;
    house.world.update(settings).await.unwrap();
}

/// A world that wants titles.
async fn titled(setup: Setup) -> House {
    let house = setup.open().await;
    want_titles(&house).await;
    house
}

/// A chat whose first turn has completed, and the model's call for its title.
async fn named(house: &House, id: &str) -> (Chat, Call) {
    let chat = house.chat(id).await;
    house.turn(&chat, &format!("hello from {id}"), "hi").await;
    let call = title_call(house).await;
    assert!(said(&call).contains(&format!("hello from {id}")));
    (chat, call)
}

/// The model's next call, which is for a title.
async fn title_call(house: &House) -> Call {
    let call = within(house.script.next_call()).await;
    assert_eq!(&*call.request().system, TITLE_INSTRUCTIONS);
    call
}

/// What the call for a title quotes.
fn said(call: &Call) -> String {
    call.request().messages.iter().map(|message| message.text()).collect()
}

async fn title(chat: &Chat) -> (String, TitleProvenance) {
    let summary = within(chat.snapshot()).await.unwrap().summary;
    (summary.title.to_string(), summary.provenance)
}

fn untitled() -> (String, TitleProvenance) {
    (String::new(), TitleProvenance::Default)
}

fn auto(title: &str) -> (String, TitleProvenance) {
    (title.to_owned(), TitleProvenance::Auto)
}

at_both_doors! {
    /// Issue 3: set once, after the first completed turn; watchers and lists show it.
    async fn a_chat_gets_its_title_after_its_first_completed_turn_and_only_then(house in house()) {
        want_titles(&house).await;
        let chat = house.chat("a").await;
        let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
        let (_, model) = house.begin(&chat, "cancelled").await;
        model.text("half").drained().await;
        chat.cancel().await.unwrap();
        let (_, model) = house.begin(&chat, "fails").await;
        model.fail(ModelError::new(ModelErrorKind::Refused, "no"));
        house.no_further_call().await;
        house.turn(&chat, "shall we have tea?", "gladly").await;
        let call = title_call(&house).await;
        let quoted = said(&call);
        assert!(quoted.contains("cancelled"), "it quotes how the chat began: {quoted}");
        call.text("# \"Tea for").text(" two\"\nand more").finish();
        seen.until_event("chat.updated").await;
        assert_eq!(&*seen.view.title, "Tea for two");
        assert_eq!(title(&chat).await, auto("Tea for two"));
        while &*feed.until_status(&chat, StatusKind::Idle).await.title != "Tea for two" {}
        house.turn(&chat, "more", "tea").await;
        house.no_further_call().await;
        assert_sound(&chat).await;
    }

    /// Issue 3: provenance default, auto, manual; what a person says counts.
    async fn a_title_that_a_person_gives_wins_before_during_and_after(house in house()) {
        want_titles(&house).await;
        let manual = |title: &str| (title.to_owned(), TitleProvenance::Manual);
        let before = house.world.create_chat(NewChat::with_id(chat_id("before")).title("Mine")).await.unwrap();
        house.turn(&before, "hello", "hi").await;
        house.no_further_call().await;
        assert_eq!(title(&before).await, manual("Mine"));
        let (during, call) = named(&house, "during").await;
        call.text("Proposed").drained().await;
        during.rename("Mine").await.unwrap();
        settle().await;
        assert!(call.is_dropped(), "at once, not at some deadline");
        call.finish();
        settle().await;
        assert_eq!(title(&during).await, manual("Mine"));
        let (after, call) = named(&house, "after").await;
        call.text("Proposed").finish();
        settle().await;
        assert_eq!(title(&after).await, auto("Proposed"));
        after.rename("Mine").await.unwrap();
        house.turn(&after, "again", "hi").await;
        house.no_further_call().await;
        assert_eq!(title(&after).await, manual("Mine"));
        // Another change of the chat gives it no title.
        let (other, call) = named(&house, "other").await;
        other.update(ChatChange::default().metadata(field("k", 1))).await.unwrap();
        call.text("Proposed").finish();
        settle().await;
        assert_eq!(title(&other).await, auto("Proposed"));
    }

    /// REQ-2, NFR-1: a title is made of its own chat.
    async fn titles_of_many_chats_at_once_are_each_made_of_their_own(house in house()) {
        want_titles(&house).await;
        let mut thinking = Vec::new();
        for name in ["ada", "bob", "eve"] {
            thinking.push((name, named(&house, name).await));
        }
        for (name, (_, call)) in thinking.iter().rev() {
            let quoted = said(call);
            for other in ["ada", "bob", "eve"] {
                assert_eq!(quoted.contains(&format!("from {other}")), other == *name, "{quoted}");
            }
            call.text(format!("About {name}")).finish();
        }
        settle().await;
        for (name, (chat, _)) in &thinking {
            assert_eq!(title(chat).await, auto(&format!("About {name}")));
            assert_sound(chat).await;
        }
    }
}

// issue 3: an option that is off by default
#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_a_title_unless_the_world_wants_titles() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "hello", "hi").await;
    house.no_further_call().await;
    want_titles(&house).await;
    house.turn(&chat, "again", "hi").await;
    house.no_further_call().await;
    assert_eq!(title(&chat).await, untitled());
}

// issue 3: own small cap, no tools, nothing of the agent's own
#[tokio::test(start_paused = true)]
async fn a_title_is_asked_for_with_little_and_by_itself() {
    let house = titled(world_of_tools()).await;
    let chat = house.chat("a").await;
    let (_, model) = house.begin(&chat, &"long ".repeat(10_000)).await;
    model.text("I look").tool_call(asked("look", "x")).finish();
    house.running("x").await.result("secret result");
    let model = house.script.next_call().await;
    assert_eq!(&*model.request().system, "", "a turn that goes on is not over");
    model.text("answer ".repeat(10_000)).finish();
    let call = title_call(&house).await;
    let request = call.request();
    assert_eq!(request.params.output_tokens_max, Some(TITLE_OUTPUT_TOKENS_MAX));
    assert!(request.tools.is_empty());
    let quoted = said(&call);
    assert!(quoted.len() < 5_000, "{}", quoted.len());
    assert!(quoted.contains("long ") && quoted.contains("answer "));
    assert!(!quoted.contains("secret") && !quoted.contains("I look"), "{quoted}");
}

/// Lets the call for a title go wrong in one of these ways.
fn spoil(call: &Call, how: &str) {
    match how {
        "fails" => call.fail(ModelError::new(ModelErrorKind::Unavailable, "no").retryable()),
        "fails halfway" => call.text("Half a").fail(ModelError::new(ModelErrorKind::Refused, "no")),
        "panics" => call.panic("planned: no title"),
        "says nothing" => call.finish(),
        "says nothing that is a title" => call.text("\n \"***\" \n...").finish(),
        "asks for a tool" => call.tool_call(asked("look", "x")).finish(),
        _ => {
            // It thinks aloud without an end.
            for _ in 0..100 {
                call.reasoning("hm ".repeat(1_000));
            }
        }
    }
}

// issue 3: a failing title never disturbs the chat
#[tokio::test(start_paused = true)]
async fn a_title_that_fails_leaves_no_trace_and_is_not_asked_for_again() {
    for how in [
        "fails",
        "fails halfway",
        "panics",
        "says nothing",
        "says nothing that is a title",
        "asks for a tool",
        "thinks without an end",
    ] {
        let house = titled(world_of_tools()).await;
        let mut feed = WorldWatcher::new(&house.world).await;
        let (chat, call) = named(&house, "a").await;
        let before = log(&chat).await.len();
        spoil(&call, how);
        settle().await;
        assert!(call.is_dropped(), "at once, not at some deadline");
        pass(60 * SECOND).await;
        assert_eq!(log(&chat).await.len(), before, "{how}");
        assert_eq!(title(&chat).await, untitled(), "{how}");
        house.turn(&chat, "again", "fine").await;
        house.no_further_call().await;
        feed.drain().await;
        assert!(feed.diagnostics().is_empty(), "{how}: {:?}", feed.diagnostics());
        assert_sound(&chat).await;
    }
}

// law 7: an answer without an end is cut where a title is long over
#[tokio::test(start_paused = true)]
async fn a_title_without_an_end_is_cut_and_its_model_let_go() {
    let house = titled(house().limits(|limits| limits.title_bytes_max = 20)).await;
    let (chat, call) = named(&house, "a").await;
    for _ in 0..10 {
        call.text("endlessß ".repeat(100));
    }
    within(call.dropped()).await;
    settle().await;
    let (title, provenance) = title(&chat).await;
    assert_eq!((&*title, provenance), ("endlessß endlessß", TitleProvenance::Auto));
    assert_sound(&chat).await;
}

// law 7: title_duration_max; turns go on meanwhile
#[tokio::test(start_paused = true)]
async fn a_title_that_is_slow_holds_up_nothing_and_one_that_hangs_is_given_up() {
    let house = titled(house().limits(|limits| limits.turns_running_max = 1)).await;
    let (slow, call) = named(&house, "slow").await;
    assert_eq!(house.local.turns_running(), Some(0), "it takes no place among the turns");
    house.turn(&slow, "meanwhile", "fine").await;
    let (prompt, model) = house.begin(&slow, "and again").await;
    pass(20 * SECOND).await;
    call.text("At last").finish();
    settle().await;
    assert_eq!(title(&slow).await, auto("At last"), "while a later turn runs");
    model.text("fine").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let (hangs, call) = named(&house, "hangs").await;
    pass(29 * SECOND).await;
    assert!(!call.is_dropped());
    pass(2 * SECOND).await;
    assert!(call.is_cancelled());
    call.text("too late").finish();
    settle().await;
    assert_eq!(title(&hangs).await, untitled());
    for chat in [&slow, &hangs] {
        assert_sound(chat).await;
    }
}

// law 5, law 6: whatever ends the chat's interest ends the thinking
#[tokio::test(start_paused = true)]
async fn thinking_of_a_title_ends_with_the_interest_in_it() {
    for how in ["delete", "close", "shutdown", "crash", "rename"] {
        let house = titled(house()).await;
        let (chat, call) = named(&house, "a").await;
        call.text("Never").drained().await;
        match how {
            "delete" => chat.delete().await.unwrap(),
            "close" => chat.close().await.unwrap(),
            "shutdown" => within(house.local.shutdown()).await,
            "rename" => chat.rename("Mine").await.unwrap(),
            _ => {
                house.faults.for_chat(chat.id()).next(StoreCall::Append, 1, Fault::Panic);
                let change = ChatChange::default().metadata(field("k", 1));
                assert_eq!(code(chat.update(change).await), "chat_restarted");
            }
        }
        settle().await;
        assert!(call.is_dropped(), "at once, not at some deadline");
        call.text(" this").finish();
        settle().await;
        assert_eq!(house.script.calls_seen(), 2, "{how}: nobody is asked again");
        if how == "delete" {
            assert_eq!(code(chat.snapshot().await), "chat_deleted");
            continue;
        }
        let house = if how == "shutdown" { house.reopened().await } else { house };
        let chat = house.world.chat("a").unwrap();
        assert_ne!(title(&chat).await.1, TitleProvenance::Auto, "{how}");
        if how == "close" {
            chat.reopen().await.unwrap();
        }
        house.turn(&chat, "again", "fine").await;
        house.no_further_call().await;
        assert_sound(&chat).await;
    }
}

// law 7: titles_running_max; the waiting counts
#[tokio::test(start_paused = true)]
async fn no_more_titles_are_thought_of_at_once_than_the_limit() {
    let house = titled(house().limits(|limits| limits.titles_running_max = 2)).await;
    let mut chats = Vec::new();
    for n in 0..7 {
        let chat = house.chat(&format!("chat {n}")).await;
        house.turn(&chat, &format!("hello {n}"), "hi").await;
        chats.push(chat);
    }
    for n in 0..3 {
        settle().await;
        assert_eq!(house.script.calls_open(), 2);
        let call = title_call(&house).await;
        assert!(said(&call).contains(&format!("hello {n}")), "first come, first served");
        call.text(format!("Title {n}")).finish();
    }
    // The next two hang. When they are given up, the time of those behind them is over too.
    settle().await;
    assert_eq!(house.script.calls_open(), 2);
    pass(40 * SECOND).await;
    assert_eq!(house.script.calls_open(), 0);
    for (n, chat) in chats.iter().enumerate() {
        let expected = if n < 3 { auto(&format!("Title {n}")) } else { untitled() };
        assert_eq!(title(chat).await, expected);
        assert_sound(chat).await;
    }
}

// law 7: a bound of zero lets one think at a time, like the other bounds on what runs
#[tokio::test(start_paused = true)]
async fn a_limit_of_no_titles_at_once_still_lets_one_think_or_none_and_hangs_nobody() {
    let house = titled(house().limits(|limits| limits.titles_running_max = 0)).await;
    let chat = house.chat("a").await;
    house.turn(&chat, "hello", "hi").await;
    settle().await;
    let open = house.script.calls_open();
    assert!(open <= 1);
    pass(60 * SECOND).await;
    assert_eq!(house.script.calls_open(), 0);
    house.turn(&chat, "again", "fine").await;
    within(house.local.shutdown()).await;
}

// law 1, law 5: a title that comes while the store is away
#[tokio::test(start_paused = true)]
async fn a_title_that_comes_while_the_store_is_away_is_set_once_it_is_back() {
    for fault in [Fault::Unavailable, Fault::RequestLost, Fault::AnswerLost] {
        let house = titled(house()).await;
        let (chat, call) = named(&house, "a").await;
        house.faults.for_chat(chat.id()).next(StoreCall::Append, 1, fault.clone());
        house.faults.for_chat(chat.id()).every(StoreCall::Open, Fault::Unavailable);
        call.text("Kept").finish();
        pass(10 * SECOND).await;
        house.faults.clear();
        pass(30 * SECOND).await;
        assert_eq!(title(&chat).await, auto("Kept"), "{fault:?}");
        let updates = log(&chat).await;
        let updates = updates.iter().filter(|it| matches!(it.event, Event::ChatUpdated { .. }));
        assert_eq!(updates.count(), 1);
        assert_sound(&chat).await;
    }
}

// issue 3: the model that names a chat gets the chat's host context
#[tokio::test(start_paused = true)]
async fn the_call_for_a_title_gets_the_host_context_of_its_chat_and_prompt() {
    let house = titled(house()).await;
    let new = NewChat::with_id(chat_id("a")).context(field("tenant", "ada"));
    let chat = house.world.create_chat(new).await.unwrap();
    let prompt = chat.prompt("hello").context(field("folder", "/a")).await.unwrap();
    house.answer("hello", "hi").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let call = title_call(&house).await;
    let context = &call.request().context;
    assert_eq!((&context.chat, &context.prompt), (&field("tenant", "ada"), &field("folder", "/a")));
    assert!(!said(&call).contains("ada"));
}

// law 6: a model for titles that is always ready starves nobody
#[tokio::test(start_paused = true)]
async fn a_title_of_a_thousand_pieces_lets_others_run() {
    let house = titled(house()).await;
    let (chat, call) = named(&house, "a").await;
    for _ in 0..1_000 {
        call.step(Step::text("x"));
    }
    let other = house.chat("b").await;
    house.turn(&other, "to b", "fine").await;
    call.finish();
    settle().await;
    let bytes_max = Limits::default().title_bytes_max;
    assert_eq!(title(&chat).await, auto(&"x".repeat(bytes_max)));
}
