//! Chats: made, listed, renamed, closed, reopened, revised, forked, deleted.

use polychat::{
    AgentName, EndReason, PromptOutcome, StartAt, StatusKind,
    command::{ChatChange, ChatFilter, NewChat, Page},
    event::{Origin, TitleProvenance},
};
use polychat_testkit::faulty_store::{Call, Fault};

use crate::{
    at_both_doors,
    support::{
        assert_sound, chat_id, code, field, house, messages, names, outcome, said, watch, within,
    },
};

at_both_doors! {
    /// the constraint on existing ids and metadata; REQ-9
    async fn a_chat_is_created_with_or_without_an_id_and_found_in_the_list(house) {
        let new = NewChat::with_id(chat_id("mine")).title("Plans").metadata(field("tag", "x"));
        let mine = house.world.create_chat(new).await.unwrap();
        let fresh = house.world.create_chat(NewChat::new()).await.unwrap();
        assert_ne!(mine.id(), fresh.id());
        let again = NewChat::with_id(chat_id("mine"));
        assert_eq!(code(house.world.create_chat(again).await), "chat_exists");
        let nobody = NewChat::new().agent(AgentName::new("nobody").unwrap());
        assert_eq!(code(house.world.create_chat(nobody).await), "unknown_agent");
        let page = house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap();
        assert_eq!(page.chats.len(), 2);
        let summary = page.chats.iter().find(|it| it.chat_id == *mine.id()).unwrap();
        assert_eq!((&*summary.title, &summary.metadata), ("Plans", &field("tag", "x")));
        assert_eq!(summary.kind, StatusKind::Idle);
    }

    /// REQ-9
    async fn renaming_archiving_and_metadata_show_in_the_list_and_to_watchers(house) {
        let (chat, other) = (house.chat("a").await, house.chat("b").await);
        let mut seen = watch(&chat).await;
        chat.rename("First plans").await.unwrap();
        chat.update(ChatChange::default().archived(true).metadata(field("n", 7))).await.unwrap();
        chat.update(ChatChange::default().archived(true)).await.unwrap(); // changes nothing
        other.rename("Second plans").await.unwrap();
        seen.drain().await;
        assert_eq!((&*seen.view.title, seen.view.archived), ("First plans", true));
        assert_eq!(names(&chat).await, ["chat.created", "chat.updated", "chat.updated"]);
        let list = |filter| house.world.chats(Page::first(9), filter);
        let shown = list(ChatFilter::new()).await.unwrap().chats;
        assert_eq!(shown.iter().map(|it| it.chat_id.as_str()).collect::<Vec<_>>(), ["b"]);
        let all = list(ChatFilter::new().with_archived().title_contains("PLANS")).await.unwrap();
        assert_eq!(all.chats.len(), 2);
        assert_eq!(all.chats[0].provenance, TitleProvenance::Manual);
        assert_eq!(list(ChatFilter::new().title_contains("third")).await.unwrap().chats.len(), 0);
    }

    /// REQ-12, law 5
    async fn a_closed_chat_takes_no_prompts_until_it_is_reopened(house) {
        let chat = house.chat("a").await;
        house.turn(&chat, "one", "first").await;
        let (running, call) = house.begin(&chat, "running").await;
        let waiting = chat.prompt("waiting").await.unwrap();
        chat.close().await.unwrap();
        chat.close().await.unwrap();
        within(call.dropped()).await;
        assert_eq!(outcome(&running).await, PromptOutcome::Cancelled);
        assert_eq!(outcome(&waiting).await, PromptOutcome::Withdrawn);
        assert_eq!(code(chat.prompt("more").await), "chat_closed");
        assert_eq!(within(chat.snapshot()).await.unwrap().status.kind, StatusKind::Closed);
        assert_eq!(messages(&chat).await[..3], ["user: one", "assistant: first", "user: running"]);
        chat.reopen().await.unwrap();
        let (prompt, call) = house.begin(&chat, "more").await;
        assert_eq!(said(call.request())[..2], ["user: one", "assistant: first"]);
        call.finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// law 5, REQ-12: deletion while streaming.
    async fn deleting_stops_the_turn_first_and_watchers_see_how_everything_ended(house) {
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (running, call) = house.begin(&chat, "running").await;
        let waiting = chat.prompt("waiting").await.unwrap();
        call.text("half").drained().await;
        seen.until_text("half").await;
        seen.drain().await;
        chat.delete().await.unwrap();
        within(call.dropped()).await;
        call.text(" too late").finish();
        assert_eq!(seen.until_ended().await, EndReason::Deleted);
        assert!(seen.view.deleted && !seen.saw("too late"));
        let outcomes = [&running, &waiting].map(|it| seen.view.prompts[it.id()].state.clone());
        assert_eq!(format!("{outcomes:?}"), "[Ended(Cancelled), Ended(Withdrawn)]");
        // The id is never used again, and deleting again is no error.
        chat.delete().await.unwrap();
        assert_eq!(code(chat.prompt("again").await), "chat_deleted");
        assert_eq!(code(chat.snapshot().await), "chat_deleted");
        assert_eq!(code(chat.reopen().await), "chat_deleted");
        assert_eq!(code(chat.subscribe(StartAt::Start).await.map(drop)), "chat_deleted");
        let same = NewChat::with_id(chat.id().clone());
        assert_eq!(code(house.world.create_chat(same).await), "chat_deleted");
        let page = house.world.chats(Page::first(9), ChatFilter::new().with_archived()).await;
        assert!(page.unwrap().chats.is_empty());
    }

    /// law 5
    async fn unknown_chats_are_refused_at_the_door(house) {
        let nobody = house.world.chat("nobody").unwrap();
        assert_eq!(code(nobody.prompt("hello").await), "unknown_chat");
        assert_eq!(code(nobody.cancel().await), "unknown_chat");
        assert_eq!(code(nobody.snapshot().await), "unknown_chat");
        assert_eq!(code(nobody.delete().await), "unknown_chat");
        assert_eq!(code(nobody.log(polychat::Seq::ZERO, 9).await), "unknown_chat");
        // Asking does not make it.
        assert!(house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap().chats.is_empty());
    }

    /// law 5: revise is one append, and the queue stays behind it.
    async fn revising_an_earlier_message_cuts_what_followed_and_asks_again(house) {
        let chat = house.chat("a").await;
        house.turn(&chat, "one", "first").await;
        house.turn(&chat, "two", "second").await;
        let (running, call) = house.begin(&chat, "three").await;
        let queued = chat.prompt("queued").await.unwrap();
        let mut seen = watch(&chat).await;
        seen.drain().await;
        let message = within(chat.snapshot()).await.unwrap().messages[2].id;
        let revised = chat.revise(message, "two, but better").await.unwrap();
        within(call.dropped()).await;
        let call = house.call_for("two, but better").await;
        assert_eq!(said(call.request()), ["user: one", "assistant: first", "user: two, but better"]);
        call.text("better").finish();
        assert_eq!(outcome(&running).await, PromptOutcome::Cancelled);
        assert_eq!(outcome(&revised).await, PromptOutcome::Completed);
        house.call_for("queued").await.finish();
        assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
        assert_eq!(messages(&chat).await[..4], [
            "user: one",
            "assistant: first",
            "user: two, but better",
            "assistant: better",
        ]);
        seen.drain().await;
        assert_eq!(seen.view.messages[2].text, "two, but better");
        let of_assistant = within(chat.snapshot()).await.unwrap().messages[1].id;
        assert_eq!(code(chat.revise(of_assistant, "no").await), "unknown_message");
        assert_eq!(code(chat.revise(message, "gone").await), "unknown_message");
        assert_sound(&chat).await;
    }

    /// REQ-2, REQ-9: a fork has a history of its own.
    async fn a_fork_copies_ended_turns_and_goes_its_own_way(house) {
        let chat = house.chat("a").await;
        house.turn(&chat, "one", "first").await;
        house.turn(&chat, "two", "second").await;
        let snapshot = within(chat.snapshot()).await.unwrap();
        let (at, later) = (snapshot.messages[1].id, snapshot.messages[3].id);
        let (_, call) = house.begin(&chat, "three").await;
        chat.prompt("waits").await.unwrap();
        let new = NewChat::with_id(chat_id("fork")).title("Other way");
        let fork = chat.fork(at, new).await.unwrap();
        assert_eq!(messages(&fork).await, ["user: one", "assistant: first"]);
        let snapshot = within(fork.snapshot()).await.unwrap();
        assert!(snapshot.prompts.is_empty() && snapshot.open.is_none());
        let origin = Origin::Fork { chat_id: chat.id().clone(), message_id: at };
        assert_eq!(snapshot.summary.origin, Some(origin));
        let (prompt, fork_call) = house.begin(&fork, "elsewhere").await;
        assert_eq!(said(fork_call.request()), ["user: one", "assistant: first", "user: elsewhere"]);
        fork_call.finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert!(!messages(&chat).await.contains(&"user: elsewhere".to_owned()));
        let open = within(chat.snapshot()).await.unwrap().open.unwrap().message_id;
        let of_open = chat.fork(open, NewChat::new()).await;
        assert_eq!(code(of_open), "unknown_message");
        let taken = chat.fork(later, NewChat::with_id(chat_id("fork"))).await;
        assert_eq!(code(taken), "chat_exists");
        let nobody = NewChat::new().agent(AgentName::new("nobody").unwrap());
        assert_eq!(code(chat.fork(later, nobody).await), "unknown_agent");
        call.finish();
        assert_sound(&fork).await;
    }
}

// law 5: a deletion whose rows could not be removed at once is finished later.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_the_store_interrupts_finishes_by_itself() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "one", "first").await;
    house.faults.for_chat(chat.id()).next(Call::Delete, 2, Fault::Unavailable);
    chat.delete().await.unwrap();
    assert_eq!(code(chat.prompt("more").await), "chat_deleted");
    crate::support::pass(std::time::Duration::from_secs(60)).await;
    assert_eq!(house.faults.for_chat(chat.id()).calls(Call::Delete), 3);
    assert_eq!(code(chat.snapshot().await), "chat_deleted");
    assert_eq!(code(chat.log(polychat::Seq::ZERO, 9).await), "chat_deleted");
}

// law 5: … also by the next life of the world.
#[tokio::test(start_paused = true)]
async fn opening_a_log_that_ends_in_a_deletion_finishes_the_job() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    first.faults.for_chat(chat.id()).every(Call::Delete, Fault::Unavailable);
    chat.delete().await.unwrap();
    first.local.shutdown().await;
    first.faults.clear();
    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    assert_eq!(code(chat.prompt("hello").await), "chat_deleted");
    crate::support::settle().await;
    assert_eq!(code(chat.log(polychat::Seq::ZERO, 9).await), "chat_deleted");
    let same = NewChat::with_id(chat.id().clone());
    assert_eq!(code(second.world.create_chat(same).await), "chat_deleted");
}
