//! A hundred readers of `polychat serve` at once, some of which do not read for as long as their chat
//! writes: each hears its own chat, whole and in order.

use std::sync::Arc;

use futures_util::{StreamExt, future::join_all};
use polychat::transport::http::client::{HttpWorld, HttpWorldOptions};
use polychat::{Chat, Event, LiveBody, Notice, Seq, StartAt, World, ports::NoticeStream};

use crate::child::{ByHand, polychat, within};

const READERS: usize = 100;
/// Of so many readers one does not read until its chat has ended.
const STALLED: usize = 10;
/// Words of each answer.
const WORDS: usize = 60;

/// What a reader was told of one turn: how many words live, and the answer as it was recorded.
struct Heard {
    live: usize,
    answer: String,
}

/// Reads up to the end of the turn. Each recorded event has to be the next one of this chat, and each
/// live one to go on where the text was.
async fn hear(chat: &Chat, mut notices: NoticeStream) -> Heard {
    let (mut seq, mut text, mut answer) = (Seq::ZERO, String::new(), None);
    loop {
        match within(notices.next()).await.expect("the stream has ended") {
            Notice::Recorded { event, .. } => {
                assert_eq!((&event.chat_id, event.seq), (chat.id(), seq.next()));
                seq = event.seq;
                match &event.event {
                    Event::MessageEnd { text, .. } => answer = Some(text.to_string()),
                    Event::TurnEnded { .. } => {
                        let answer: String = answer.expect("an answer before the end");
                        assert!(answer.starts_with(&text), "{text} is not of {answer}");
                        return Heard { live: text.split_whitespace().count(), answer };
                    }
                    _ => {}
                }
            }
            Notice::Live { event, .. } => {
                assert_eq!(event.chat_id, *chat.id());
                if let LiveBody::MessageChunk { offset, text: more, .. } = &event.body {
                    assert_eq!(usize::try_from(*offset), Ok(text.len()));
                    text.push_str(more);
                }
            }
            Notice::Ended(reason) => panic!("ended: {reason:?}"),
            _ => {}
        }
    }
}

// Law 4, issue 6: many streams at once, every tenth of them stalled
#[tokio::test]
async fn a_hundred_readers_each_hear_their_own_chat_whole_though_some_of_them_stall() {
    let arguments = ["serve", "--no-auth", "--listen", "127.0.0.1:0", "--memory"];
    let mut server = ByHand::start(&mut polychat(arguments));
    let url = format!("{}v1/worlds/home", server.line().await.trim()).parse().unwrap();
    let world = HttpWorld::new(url, HttpWorldOptions::default());
    let world = World::of_service(Arc::new(world));
    let reading = (0..READERS).map(|reader| {
        let world = &world;
        async move {
            let chat = within(world.open_chat(format!("chat-{reader}"))).await.unwrap();
            let notices = within(chat.subscribe(StartAt::Start)).await.unwrap();
            let prompt = within(chat.prompt(format!("/long {WORDS}")).send()).await.unwrap();
            if reader % STALLED == 0 {
                // What it has not read is nobody's burden: the turn ends without it.
                within(prompt.outcome()).await.unwrap();
            }
            let heard = hear(&chat, notices).await;
            assert_eq!(heard.answer, within(prompt.answer()).await.unwrap());
            heard
        }
    });
    let heard = join_all(reading).await;
    assert_eq!(heard.len(), READERS);
    for one in &heard {
        assert_eq!(one.answer.split_whitespace().count(), WORDS, "{}", one.answer);
    }
    let live: usize = heard.iter().map(|one| one.live).sum();
    assert!(live > 0, "nobody heard a word before it was recorded");
}
