//! What people read.

use polychat_core::{
    AgentName, Command, Failure, FailureKind, Part, Timestamp,
    command::{ImportedChat, ImportedEntry, NewChat},
    content::BlobSource,
    event::ImportedMessage,
    message::Usage,
    ports::WorldService,
    tool::{ToolCall, ToolOutput},
};
use polychat_transfer::Export;

use crate::support::{chat_id, old_chat, world};

const EXPECTED: &str = "\
# Tea \\<b\\> \\# and \\*more\\*

Chat ``a`b``, 4 messages, begun 2023-11-14T22:13:20Z

**User**, 2023-11-14T22:13:20Z

> \\<!-- look
> # at this

*image/png*, 4 bytes as Base64

**guide**, 2023-11-14T22:13:20Z

*thinking*

> hm

*saying*

> `<b>` it is

Call of **look\\_up**

````json
{
  \"q\": \"```\"
}
````

Answer of **look\\_up**, 2023-11-14T22:13:20Z

`````text
````
</details>
`````

*Ended early: tool\\_failed: no*

**Assistant**, 9999-12-31T23:59:59Z

> bye
";

// issue 4: Markdown for reading, also of hostile text
#[tokio::test(start_paused = true)]
async fn a_chat_reads_well_whatever_was_said_in_it() {
    let world = world("home").await;
    let at = Timestamp(1_700_000_000_000);
    let mut chat = ImportedChat::new(
        NewChat::with_id(chat_id("a`b")).title("Tea <b>\n# and *more*"),
        "my old app",
    );
    chat.created_at = Some(at);
    let image = BlobSource::Base64 { data: "AAAA".into() };
    let image = Part::Blob { media_type: "image/png".into(), source: image };
    let call = ToolCall {
        name: "look_up".into(),
        arguments: serde_json::json!({ "q": "```" }),
        provider_call_id: None,
    };
    let speak = |author, text: &str, reasoning: &str, tool_calls| ImportedMessage::Assistant {
        author,
        parts: vec![Part::text(text)],
        reasoning: reasoning.into(),
        tool_calls,
        usage: Usage::default(),
        failure: None,
    };
    let guide = AgentName::new("guide").ok();
    let history = [
        (ImportedMessage::User { parts: vec![Part::text("<!-- look\r# at this"), image] }, at),
        (speak(guide, "`<b>` it is", "hm", vec![call]), at),
        (
            ImportedMessage::Tool {
                index: 0,
                output: ToolOutput::text("````\n</details>"),
                failure: Some(Failure::new(FailureKind::ToolFailed, "no")),
            },
            at,
        ),
        (speak(None, "bye", "", Vec::new()), Timestamp(253_402_300_799_999)),
    ];
    for (message, at) in history {
        chat = chat.entry(ImportedEntry::new(message, at));
    }
    world.call(Command::ImportChat { chat: Box::new(chat) }).await.unwrap();
    let text = Export::chat(world, chat_id("a`b")).markdown().into_text().await.unwrap();
    assert_eq!(text, EXPECTED);
}

// issue 4: Markdown of a world
#[tokio::test(start_paused = true)]
async fn a_world_has_its_chats_below_its_heading() {
    let world = world("home").await;
    for id in ["a", "b"] {
        let chat = Box::new(old_chat(id, &["x"]));
        world.call(Command::ImportChat { chat }).await.unwrap();
    }
    let mut written = Vec::new();
    let bytes = Export::world(world).markdown().write_to(&mut written).await.unwrap();
    assert_eq!(bytes, written.len() as u64);
    let text = String::from_utf8(written).unwrap();
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(headings, ["# home", "## a", "## b"]);
    assert!(text.contains("- agent **demo**, speaking through `demo`\n"));
}
