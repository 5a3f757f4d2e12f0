//! What may be read off a state: pages, prompts, status, snapshots.

use polychat_core::{
    ChatStatus, Cursor, Event, Limits, OutcomeKind, Recorded, Summary, Timestamp,
    command::Page,
    content::json_bytes,
    event::{PromptBody, PromptMode},
};
use serde_json::json;

use super::harness::{Chat, chat_id, message, prompt_id, seq};

fn limits(page_max: usize) -> Limits {
    let mut limits = Limits::default();
    limits.page_max = page_max;
    limits
}

fn ids(chat: &Chat, page: &Page, max: usize) -> (Vec<u64>, Option<String>) {
    ids_within(chat, page, &limits(max))
}

fn ids_within(chat: &Chat, page: &Page, limits: &Limits) -> (Vec<u64>, Option<String>) {
    let page = chat.state.message_page(page, limits).unwrap();
    let ids = page.messages.iter().map(|message| message.id.0.get()).collect();
    (ids, page.next.map(|next| next.to_string()))
}

#[test]
fn messages_come_in_pages_that_meet_without_gap_or_overlap() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat.queue("p2");
    chat.says(9, "no");
    assert_eq!(ids(&chat, &Page::first(3), 500), (vec![2, 4, 7], Some("7".into())));
    assert_eq!(ids(&chat, &Page::after("7", 3), 500), (vec![9], None));
    assert_eq!(ids(&chat, &Page::first(4), 500), (vec![2, 4, 7, 9], None));
    assert_eq!(ids(&chat, &Page::first(100), 2), (vec![2, 4], Some("4".into())));
    assert_eq!(ids(&chat, &Page::first(0), 500).0, [2], "a page holds at least one");
}

// law 7
#[test]
fn a_page_of_messages_ends_before_the_one_that_is_too_much_and_never_holds_none() {
    let mut chat = Chat::running();
    for n in [4, 6, 8] {
        chat.says(n, &"x".repeat(1_000));
        chat.queue(&format!("p{n}"));
    }
    let size = |n: usize| json_bytes(&chat.state.messages()[n]);
    let whole: usize = (0..chat.state.messages().len()).map(size).sum();
    let (all, _) = ids(&chat, &Page::first(500), 500);
    for (bytes, first) in [
        (whole, all.len()),
        (whole - 1, all.len() - 1),
        (size(0) + size(1), 2),
        (size(0) + size(1) - 1, 1),
        (0, 1),
    ] {
        let mut limits = limits(500);
        limits.page_bytes_max = bytes;
        let (mut found, mut next) = ids_within(&chat, &Page::first(500), &limits);
        assert_eq!(found.len(), first, "{bytes} bytes");
        while let Some(after) = next {
            let (more, then) = ids_within(&chat, &Page::after(after, 500), &limits);
            found.extend(more);
            next = then;
        }
        assert_eq!(found, all, "{bytes} bytes");
    }
}

#[test]
fn a_page_after_nothing_known_is_refused() {
    let chat = Chat::running();
    for (after, code) in [("x", "invalid_input"), ("99", "unknown_message"), ("", "invalid_input")]
    {
        let refusal = chat.state.message_page(&Page::after(after, 1), &limits(500)).unwrap_err();
        assert_eq!(refusal.code(), code, "{after:?}");
    }
    assert_eq!(ids(&Chat::new(), &Page::first(10), 500), (vec![], None));
}

#[test]
fn a_snapshot_is_what_the_state_says_at_one_moment() {
    let mut chat = Chat::running();
    chat.queue("p2");
    let shown = Some(("half".into(), "".into()));
    let (state, cursor) = (&chat.state, Cursor::after(chat.state.head()));
    let snapshot = state.snapshot(state.status(), state.open(shown), cursor);
    assert_eq!(snapshot.messages.len(), 1);
    assert_eq!(snapshot.prompts[0].prompt_id, prompt_id("p2"));
    let open = snapshot.open.unwrap();
    assert_eq!((&*open.text, open.message_id), ("half", message(4)));
    assert_eq!((snapshot.summary.head, snapshot.cursor.seq), (seq(5), seq(5)));
    assert_eq!((snapshot.status.queued, snapshot.summary.messages), (1, 1));
}

#[test]
fn a_waiting_prompt_is_shown_as_edited() {
    let mut chat = Chat::running();
    chat.queue("p2");
    let change = polychat_core::command::PromptChange::default()
        .parts(vec![polychat_core::Part::text("new")])
        .mode(PromptMode::Steer);
    chat.edit("p2", change);
    let waiting = chat.state.waiting_prompts();
    assert_eq!(waiting[0].parts[0].as_text(), Some("new"));
    assert_eq!((waiting[0].mode, waiting[0].accepted_seq), (PromptMode::Steer, seq(5)));
}

#[test]
fn a_status_names_the_turn_so_that_a_stale_one_can_be_told_from_a_newer_one() {
    let mut chat = Chat::running();
    assert_eq!(chat.state.status().turn_id, Some(super::harness::turn(3)));
    chat.says(4, "yes");
    assert_eq!(chat.state.status().turn_id, None);
    chat.queue("p2");
    let status = chat.state.status();
    assert_eq!((status.turn_id, status.head), (Some(super::harness::turn(8)), seq(9)));
}

/// What the summary says of the last turn, which the status says too.
fn last_outcome(chat: &Chat) -> Option<OutcomeKind> {
    let summary = chat.state.summary();
    assert_eq!(chat.state.status().last_outcome, summary.last_outcome);
    summary.last_outcome
}

// REQ-8, NFR-3: that a chat failed can still be told when nobody saw it happen
#[test]
fn a_summary_says_how_the_last_turn_ended_until_another_one_has() {
    let mut chat = Chat::running();
    assert_eq!(last_outcome(&chat), None);
    chat.breaks(4, "ha");
    assert_eq!(last_outcome(&chat), Some(OutcomeKind::Failed));
    chat.close();
    chat.reopen();
    assert_eq!(last_outcome(&chat), Some(OutcomeKind::Failed));
    chat.queue("p2");
    assert_eq!((chat.status(), last_outcome(&chat)), ("running", Some(OutcomeKind::Failed)));
    chat.cancel();
    assert_eq!(last_outcome(&chat), Some(OutcomeKind::Cancelled));
}

// law 5: every way in which a turn ends
#[test]
fn a_summary_names_each_outcome() {
    let ended = |end: fn(&mut Chat)| {
        let mut chat = Chat::running();
        end(&mut chat);
        last_outcome(&chat)
    };
    assert_eq!(ended(|chat| drop(chat.says(4, "yes"))), Some(OutcomeKind::Completed));
    assert_eq!(ended(|chat| drop(chat.cancel())), Some(OutcomeKind::Cancelled));
    assert_eq!(ended(|chat| drop(chat.turn_failed(3))), Some(OutcomeKind::Failed));
    assert_eq!(ended(|chat| drop(chat.recover())), Some(OutcomeKind::Interrupted));
    assert_eq!(ended(|chat| drop(chat.shutdown())), Some(OutcomeKind::Interrupted));
}

#[test]
fn a_summary_does_not_tell_of_a_turn_that_was_cut_away() {
    let mut chat = Chat::running();
    chat.breaks(4, "ha");
    let mut chat = chat.without_place();
    chat.retry(3, "p2");
    assert_eq!(last_outcome(&chat), None);
    chat.withdraw("p2");
    assert_eq!((chat.status(), last_outcome(&chat)), ("idle", None));
}

// constraint 1: what an earlier version stored, and told, is read
#[test]
fn a_summary_and_a_status_without_an_outcome_are_read() {
    let chat = Chat::new();
    let (summary, status) = (chat.state.summary(), chat.state.status());
    let (stored, told) = (json!(summary), json!(status));
    assert_eq!((stored.get("lastOutcome"), told.get("lastOutcome")), (None, None));
    assert_eq!(serde_json::from_value::<Summary>(stored).unwrap(), summary);
    assert_eq!(serde_json::from_value::<ChatStatus>(told).unwrap(), status);
}

#[test]
fn times_come_from_the_facts_and_nowhere_else() {
    let mut chat = Chat::new();
    chat.now = 41;
    chat.queue("p1");
    let summary = chat.state.summary();
    assert_eq!((summary.created_at, summary.updated_at), (Timestamp(0), Timestamp(42)));
    assert_eq!(chat.state.messages()[0].at, Timestamp(42));
}

#[test]
fn the_stored_context_of_chat_and_prompt_reaches_the_step() {
    let object = |n: u64| serde_json::Map::from_iter([("n".to_owned(), n.into())]);
    let mut log = Chat::new().log;
    let created = Recorded {
        event: Event::ChatCreated {
            title: "".into(),
            provenance: Default::default(),
            metadata: Default::default(),
            agent: None,
            context: object(1).into(),
            origin: None,
            archived: false,
        },
        chat_id: chat_id(),
        ..(*log.remove(0)).clone()
    };
    let mut chat = Chat::of_log(&[created.into()]);
    let body = PromptBody { context: object(2).into(), ..PromptBody::text("hi") };
    chat.send_body("p1", PromptMode::Queue, body);
    let step = chat.state.step().unwrap();
    assert_eq!(step.chat_context.get("n"), Some(&1.into()));
    assert_eq!(step.prompt_context.get("n"), Some(&2.into()));
}
