//! What is taken out and brought in again is the same, to the last byte.

use polychat_core::{
    ChatId, Command, Summary, Timestamp,
    agent::WorldSettings,
    command::{ChatChange, ImportedChat, ImportedEntry, NewChat},
    content::Text,
    event::{ImportedMessage, Origin, TitleProvenance},
    message::{SharedMessage, Usage},
    ports::WorldService,
    tool::ToolOutput,
};
use polychat_testkit::arbitrary::{
    agent_name, chat_id as any_chat_id, failure, metadata, number, parts, text, tool_call,
};
use polychat_transfer::Import;
use polychat_world_actor::LocalWorld;
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::support::{agent, ask, chat_id, create, import, lines, snapshot, world};

/// A message of a person, or of an agent with answers to some of its calls.
fn exchange() -> BoxedStrategy<Vec<ImportedMessage>> {
    let answered = (parts(), option::of(failure()), any::<bool>());
    prop_oneof![
        parts().prop_map(|parts| vec![ImportedMessage::User { parts }]),
        (
            (option::of(agent_name()), parts(), text()),
            vec((tool_call(), answered), 0..3),
            (number(), number(), option::of(failure())),
        )
            .prop_map(|((author, parts, reasoning), calls, (read, written, failure))| {
                let (tool_calls, answers): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
                let usage = Usage::new(read, written);
                let asked = ImportedMessage::Assistant {
                    author,
                    parts,
                    reasoning,
                    tool_calls,
                    usage,
                    failure,
                };
                let mut messages = vec![asked];
                for (index, (parts, failure, is_there)) in answers.into_iter().enumerate() {
                    let output = ToolOutput { parts, ..ToolOutput::default() };
                    let index = u16::try_from(index).unwrap();
                    messages.extend(is_there.then_some(ImportedMessage::Tool {
                        index,
                        output,
                        failure,
                    }));
                }
                messages
            }),
    ]
    .boxed()
}

/// Any time that may be brought in.
fn time() -> BoxedStrategy<Timestamp> {
    (0..=253_402_300_799_999_u64).prop_map(Timestamp).boxed()
}

/// Names of messages, which are opaque; in one chat they differ.
fn history() -> BoxedStrategy<Vec<ImportedEntry>> {
    let entry = (any::<bool>(), time(), metadata());
    vec((exchange(), vec(entry, 4)), 0..5)
        .prop_map(|exchanges| {
            let mut history = Vec::new();
            for (messages, besides) in exchanges {
                for (message, (is_named, at, metadata)) in messages.into_iter().zip(besides) {
                    let mut entry = ImportedEntry::new(message, at);
                    entry.metadata = metadata;
                    let name = format!("name \"{}\"", history.len());
                    entry.source_id = is_named.then(|| Text::from(name));
                    history.push(entry);
                }
            }
            history
        })
        .boxed()
}

fn chat() -> BoxedStrategy<ImportedChat> {
    use TitleProvenance as P;
    let title = text().prop_filter("within its limit", |title| title.len() <= 512);
    let provenance = select(vec![P::Default, P::Auto, P::Manual]);
    let times = (option::of(time()), option::of(time()));
    (any_chat_id(), title, provenance, any::<bool>(), metadata(), times, history())
        .prop_map(|(id, title, provenance, archived, metadata, times, history)| {
            let new = NewChat::with_id(id).title(title).metadata(metadata);
            let mut chat = ImportedChat::new(new, "my \"old\" app\n");
            (chat.provenance, chat.archived) = (Some(provenance), archived);
            (chat.created_at, chat.updated_at) = times;
            chat.history = history;
            chat
        })
        .boxed()
}

/// All that is known of an imported chat. What a message was never called is its place now.
async fn known(world: &LocalWorld, id: &ChatId) -> (Summary, Vec<ImportedEntry>) {
    let mut snapshot = snapshot(world, id.as_str()).await;
    if let Some(Origin::Import { created_at, updated_at, .. }) = &mut snapshot.summary.origin {
        (*created_at, *updated_at) = (None, None); // what they say, the summary says
    }
    let entry = |message: &SharedMessage| {
        let mut entry = ImportedEntry::of(message);
        entry.source_id.get_or_insert_with(|| message.id.to_string().into());
        entry
    };
    (snapshot.summary, snapshot.messages.iter().map(entry).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // issue 4: import → export → import is equal
    #[test]
    fn any_chats_come_back_as_they_went(chats in vec(chat(), 0..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let first = world("home").await;
            let ids: Vec<_> = chats.iter().filter_map(|chat| chat.chat.id.clone()).collect();
            for chat in chats {
                // Two chats may have been given the same id.
                let _ = first.call(Command::ImportChat { chat: Box::new(chat) }).await;
            }
            let before = lines(&first).await;
            let second = world("home").await;
            let report = import(&second, &before).await;
            prop_assert!(report.is_whole(), "{:?}", report.problems);
            let after = lines(&second).await;
            prop_assert_eq!(&after, &before);
            // The lines may be equal because both lack something; what they are about may not.
            for id in &ids {
                prop_assert_eq!(known(&second, id).await, known(&first, id).await);
            }
            let again = import(&second, &before).await;
            prop_assert!(again.is_whole(), "{:?}", again.problems);
            prop_assert_eq!(again.chats_already_there, report.chats_imported);
            prop_assert_eq!(again.chats_imported, 0);
            prop_assert_eq!(lines(&second).await, before);
            Ok(())
        })?;
    }
}

// issue 4: nothing is lost of chats that were born here either
#[tokio::test(start_paused = true)]
async fn chats_that_were_born_here_come_back_as_they_went() {
    let first = world("home").await;
    first
        .call(Command::PutAgent { agent: agent("guide").system("You know the way.") })
        .await
        .unwrap();
    let mut settings = WorldSettings::default();
    settings.mentions = true;
    first.call(Command::UpdateWorld { settings }).await.unwrap();
    let new = NewChat::with_id(chat_id("a")).title("Tea").agent(agent("guide").name);
    create(&first, new.metadata([("tag", "x")]).context([("folder", "/srv")])).await;
    ask(&first, "a", "my name is Ada").await;
    ask(&first, "a", "what is my name?").await;
    let last = snapshot(&first, "a").await.messages.last().unwrap().id;
    let fork = NewChat::with_id(chat_id("b"));
    first.call(Command::ForkChat { from: chat_id("a"), at: last, chat: fork }).await.unwrap();
    let change = ChatChange::default().archived(true);
    first.call(Command::UpdateChat { chat: chat_id("a"), change }).await.unwrap();

    let before = lines(&first).await;
    assert_eq!(before.matches("\"type\":\"message\"").count(), 8);
    assert!(before.contains("polychat home, a fork of a at"));
    // The host context says where a chat lives, not what was said.
    assert!(!before.contains("/srv"));
    let second = world("home").await;
    let report = Import::new(second.clone()).take_settings().json_lines(before.as_bytes()).await;
    let report = report.unwrap();
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.chats_imported, report.messages_imported, report.agents_added), (2, 8, 1));
    assert_eq!(lines(&second).await, before);
    // And where they were born, they are there already.
    assert_eq!(import(&first, &before).await.chats_already_there, 2);
}
