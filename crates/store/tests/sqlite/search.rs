//! Search: what is found is what the histories say, whatever happened to them.

use polychat_core::{
    ChatId, Event, Failure, FailureKind, Part, Seq, Timestamp, TurnId,
    command::Page,
    event::{ImportedMessage, WithdrawReason},
    ports::{Search, SearchQuery, StoreErrorKind},
    seq::MessageId,
    tool::ToolOutput,
};
use polychat_store::sqlite::Problem;
use polychat_testkit::samples::{chat_id, prompt_id, world_id};
use proptest::{prelude::*, sample::Index, test_runner::Config};

use super::support::{Chat, Place, accepted, ended, message_end, message_start, search, started};

#[tokio::test]
async fn messages_are_found_by_their_words_with_chat_message_and_place() {
    let place = Place::new();
    let store = place.store();
    let mut tea = Chat::create(&store, "w", "tea").await;
    let (asked, said) =
        tea.turn("Which tea is green?", "Sencha is a GREEN tea, and so is Gyokuro.").await;
    let mut other = Chat::create(&store, "w", "other").await;
    other.turn("Nothing of it here", "nor here").await;

    let query = SearchQuery::new("green tea", Page::first(10));
    let page = store.search(&world_id("w"), &query).await.unwrap();
    let hits: Vec<_> = page.hits.iter().map(|hit| (hit.chat_id.as_str(), hit.message_id)).collect();
    assert_eq!(hits, [("tea", said), ("tea", asked)]);
    let marked = |n: usize| -> Vec<&str> {
        let snippet = &page.hits[n].snippet;
        snippet.marks.iter().map(|mark| &snippet.text[mark.clone()]).collect()
    };
    assert_eq!((marked(0), marked(1)), (vec!["GREEN", "tea"], vec!["tea", "green"]));
    assert_eq!(&*page.hits[1].snippet.text, "Which tea is green?");
}

// REQ-5, NFR-1
#[tokio::test]
async fn a_search_sees_one_world_or_one_chat_of_it() {
    let place = Place::new();
    let store = place.store();
    for world in ["w", "v"] {
        for chat in ["a", "b"] {
            Chat::create(&store, world, chat).await.turn("needle", "thread").await;
        }
    }
    assert_eq!(search(&store, "w", "needle ").await, [("b".to_owned(), 2), ("a".to_owned(), 2)]);
    assert_eq!(search(&store, "unknown", "needle ").await, []);
    let of = async |chat: ChatId| {
        let query = SearchQuery::new("needle", Page::first(10)).in_chat(chat);
        store.search(&world_id("v"), &query).await.unwrap().hits.len()
    };
    assert_eq!((of(chat_id("a")).await, of(chat_id("c")).await), (1, 0));
    // The words that say where a message stands are none that anybody says.
    assert_eq!(search(&store, "w", "w1 ").await, []);
    assert_eq!(search(&store, "w", "c1 ").await, []);
}

// law 7: nothing a person types is syntax, an error, or unbounded
#[tokio::test]
async fn whatever_is_typed_is_words() {
    let place = Place::new();
    let store = place.store();
    Chat::create(&store, "w", "a").await.turn("x AND y", "a \"b\" c* (d) NEAR/2 place : w1").await;
    let typed = [
        "\"",
        "\"\"\"",
        "*",
        "a*",
        "(",
        ")",
        "x AND",
        "AND",
        "NOT x",
        "x OR",
        "NEAR(x y)",
        "words : x",
        "place : \"w2\"",
        "-x",
        "^x",
        "x + y",
        "{words}",
        ":",
        "'; DROP TABLE events; --",
        "\0",
        "a\0b",
        "\u{200B}",
        "\u{1}x\u{2}",
        "%",
        "\\",
        "x AND y\" OR place : \"w2",
    ];
    let long = "z".repeat(1_000_000);
    for text in typed.into_iter().chain([long.as_str()]) {
        let query = SearchQuery::new(text, Page::first(10));
        let page = store.search(&world_id("w"), &query).await;
        assert!(page.is_ok(), "{text:?}: {page:?}");
    }
    assert_eq!(search(&store, "w", "x AND y").await.len(), 1);
    assert_eq!(search(&store, "w", "\"b\" ").await.len(), 1);
    assert_eq!(search(&store, "w", "c* ").await.len(), 1);
}

#[tokio::test]
async fn pages_join_without_gap_or_repeat_also_while_messages_come() {
    let place = Place::new();
    let store = place.store();
    let mut chats = Vec::new();
    for n in 0..7 {
        let mut chat = Chat::create(&store, "w", &format!("c{n}")).await;
        chat.turn("needle", "thread").await;
        chats.push(chat);
    }
    let all = search(&store, "w", "needle").await;
    assert_eq!(all.len(), 7);
    for limit in 1..9 {
        let (mut found, mut page) = (Vec::new(), Page::first(limit));
        loop {
            let query = SearchQuery::new("needle", page);
            let part = store.search(&world_id("w"), &query).await.unwrap();
            assert!(part.hits.len() <= limit);
            found.extend(part.hits.iter().map(|hit| hit.chat_id.to_string()));
            let Some(next) = part.next else { break };
            page = Page::after(next, limit);
            if found.len() == 2 {
                chats[0].turn("needle", "newer than this search").await;
            }
        }
        let chats: Vec<_> = all.iter().map(|(chat, _)| chat.clone()).collect();
        // The newer ones come first in a search that begins later.
        let first = found.len() - 7;
        assert_eq!(found[first..], chats[..], "{limit}");
    }
    let query = SearchQuery::new("needle", Page::after("nowhere", 1));
    let lost = store.search(&world_id("w"), &query).await.unwrap_err();
    assert_eq!(lost.kind, StoreErrorKind::NotFound);
    let none = store.search(&world_id("w"), &SearchQuery::new("needle", Page::first(0))).await;
    assert_eq!(none.unwrap().hits, []);
}

#[tokio::test]
async fn prompts_are_found_from_when_they_join_and_as_they_were_edited() {
    let place = Place::new();
    let store = place.store();
    let mut chat = Chat::create(&store, "w", "a").await;
    chat.append([accepted("one", "first"), started(&["one"])]).await;
    chat.append([accepted("two", "second")]).await;
    chat.append([accepted("three", "third"), accepted("four", "fourth")]).await;
    let parts = Some(vec![Part::text("edited")]);
    chat.append([Event::PromptEdited { prompt_id: prompt_id("two"), parts, mode: None }]).await;
    let reason = WithdrawReason::Requested;
    chat.append([Event::PromptWithdrawn { prompt_id: prompt_id("three"), reason }]).await;
    let turn_id = TurnId(Seq::ZERO.plus(3));
    for word in ["second", "edited", "third", "fourth"] {
        assert_eq!(search(&store, "w", word).await, [], "{word} waits or is gone");
    }
    assert_eq!(search(&store, "w", "first").await, [("a".to_owned(), 2)]);
    chat.append([Event::PromptJoined { prompt_id: prompt_id("two"), turn_id }]).await;
    chat.append([ended(turn_id)]).await;
    chat.append([started(&["four"])]).await;
    for word in ["second", "third"] {
        assert_eq!(search(&store, "w", word).await, [], "{word}");
    }
    // A message keeps its name, wherever its text stands.
    assert_eq!(search(&store, "w", "edited").await, [("a".to_owned(), 4)]);
    assert_eq!(search(&store, "w", "fourth").await, [("a".to_owned(), 6)]);
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn what_was_imported_is_found_and_outputs_of_tools_are_not() {
    let place = Place::new();
    let store = place.store();
    let mut chat = Chat::create(&store, "w", "seed").await;
    let import = |message| Event::MessageImported {
        source_id: None,
        message: Box::new(message),
        written_at: Timestamp(5),
        metadata: polychat_core::Metadata::NONE,
    };
    let parts = |text: &str| vec![Part::text(text)];
    let call = polychat_testkit::samples::tool_call();
    let output = ToolOutput { parts: parts("toolish"), cut_bytes: 0, unshown_bytes: 0 };
    chat.append([
        import(ImportedMessage::User { parts: parts("imported question") }),
        import(ImportedMessage::Assistant {
            author: None,
            parts: parts("imported answer"),
            reasoning: "".into(),
            tool_calls: vec![call],
            usage: Default::default(),
            failure: None,
        }),
        import(ImportedMessage::Tool { index: 0, output, failure: None }),
    ])
    .await;
    let seed = |n| ("seed".to_owned(), n);
    assert_eq!(search(&store, "w", "imported").await, [seed(3), seed(2)]);
    assert_eq!(search(&store, "w", "toolish").await, []);
    assert!(store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn what_is_cut_or_deleted_is_not_found() {
    let place = Place::new();
    let store = place.store();
    let mut chat = Chat::create(&store, "w", "a").await;
    chat.turn("alpha", "beta").await;
    let (cut, _) = chat.turn("gamma", "delta").await;
    chat.turn("epsilon", "zeta").await;
    let turn = TurnId(chat.head().plus(3));
    chat.append([
        Event::HistoryTruncated { from: cut },
        accepted("again", "gamma anew"),
        started(&["again"]),
    ])
    .await;
    chat.append([ended(turn)]).await;
    for word in ["delta", "epsilon", "zeta"] {
        assert_eq!(search(&store, "w", word).await, [], "{word}");
    }
    assert_eq!(search(&store, "w", "gamma").await, [("a".to_owned(), turn.0.get() - 1)]);
    assert_eq!(search(&store, "w", "alpha").await.len(), 1);
    assert!(store.verify().await.unwrap().is_sound());

    Chat::create(&store, "w", "b").await.turn("alpha", "beta").await;
    chat.delete().await;
    assert_eq!(search(&store, "w", "alpha").await, [("b".to_owned(), 2)]);
    assert_eq!(search(&store, "w", "gamma").await, []);
    drop(store);
    let left = "SELECT count(*) FROM messages";
    let left: i64 = place.stranger().query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn words_are_found_in_any_script_and_a_broken_off_answer_too() {
    let place = Place::new();
    let store = place.store();
    let mut chat = Chat::create(&store, "w", "a").await;
    chat.turn("私は東京に住んでいます", "Žluťoučký kůň").await;
    let prompt = accepted("p", "ask");
    let (turn, message) = (TurnId(chat.head().plus(2)), MessageId(chat.head().plus(3)));
    chat.append([prompt, started(&["p"]), message_start(turn)]).await;
    let failure = Failure::new(FailureKind::ModelUnavailable, "gone");
    let (text, reasoning) = ("unfinished symph".into(), "musing".into());
    chat.append([Event::MessageError { message_id: message, text, reasoning, failure }]).await;
    for (text, found) in [
        ("東京", 1),
        ("住ん", 1),
        ("京東", 0),
        ("zlutoucky", 1),
        ("KŮŇ", 1),
        ("unfinish", 1),
        ("unfinish ", 0),
        ("musing", 0),
        ("nishe", 0),
    ] {
        assert_eq!(search(&store, "w", text).await.len(), found, "{text:?}");
    }
}

// law 1: chats go on without the index, and it comes back
#[tokio::test]
async fn a_damaged_index_holds_up_no_chat_and_is_made_anew_at_the_next_opening() {
    for damage in [
        // What it looks at first, a table of its own, and all that it knows.
        "DELETE FROM found_data WHERE id = 10",
        "DROP TABLE found_docsize",
        "INSERT INTO messages SELECT id + 1, 99, 1, 1 FROM messages ORDER BY id DESC LIMIT 1;
         DELETE FROM messages WHERE log = 99; DELETE FROM found_data",
    ] {
        let place = Place::new();
        let store = place.store();
        let mut a = Chat::create(&store, "w", "a").await;
        let mut b = Chat::create(&store, "w", "b").await;
        let mut gone = Chat::create(&store, "w", "gone").await;
        a.turn("needle one", "thread").await;
        b.turn("needle two", "thread").await;
        gone.turn("needle three", "thread").await;
        place.stranger().execute_batch(damage).unwrap();
        a.turn("needle four", "thread").await;
        b.turn("needle five", "thread").await;
        gone.delete().await;
        a.turn("needle six", "thread").await;
        let wanted = [("a", a.head().get() - 4), ("b", 7), ("a", 7), ("b", 2), ("a", 2)];

        let query = SearchQuery::new("needle", Page::first(10));
        let refused = store.search(&world_id("w"), &query).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{damage}");
        let problems: Vec<_> =
            store.verify().await.unwrap().findings.into_iter().map(|f| f.problem).collect();
        assert!(problems.contains(&Problem::SearchGivenUp), "{damage}: {problems:?}");
        store.close().await;

        let store = place.store();
        let found = search(&store, "w", "needle").await;
        let found: Vec<_> = found.iter().map(|(chat, n)| (chat.as_str(), *n)).collect();
        assert_eq!(found, wanted, "{damage}");
        let findings = store.verify().await.unwrap().findings;
        assert_eq!(findings, [], "{damage}");
    }
}

/// What may happen to a chat; what cannot follow is left out.
#[derive(Debug, Clone)]
enum Happens {
    Accept,
    AcceptAndStart,
    Start(Index),
    Join(Index),
    Edit(Index),
    Withdraw(Index),
    Answer,
    End,
    Cut(Index),
    Import,
}

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let index = any::<Index>;
    let one = prop_oneof![
        3 => Just(Happens::Accept),
        2 => Just(Happens::AcceptAndStart),
        3 => index().prop_map(Happens::Start),
        2 => index().prop_map(Happens::Join),
        2 => index().prop_map(Happens::Edit),
        1 => index().prop_map(Happens::Withdraw),
        4 => Just(Happens::Answer),
        4 => Just(Happens::End),
        2 => index().prop_map(Happens::Cut),
        1 => Just(Happens::Import),
    ];
    prop::collection::vec(one, 1..40)
}

/// The events of one append, each text with a word of its own.
fn events(chat: &Chat<'_>, n: usize, happens: &Happens) -> Option<Vec<Event>> {
    let state = &chat.state;
    let word = format!("word{n}");
    let waiting = |index: &Index| {
        let waiting: Vec<String> = (0..n).map(|n| format!("p{n}")).collect();
        (!waiting.is_empty()).then(|| index.get(&waiting).clone())
    };
    Some(match happens {
        Happens::Accept => vec![accepted(&format!("p{n}"), &word)],
        Happens::AcceptAndStart => {
            let prompt = format!("p{n}");
            vec![accepted(&prompt, &word), started(&[&prompt])]
        }
        Happens::Start(index) => vec![started(&[&waiting(index)?])],
        Happens::Join(index) => vec![Event::PromptJoined {
            prompt_id: prompt_id(&waiting(index)?),
            turn_id: state.turn()?,
        }],
        Happens::Edit(index) => vec![Event::PromptEdited {
            prompt_id: prompt_id(&waiting(index)?),
            parts: Some(vec![Part::text(&*word)]),
            mode: None,
        }],
        Happens::Withdraw(index) => vec![Event::PromptWithdrawn {
            prompt_id: prompt_id(&waiting(index)?),
            reason: WithdrawReason::Requested,
        }],
        Happens::Answer => {
            let message = MessageId(state.head().next());
            vec![message_start(state.turn()?), message_end(message, &word)]
        }
        Happens::End => vec![ended(state.turn()?)],
        Happens::Cut(index) => {
            let users: Vec<_> = state.messages().iter().filter(|m| m.is_user()).collect();
            let from = (!users.is_empty()).then(|| index.get(&users).id)?;
            vec![Event::HistoryTruncated { from }]
        }
        Happens::Import => vec![Event::MessageImported {
            source_id: None,
            message: Box::new(ImportedMessage::User { parts: vec![Part::text(&*word)] }),
            written_at: Timestamp(1),
            metadata: polychat_core::Metadata::NONE,
        }],
    })
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    // REQ-9: found is what the fold of the log holds, neither more nor less
    #[test]
    fn what_is_found_is_what_the_history_holds(happenings in happenings()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let place = Place::new();
            let store = place.store();
            let mut chat = Chat::create(&store, "w", "a").await;
            for (n, happens) in happenings.iter().enumerate() {
                if let Some(events) = events(&chat, n, happens) {
                    chat.try_append(events).await;
                }
            }
            let said = |n: usize| {
                let word = format!("word{n}");
                let holds = chat.state.messages().iter().find(|message| message.text() == word);
                holds.map(|message| ("a".to_owned(), message.id.0.get()))
            };
            for n in 0..happenings.len() {
                let found = search(&store, "w", &format!("word{n} ")).await;
                assert_eq!(found, said(n).into_iter().collect::<Vec<_>>(), "word{n}");
            }
            assert!(store.verify().await.unwrap().is_sound());
        });
    }
}
