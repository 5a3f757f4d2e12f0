//! Many streams at once, some of which nobody reads: judged by sequence, never by the clock.

use futures_util::future::join_all;

use super::{door, page::Page};
use crate::support::{house, log, outcome};

const CHATS: usize = 100;
const CHUNKS: usize = 20;

// law 4, law 6, issue 6: nothing is lost, and who reads nothing holds up neither chats nor readers
#[tokio::test(start_paused = true)]
async fn a_hundred_streams_get_all_there_is_while_every_tenth_is_not_read() {
    let house = house().open().await;
    let router = door(&house.local);
    let (mut chats, mut pages) = (Vec::new(), Vec::new());
    for n in 0..CHATS {
        let id = format!("c{n}");
        chats.push(house.chat(&id).await);
        pages.push(Page::open(&router, &format!("/chats/{id}/events"), &[&id]).await);
    }
    let mut stalled: Vec<Page> = Vec::new();
    for n in (0..CHATS).step_by(10).rev() {
        stalled.push(pages.remove(n));
    }
    let mut turns = Vec::new();
    for (n, chat) in chats.iter().enumerate() {
        turns.push(house.begin(chat, &format!("hello {n}")).await);
    }
    let reading: Vec<_> = pages
        .into_iter()
        .map(|mut page| {
            tokio::spawn(async move {
                page.until_ended(1).await;
                page
            })
        })
        .collect();
    for chunk in 0..CHUNKS {
        for (n, (_, call)) in turns.iter().enumerate() {
            call.text(format!("{chunk} of {n}, ")).drained().await;
        }
    }
    for (prompt, call) in &turns {
        call.finish();
        outcome(prompt).await;
    }
    let mut pages: Vec<Page> = join_all(reading).await.into_iter().map(Result::unwrap).collect();
    let in_step = pages.iter().map(|page| page.only().chunks).min();
    assert!(in_step > Some(CHUNKS / 2), "readers in step see the text as it comes: {in_step:?}");
    for mut page in stalled {
        page.until_ended(1).await;
        assert!(page.only().chunks <= 2, "one that stopped has missed nothing and gets it in one");
        pages.push(page);
    }
    assert_eq!(pages.len(), CHATS);
    for page in &pages {
        let seen = page.only();
        let chat = chats.iter().find(|chat| *chat.id() == seen.view.chat_id).unwrap();
        let seqs: Vec<u64> = log(chat).await.iter().map(|recorded| recorded.seq.get()).collect();
        assert_eq!(seen.seqs, seqs);
        let n = &chat.id().as_str()[1..];
        let whole: String = (0..CHUNKS).map(|chunk| format!("{chunk} of {n}, ")).collect();
        assert_eq!(seen.view.messages.last().unwrap().text, whole);
    }
}
