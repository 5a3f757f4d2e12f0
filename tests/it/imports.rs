//! Chats that come from somewhere else, whole; and copies and hidden chats, kept in a file.

use polychat::{
    ImportedChat, ImportedEntry, Part, PromptOutcome, Timestamp,
    command::{ChatChange, ChatFilter, NewChat, Page},
    event::{ImportedMessage, Origin, TitleProvenance},
    message::Usage,
};

use crate::{
    at_both_doors,
    support::{Ground, assert_sound, chat_id, code, house, messages, names, outcome},
};

/// A chat of another system: a question and its answer.
fn old(id: &str) -> ImportedChat {
    let parts = |text: &str| vec![Part::text(text)];
    let asked = ImportedMessage::User { parts: parts("what is tea?") };
    let answered = ImportedMessage::Assistant {
        author: None,
        parts: parts("a drink"),
        reasoning: "hm".into(),
        tool_calls: Vec::new(),
        usage: Usage::new(3, 2),
        failure: None,
    };
    let mut answered = ImportedEntry::new(answered, Timestamp(20));
    answered.source_id = Some("msg-2".into());
    let mut chat = ImportedChat::new(NewChat::with_id(chat_id(id)).title("Tea"), "my old app")
        .entry(ImportedEntry::new(asked, Timestamp(10)))
        .entry(answered);
    chat.provenance = Some(TitleProvenance::Auto);
    (chat.created_at, chat.updated_at) = (Some(Timestamp(5)), Some(Timestamp(20)));
    chat
}

at_both_doors! {
    /// issue 4; REQ-2, REQ-9
    async fn an_imported_chat_is_there_whole_and_goes_on(house) {
        let chat = house.world.import_chat(old("a")).await.unwrap();
        assert_eq!(messages(&chat).await, ["user: what is tea?", "assistant: a drink"]);
        let snapshot = chat.snapshot().await.unwrap();
        assert_eq!(snapshot.messages[1].source_id.as_deref(), Some("msg-2"));
        let summary = snapshot.summary;
        assert_eq!((summary.created_at, summary.updated_at), (Timestamp(5), Timestamp(20)));
        assert_eq!((&*summary.title, summary.provenance), ("Tea", TitleProvenance::Auto));
        let origin = Origin::Import {
            source: "my old app".into(),
            created_at: Some(Timestamp(5)),
            updated_at: Some(Timestamp(20)),
        };
        assert_eq!(summary.origin, Some(origin));
        // The model hears what was said there.
        let (prompt, call) = house.begin(&chat, "and coffee?").await;
        let heard: Vec<_> = call.request().messages.iter().map(|it| it.text()).collect();
        assert_eq!(heard, ["what is tea?", "a drink", "and coffee?"]);
        call.text("another").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// law 5: an import happens whole, and once
    async fn an_id_that_was_used_takes_no_import(house) {
        let chat = house.world.import_chat(old("a")).await.unwrap();
        let before = names(&chat).await;
        assert_eq!(code(house.world.import_chat(old("a")).await), "chat_exists");
        assert_eq!(names(&chat).await, before);
        chat.delete().await.unwrap();
        assert_eq!(code(house.world.import_chat(old("a")).await), "chat_deleted");
        let mut broken = old("b");
        broken.history.remove(1);
        broken.history.push(ImportedEntry::new(
            ImportedMessage::Tool { index: 0, output: Default::default(), failure: None },
            Timestamp(30),
        ));
        assert_eq!(code(house.world.import_chat(broken).await), "invalid_input");
        let all = house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap();
        assert_eq!(all.chats, []);
    }
}

// issue 4: forks and hidden chats are in the file as they are in memory
#[tokio::test(start_paused = true)]
async fn forked_imported_and_archived_chats_outlive_the_process() {
    for ground in [Ground::memory(), Ground::file()] {
        let first = house().on(&ground).open().await;
        let source = first.chat("source").await;
        first.turn(&source, "one", "first").await;
        let at = source.snapshot().await.unwrap().messages[1].id;
        first.turn(&source, "two", "second").await;
        source.fork(at, NewChat::with_id(chat_id("copy"))).await.unwrap();
        source.update(ChatChange::default().archived(true)).await.unwrap();
        first.world.import_chat(old("old")).await.unwrap();
        first.world.shutdown().await;
        drop(first);
        ground.reopen();

        let second = house().on(&ground).open().await;
        let shown = second.world.chats(Page::first(9), ChatFilter::new()).await.unwrap().chats;
        let shown: Vec<_> = shown.iter().map(|it| it.chat_id.as_str()).collect();
        assert_eq!(shown, ["copy", "old"]);
        let all = ChatFilter::new().with_archived();
        assert_eq!(second.world.chats(Page::first(9), all).await.unwrap().chats.len(), 3);
        let copy = second.world.chat("copy").unwrap();
        assert_eq!(messages(&copy).await, ["user: one", "assistant: first"]);
        second.turn(&copy, "three", "third").await;
        let source = second.world.chat("source").unwrap();
        assert_eq!(messages(&source).await.len(), 4, "a fork's turn is not its source's");
        let old = second.world.chat("old").unwrap();
        assert_eq!(messages(&old).await, ["user: what is tea?", "assistant: a drink"]);
        for chat in [&copy, &source, &old] {
            assert_sound(chat).await;
        }
    }
}
