//! Lists of many chats: what one page costs, and that pages miss nothing.

use polychat::{ChatFilter, NewChat, Page, Seq, command::ChatChange, content::json_bytes};
use polychat_testkit::faulty_store::Call;

use crate::support::{House, house, within};

const CHATS: usize = 100;

async fn crowded_house() -> House {
    let house = house().limits(|limits| limits.page_max = 5).open().await;
    for n in 0..CHATS {
        // Every tenth one is about tea, and the last one about coffee.
        let title = match n {
            99 => "On Coffee",
            n if n % 10 == 0 => "All about TEA",
            _ => "something else",
        };
        let chat = NewChat::with_id(crate::support::chat_id(&format!("chat-{n:03}")));
        house.world.create_chat(chat.title(title)).await.unwrap();
    }
    house
}

/// All chats that fit, page by page, and how many pages that were; each page was cheap.
async fn all(house: &House, filter: ChatFilter, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut page) = (Vec::new(), 0, Page::first(limit));
    loop {
        let calls_before = house.faults.calls(Call::List);
        let read = within(house.world.chats(page, filter.clone())).await.unwrap();
        let looked_at = house.faults.calls(Call::List) - calls_before;
        assert!(looked_at <= 4, "one page looks at {looked_at} pages of the store");
        assert!(read.chats.len() <= limit);
        pages += 1;
        found.extend(read.chats.into_iter().map(|chat| chat.chat_id.as_str().to_owned()));
        let Some(next) = read.next else { return (found, pages) };
        page = Page::after(next, limit);
    }
}

// Law 7, issue 4: a page of a list costs as much as a page, however few chats fit
#[tokio::test(start_paused = true)]
async fn a_page_of_a_list_looks_at_some_chats_only_and_the_next_one_goes_on() {
    let house = crowded_house().await;
    let about = |title: &str| ChatFilter::new().title_contains(title);
    for limit in [1, 3, 5, 99] {
        let (tea, _) = all(&house, about("tea"), limit).await;
        let every_tenth: Vec<_> = (0..10).map(|n| format!("chat-{:03}", n * 10)).collect();
        assert_eq!(tea, every_tenth, "{limit}");
        let (coffee, pages) = all(&house, about("coffee"), limit).await;
        assert_eq!(coffee, ["chat-099"]);
        assert!(pages >= CHATS / (4 * 5), "{pages}");
        assert_eq!(all(&house, about("chocolate"), limit).await.0, [""; 0]);
    }
}

// Law 7: chats that are hidden are looked past likewise
#[tokio::test(start_paused = true)]
async fn a_crowd_of_hidden_chats_makes_no_page_dear_and_hides_none_that_is_shown() {
    let house = crowded_house().await;
    for n in 0..CHATS - 1 {
        let chat = house.world.chat(format!("chat-{n:03}")).unwrap();
        chat.update(ChatChange::default().archived(true)).await.unwrap();
    }
    for limit in [1, 5] {
        assert_eq!(all(&house, ChatFilter::new(), limit).await.0, ["chat-099"]);
        assert_eq!(all(&house, ChatFilter::new().with_archived(), limit).await.0.len(), CHATS);
    }
}

// law 7: what is read of a chat takes no more than a page may, however long its messages are
#[tokio::test(start_paused = true)]
async fn pages_of_messages_and_of_the_log_end_before_they_are_too_much_and_miss_nothing() {
    const BYTES_MAX: usize = 10_000;
    let house = house().limits(|limits| limits.page_bytes_max = BYTES_MAX).open().await;
    let chat = house.chat("a").await;
    for n in 0..40 {
        // The longest is a page of its own.
        let bytes = if n == 7 { 2 * BYTES_MAX } else { 2_000 };
        house.turn(&chat, &format!("q{n}"), &"x".repeat(bytes)).await;
    }
    let (mut messages, mut pages, mut page) = (Vec::new(), 0, Page::first(500));
    loop {
        let read = within(chat.messages(page)).await.unwrap();
        let bytes: usize = read.messages.iter().map(json_bytes).sum();
        assert!(bytes <= BYTES_MAX || read.messages.len() == 1, "{bytes} bytes");
        messages.extend(read.messages);
        pages += 1;
        let Some(next) = read.next else { break };
        page = Page::after(next, 500);
    }
    assert_eq!(messages, within(chat.snapshot()).await.unwrap().messages);
    assert!((10..=40).contains(&pages), "{pages} pages");
    let (mut seqs, mut pages) = (vec![Seq::ZERO], 0);
    loop {
        let after = *seqs.last().unwrap();
        let read = within(chat.log(after, 500)).await.unwrap();
        let bytes: usize = read.events.iter().map(json_bytes).sum();
        assert!(bytes <= BYTES_MAX || read.events.len() == 1, "{bytes} bytes");
        seqs.extend(read.events.iter().map(|recorded| recorded.seq));
        pages += 1;
        if seqs.last() == Some(&read.head) {
            break;
        }
    }
    assert!(seqs.windows(2).all(|pair| pair[0].next() == pair[1]));
    assert!((10..=80).contains(&pages), "{pages} pages of {} records", seqs.len());
}
