//! Law 7: everything is bounded, and exceeding a bound is a typed refusal or a typed end.

use std::time::Duration;

use polychat::{
    Chat, CommandError, Cursor, FailureKind, Notice, PromptOutcome, Refusal, StartAt, StatusKind,
    command::{ChatChange, ChatFilter, NewChat, Page, PromptChange},
    notice::WorldNotice,
    tool::ToolCall,
};
use polychat_testkit::faulty_store::Call;

use crate::support::{
    WorldWatcher, assert_sound, assert_sound_so_far, chat_id, code, failure, field, house, log,
    messages, outcome, settle, within,
};

// law 7: prompts_queued_max
#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_takes_again_once_there_is_room() {
    let house = house().limits(|limits| limits.prompts_queued_max = 2).open().await;
    let chat = house.chat("a").await;
    let (first, call) = house.begin(&chat, "runs").await;
    let waiting = [chat.prompt("one").await.unwrap(), chat.prompt("two").await.unwrap()];
    let refused = chat.prompt("three").await.unwrap_err();
    assert!(matches!(&refused, CommandError::Refused(Refusal::QueueFull { max: 2 })));
    assert!(refused.retryable());
    call.finish();
    outcome(&first).await;
    chat.prompt("three").await.unwrap();
    for text in ["one", "two", "three"] {
        house.call_for(text).await.finish();
    }
    assert_eq!(outcome(&waiting[1]).await, PromptOutcome::Completed);
}

// law 7: prompt_bytes_max, metadata_bytes_max, title_bytes_max
#[tokio::test(start_paused = true)]
async fn prompts_metadata_and_titles_beyond_their_size_are_refused_and_leave_no_trace() {
    let house = house()
        .limits(|limits| {
            limits.prompt_bytes_max = 8;
            limits.metadata_bytes_max = 32;
            limits.title_bytes_max = 8;
        })
        .open()
        .await;
    let chat = house.chat("a").await;
    let large = field("key", "x".repeat(64));
    let before = log(&chat).await;
    let results = [
        chat.prompt("123456789").await.map(drop),
        chat.prompt("1").metadata(large.clone()).await.map(drop),
        chat.prompt("1").context(large.clone()).await.map(drop),
        chat.rename("123456789").await,
        chat.update(ChatChange::default().metadata(large.clone())).await,
        house.world.create_chat(NewChat::new().title("123456789")).await.map(drop),
        house.world.create_chat(NewChat::new().metadata(large.clone())).await.map(drop),
        house.world.create_chat(NewChat::new().context(large)).await.map(drop),
    ];
    for result in results {
        assert_eq!(code(result), "too_large");
    }
    assert_eq!(log(&chat).await, before);
    let (prompt, call) = house.begin(&chat, "12345678").await;
    let waiting = chat.prompt("waits").await.unwrap();
    let change = PromptChange::default().parts(vec![polychat::Part::text("123456789")]);
    assert_eq!(code(chat.edit_prompt(waiting.id(), change).await), "too_large");
    call.finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    // Ids are bounded where they are made.
    assert!(house.world.chat("x".repeat(129)).is_err());
    assert!(house.world.chat("..").is_err() && house.world.chat("").is_err());
}

// law 7: log_events_max
#[tokio::test(start_paused = true)]
async fn a_full_chat_refuses_more_and_everything_accepted_still_ends() {
    let house = house().limits(|limits| limits.log_events_max = 120).open().await;
    let chat = house.chat("a").await;
    let mut accepted = Vec::new();
    let refused = loop {
        match chat.prompt("more").await {
            Ok(prompt) => accepted.push(prompt),
            Err(error) => break error,
        }
        assert!(accepted.len() < 120, "the log never fills");
    };
    assert_eq!(refused.code(), "chat_full");
    assert!(!refused.retryable());
    let script = house.script.clone();
    let answering = tokio::spawn(async move {
        loop {
            script.next_call().await.text("ok").finish();
        }
    });
    for prompt in &accepted {
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
    }
    answering.abort();
    assert!(log(&chat).await.len() <= 120);
    assert_sound(&chat).await;
    within(chat.close()).await.unwrap();
    within(chat.delete()).await.unwrap();
}

// law 7: turn_output_bytes_max
#[tokio::test(start_paused = true)]
async fn a_turn_that_says_too_much_fails_and_keeps_the_text_up_to_the_limit() {
    let house = house().limits(|limits| limits.turn_output_bytes_max = 10).open().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "talk").await;
    call.reasoning("hm").text("12345").text("6789").finish();
    let failure = failure(&prompt).await;
    assert_eq!(failure.kind, FailureKind::OutputLimit);
    within(call.dropped()).await;
    assert_eq!(messages(&chat).await, ["user: talk", "assistant: 12345678"]);
    assert_sound(&chat).await;
}

// law 7: steps_max, tool_calls_per_step_max
#[tokio::test(start_paused = true)]
async fn a_turn_that_takes_too_many_steps_or_asks_for_too_many_calls_fails() {
    let setup = house().limits(|limits| {
        limits.steps_max = 3;
        limits.tool_calls_per_step_max = 2;
    });
    let house = setup.open().await;
    let chat = house.chat("a").await;
    let ask = || ToolCall {
        name: "nowhere".into(),
        arguments: serde_json::json!({}),
        provider_call_id: None,
    };
    let prompt = chat.prompt("loop").await.unwrap();
    for _ in 0..3 {
        house.call_for("loop").await.tool_call(ask()).finish();
    }
    assert_eq!(failure(&prompt).await.kind, FailureKind::StepsLimit);
    house.no_further_call().await;
    let (prompt, call) = house.begin(&chat, "three calls").await;
    call.tool_call(ask()).tool_call(ask()).tool_call(ask()).finish();
    assert_eq!(failure(&prompt).await.kind, FailureKind::InvalidResponse);
    assert_sound(&chat).await;
}

/// Renames a chat many times at once, and answers with the tasks.
fn rename_often(
    chat: &Chat,
    times: usize,
) -> Vec<tokio::task::JoinHandle<Result<(), CommandError>>> {
    let rename = |n| {
        let chat = chat.clone();
        tokio::spawn(async move { chat.rename(format!("{n}")).await })
    };
    (0..times).map(rename).collect()
}

// law 7: chat_commands_in_flight_max, and the reserved lane
#[tokio::test(start_paused = true)]
async fn a_chat_with_too_many_commands_in_flight_refuses_more_but_can_still_be_cancelled() {
    let setup = house().limits(|limits| {
        limits.chat_commands_in_flight_max = 4;
        limits.reserved_commands_in_flight_max = 1;
    });
    let house = setup.open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let (prompt, call) = house.begin(&chat, "hello").await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    let renames = rename_often(&chat, 4);
    gate.arrived(1).await;
    settle().await;
    let refused = chat.prompt("one more").await.unwrap_err();
    assert_eq!(refused.code(), "overloaded");
    assert!(refused.retryable() && refused.retry_after().is_some());
    let cancelling = tokio::spawn({
        let chat = chat.clone();
        async move { chat.cancel().await }
    });
    settle().await;
    assert!(!cancelling.is_finished(), "it has its place, and waits for the store like the others");
    assert_eq!(code(chat.delete().await), "overloaded", "the reserved lane is bounded as well");
    other.rename("not affected").await.unwrap();
    gate.open();
    for rename in renames {
        within(rename).await.unwrap().unwrap();
    }
    within(cancelling).await.unwrap().unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    within(call.dropped()).await;
    chat.rename("room again").await.unwrap();
    assert_sound(&chat).await;
}

// law 7: world_commands_in_flight_max, and the reserved lane
#[tokio::test(start_paused = true)]
async fn a_world_with_too_many_commands_in_flight_refuses_more_but_turns_can_still_be_cancelled() {
    let setup = house().limits(|limits| {
        limits.world_commands_in_flight_max = 3;
        limits.reserved_commands_in_flight_max = 2;
    });
    let house = setup.open().await;
    let (busy, slow) = (house.chat("busy").await, house.chat("slow").await);
    let (prompt, _call) = house.begin(&busy, "hello").await;
    let gate = house.faults.for_chat(slow.id()).hang_next(Call::Append, 1);
    let renames = rename_often(&slow, 3);
    gate.arrived(1).await;
    settle().await;
    let refused = busy.prompt("one more").await.unwrap_err();
    assert!(
        matches!(&refused, CommandError::Refused(Refusal::Overloaded { scope, .. }) if &**scope == "world")
    );
    assert_eq!(code(house.world.chats(Page::first(9), ChatFilter::new()).await), "overloaded");
    busy.cancel().await.unwrap();
    // Turns finish without needing a caller's place.
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    gate.open();
    for rename in renames {
        within(rename).await.unwrap().unwrap();
    }
    busy.rename("room again").await.unwrap();
}

// law 7: a turn's own inputs never wait for callers' places.
#[tokio::test(start_paused = true)]
async fn a_turn_ends_while_every_place_for_commands_is_taken() {
    let setup = house().limits(|limits| limits.world_commands_in_flight_max = 2);
    let house = setup.open().await;
    let (busy, slow) = (house.chat("busy").await, house.chat("slow").await);
    let mut seen = crate::support::watch(&busy).await;
    let (prompt, call) = house.begin(&busy, "hello").await;
    let gate = house.faults.for_chat(slow.id()).hang_next(Call::Append, 1);
    let _renames = rename_often(&slow, 2);
    gate.arrived(1).await;
    call.text("done").finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
}

// law 7: live_chats_max
#[tokio::test(start_paused = true)]
async fn a_full_world_passivates_idle_chats_early_and_refuses_when_none_is_idle() {
    let house = house().limits(|limits| limits.live_chats_max = 2).open().await;
    let (a, b, c) = (house.chat("a").await, house.chat("b").await, house.chat("c").await);
    // Three chats exist and at most two live: every one of them still answers.
    house.turn(&a, "to a", "a").await;
    house.turn(&b, "to b", "b").await;
    house.turn(&c, "to c", "c").await;
    let (in_a, call_a) = house.begin(&a, "a runs").await;
    let (_, call_b) = house.begin(&b, "b runs").await;
    let refused = c.prompt("no room").await.unwrap_err();
    assert!(matches!(&refused, CommandError::Refused(Refusal::LiveChatsFull { max: 2 })));
    assert!(refused.retryable());
    assert_eq!(messages(&c).await.len(), 2, "reading needs no place");
    call_a.finish();
    outcome(&in_a).await;
    let (in_c, call_c) = house.begin(&c, "room now").await;
    call_c.finish();
    assert_eq!(outcome(&in_c).await, PromptOutcome::Completed);
    assert!(!call_b.is_dropped());
}

// law 7: live_chats_max, many at once
#[tokio::test(start_paused = true)]
async fn of_two_newcomers_for_one_place_one_gets_it_and_the_other_is_told() {
    let house = house().limits(|limits| limits.live_chats_max = 2).open().await;
    let [a, b, c, d] = [
        house.chat("a").await,
        house.chat("b").await,
        house.chat("c").await,
        house.chat("d").await,
    ];
    let (_in_a, _call) = house.begin(&a, "a runs").await;
    house.turn(&b, "to b", "then idle").await;
    let newcomers = [c.prompt("to c").send(), d.prompt("to d").send()];
    let results = within(futures_util::future::join_all(newcomers)).await;
    let taken = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(taken, 1, "{results:?}");
    let refused = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.code(), "live_chats_full");
}

// law 7: live_chats_max; a chat that looked idle and is not any more declines to go
#[tokio::test(start_paused = true)]
async fn a_newcomer_is_told_when_the_chat_that_was_to_make_room_has_become_busy() {
    let house = house().limits(|limits| limits.live_chats_max = 2).open().await;
    let [a, b, c] = [house.chat("a").await, house.chat("b").await, house.chat("c").await];
    let (_, _call) = house.begin(&a, "a runs").await;
    house.turn(&b, "to b", "then idle").await;
    let gate = house.faults.for_chat(b.id()).hang_next(Call::Append, 1);
    let sending = tokio::spawn(b.prompt("b after all").send());
    gate.arrived(1).await;
    let newcomer = tokio::spawn(c.prompt("to c").send());
    settle().await;
    assert!(!newcomer.is_finished(), "it waits for b's word");
    gate.open();
    settle().await;
    assert!(newcomer.is_finished(), "it hears at once");
    assert_eq!(code(newcomer.await.unwrap()), "live_chats_full");
    within(sending).await.unwrap().unwrap();
    house.call_for("b after all").await.finish();
    settle().await;
    house.turn(&c, "room now", "fine").await;
}

// law 7: turns_running_max
#[tokio::test(start_paused = true)]
async fn turns_beyond_the_cap_wait_in_order_of_arrival_by_chat() {
    let house = house().limits(|limits| limits.turns_running_max = 1).open().await;
    let [a, b, c] = [house.chat("a").await, house.chat("b").await, house.chat("c").await];
    let (_, call) = house.begin(&a, "a 1").await;
    a.prompt("a 2").await.unwrap();
    b.prompt("b 1").await.unwrap();
    settle().await;
    b.prompt("b 2").await.unwrap();
    c.prompt("c 1").await.unwrap();
    settle().await;
    assert_eq!(b.snapshot().await.unwrap().status.kind, StatusKind::Running);
    assert_eq!(house.local.turns_running(), Some(1));
    call.finish();
    let mut order = Vec::new();
    for _ in 0..4 {
        let call = within(house.script.next_call()).await;
        settle().await;
        assert_eq!(house.local.turns_running(), Some(1), "never more than the cap");
        order.push(call.last_user_text());
        call.finish();
    }
    assert_eq!(order, ["b 1", "c 1", "a 2", "b 2"], "a chat with a long queue overtakes nobody");
    for chat in [&a, &b, &c] {
        settle().await;
        assert_sound(chat).await;
    }
}

// law 6, law 7: whatever way a turn ends, its place comes free
#[tokio::test(start_paused = true)]
async fn the_place_of_a_turn_comes_free_whichever_way_it_ends() {
    use polychat_testkit::faulty_store::Fault;
    let house = house().limits(|limits| limits.turns_running_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    for way in ["finish", "panic", "cancel", "close", "crash", "delete"] {
        let (_, call) = house.begin(&a, way).await;
        let waiting = b.prompt(format!("after {way}")).await.unwrap();
        house.no_further_call().await;
        match way {
            "finish" => call.finish(),
            "panic" => call.panic("on purpose"),
            "cancel" => a.cancel().await.unwrap(),
            "close" => {
                a.close().await.unwrap();
                a.reopen().await.unwrap();
            }
            "crash" => {
                house.faults.for_chat(a.id()).next(Call::Append, 1, Fault::Panic);
                assert!(a.rename("crash").await.is_err());
            }
            _ => a.delete().await.unwrap(),
        }
        house.call_for(&format!("after {way}")).await.text("fine").finish();
        assert_eq!(outcome(&waiting).await, PromptOutcome::Completed, "{way}");
        settle().await;
        assert_eq!(house.local.turns_running(), Some(0), "{way}");
    }
}

// law 7: a caller that gives up gives its place back, and what it sent still counts
#[tokio::test(start_paused = true)]
async fn a_command_whose_caller_has_gone_is_done_and_its_place_comes_free() {
    let house = house().limits(|limits| limits.chat_commands_in_flight_max = 2).open().await;
    let chat = house.chat("a").await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    let sends = rename_often(&chat, 2);
    gate.arrived(1).await;
    settle().await;
    sends.iter().for_each(tokio::task::JoinHandle::abort);
    settle().await;
    assert_eq!(code(chat.rename("no room").await), "overloaded", "they are still on their way");
    gate.open();
    settle().await;
    chat.rename("room").await.unwrap();
    assert_eq!(log(&chat).await.len(), 4, "what was sent was done");
}

// law 7: chat_subscribers_max, world_subscribers_max
#[tokio::test(start_paused = true)]
async fn too_many_subscribers_of_a_chat_or_of_the_world_are_refused() {
    let setup = house().limits(|limits| {
        limits.chat_subscribers_max = 2;
        limits.world_subscribers_max = 2;
    });
    let house = setup.open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let first = a.subscribe(StartAt::Now).await.unwrap();
    let _second = a.subscribe(StartAt::Start).await.unwrap();
    assert_eq!(code(a.subscribe(StartAt::Now).await.map(drop)), "subscribers_full");
    assert!(b.subscribe(StartAt::Now).await.is_ok(), "each chat has places of its own");
    drop(first);
    assert!(a.subscribe(StartAt::Now).await.is_ok(), "a place that was left is free");
    let one = house.world.subscribe().await.unwrap();
    let _two = house.world.subscribe().await.unwrap();
    assert_eq!(code(house.world.subscribe().await.map(drop)), "subscribers_full");
    drop(one);
    assert!(house.world.subscribe().await.is_ok());
}

// law 7: page_max
#[tokio::test(start_paused = true)]
async fn pages_hold_at_most_their_limit_and_together_everything_once() {
    let house = house().limits(|limits| limits.page_max = 3).open().await;
    let mut expected = Vec::new();
    for n in 0..8 {
        let id = format!("chat {n}");
        house.chat(&id).await;
        expected.push(id);
    }
    let mut found = Vec::new();
    let mut page = Page::first(usize::MAX);
    loop {
        let read = house.world.chats(page, ChatFilter::new()).await.unwrap();
        assert!(read.chats.len() <= 3);
        found.extend(read.chats.iter().map(|it| it.chat_id.as_str().to_owned()));
        match read.next {
            Some(next) => page = Page::after(next, usize::MAX),
            None => break,
        }
    }
    assert_eq!(found, expected);
    let chat = house.world.chat("chat 0").unwrap();
    for n in 0..3 {
        house.turn(&chat, &format!("q{n}"), &format!("a{n}")).await;
    }
    let first = chat.messages(Page::first(usize::MAX)).await.unwrap();
    assert_eq!((first.messages.len(), first.next.is_some()), (3, true));
    assert_eq!(chat.log(polychat::Seq::ZERO, usize::MAX).await.unwrap().events.len(), 3);
    // An answer longer than a page is still found.
    let last = chat.prompt("last").await.unwrap();
    house.call_for("last").await.text("found").finish();
    assert_eq!(within(last.answer()).await.unwrap(), "found");
}

// law 7: feed_recorded_max bounds what is at hand, never what can be read.
#[tokio::test(start_paused = true)]
async fn a_feed_that_keeps_one_event_still_shows_all_of_them() {
    let house = house().limits(|limits| limits.feed_recorded_max = 1).open().await;
    let chat = house.chat("a").await;
    let mut seen = crate::support::watch(&chat).await;
    for n in 0..5 {
        house.turn(&chat, &format!("q{n}"), &format!("a{n}")).await;
    }
    seen.drain().await;
    assert_eq!(seen.view.messages.len(), 10);
    assert!(chat.subscribe_after(Cursor::after(seen.view.head)).await.is_ok());
    assert_sound_so_far(&chat).await;
}

// law 7: diagnostics_max; NFR-4
#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_diagnostics_is_told_how_many_it_missed() {
    let house = house().limits(|limits| limits.diagnostics_max = 2).open().await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let [a, b, c] = ["a", "b", "c"].map(|id| house.world.chat(id).unwrap());
    for chat in [&a, &b, &c, &c, &c] {
        assert_eq!(code(chat.prompt("hello").await), "unknown_chat");
    }
    let seen = feed.drain().await;
    let skipped = seen.iter().find_map(|notice| match notice {
        Notice::World(WorldNotice::Skipped { count }) => Some(*count),
        _ => None,
    });
    assert_eq!(skipped, Some(1));
    let repeats = seen.iter().rev().find_map(|notice| match notice {
        Notice::World(WorldNotice::Diagnostic { repeats, diagnostic }) => {
            Some((*repeats, diagnostic.chat_id.clone()))
        }
        _ => None,
    });
    assert_eq!(repeats, Some((3, Some(chat_id("c")))));
    crate::support::pass(Duration::from_millis(1)).await;
}
