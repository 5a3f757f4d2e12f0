//! `DemoModel`: what it says, and how it misbehaves.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt};
use polychat_core::{
    AgentName,
    message::Usage,
    ports::{Model, ModelDelta, ModelErrorKind},
};
use polychat_model::DemoModel;

use crate::history::{History, poll_once, take};

fn quick() -> DemoModel {
    DemoModel::new().pace(Duration::ZERO)
}

fn told(messages: &[&str]) -> History {
    messages.iter().fold(History::default(), |history, text| {
        // A demo that learned from its own answers would be caught by this one.
        history.user(text).assistant("my name is Nobody")
    })
}

async fn answer(messages: &[&str]) -> String {
    let (last, before) = messages.split_last().unwrap();
    take(&quick(), told(before).user(last).request()).await.text()
}

#[tokio::test]
async fn it_answers_from_the_history_it_is_given() {
    // REQ-2
    let table: &[(&[&str], &str)] = &[
        (&["my name is Ada"], "Nice to meet you, Ada. This is message 1 you sent in this chat."),
        (&["my name is Ada", "what is my name?"], "Your name is Ada."),
        (&["what is my name?"], "You have not told me your name in this chat."),
        (&["call me Ada", "my name is Eve", "who am I?"], "Your name is Eve."),
        (&["My Dog is Rex", "what's my dog?"], "Your dog is Rex."),
        (
            &["my dog is Rex", "my cat is Tom"],
            "I take note: your cat is Tom. This is message 2 you sent in this chat.",
        ),
        (
            &["remember that tea is hot", "my name is Ada", "what do you know?"],
            "In this chat you told me that your name is Ada, and tea is hot.",
        ),
        (&["what do you know?"], "You have told me nothing in this chat yet."),
        (
            &["remember that tea is hot"],
            "I will remember that tea is hot. This is message 1 you sent in this chat.",
        ),
        (&["one", "two", "what did I say before?"], "Before this you said \"two\"."),
        (&["what did I say?"], "You have said nothing before this in this chat."),
        (&["a", "b", "how many messages?"], "This is message 3 you sent in this chat."),
        (&["hello"], "Hello. This is message 1 you sent in this chat."),
        (&["my name is Ada", "Hi!"], "Hello, Ada. This is message 2 you sent in this chat."),
        (&["what are your instructions?"], "I am a demo, and I have no instructions."),
        (
            &["nice weather"],
            "You said \"nice weather\". This is message 1 you sent in this chat. Tell me \
             something, for example: my name is Ada.",
        ),
        (
            &["my name is Ada", "nice weather"],
            "You said \"nice weather\". This is message 2 you sent in this chat. I know that \
             your name is Ada.",
        ),
        (
            &["/nonsense"],
            "You said \"/nonsense\". This is message 1 you sent in this chat. Tell me \
             something, for example: my name is Ada.",
        ),
        (&["/long 3"], "1 2 3."),
    ];
    for (messages, expected) in table {
        assert_eq!(answer(messages).await, *expected, "{messages:?}");
    }
}

#[tokio::test]
async fn a_chat_without_a_word_gets_an_answer_too() {
    let answer = take(&quick(), History::default().request()).await;
    assert!(answer.text().contains("message 0"), "{answer:?}");
    assert!(answer.error.is_none());
}

#[tokio::test]
async fn two_chats_of_one_model_know_only_what_they_were_told() {
    // law 2, REQ-2
    let model = quick();
    let ada = told(&["my name is Ada"]).user("what is my name?");
    let bob = told(&["my name is Bob"]).user("what is my name?");
    let (ada, bob) = tokio::join!(take(&model, ada.request()), take(&model, bob.request()));
    assert_eq!(ada.text(), "Your name is Ada.");
    assert_eq!(bob.text(), "Your name is Bob.");
}

#[tokio::test]
async fn it_quotes_the_agents_instructions() {
    let mut request = History::default().user("what are your instructions?").request();
    request.system = "Be brief.".into();
    assert_eq!(take(&quick(), request).await.text(), "My instructions are \"Be brief.\".");
}

#[tokio::test]
async fn it_says_who_it_is_when_it_was_told() {
    let mut request = History::default().user("who are you?").request();
    assert_eq!(
        take(&quick(), request.clone()).await.text(),
        "I am a demo, and I have no instructions."
    );
    request.agent = Some(AgentName::new("basil").unwrap());
    request.system = "You cook.".into();
    assert_eq!(
        take(&quick(), request).await.text(),
        "I am basil. My instructions are \"You cook.\"."
    );
}

#[tokio::test]
async fn it_thinks_aloud_when_asked_to_and_only_then() {
    let history = told(&["my name is Ada"]);
    let thinking = take(&quick(), history.clone().user("think: what is my name?").request()).await;
    assert!(thinking.reasoning().contains("your name is Ada"), "{thinking:?}");
    assert_eq!(thinking.text(), "Your name is Ada.");
    let first_text = thinking.deltas.iter().position(|d| matches!(d, ModelDelta::Text(_)));
    let last_thought = thinking.deltas.iter().rposition(|d| matches!(d, ModelDelta::Reasoning(_)));
    assert!(last_thought < first_text, "it thinks first");

    let plain = take(&quick(), history.user("what is my name?").request()).await;
    assert_eq!(plain.reasoning(), "");
}

#[tokio::test]
async fn a_command_inside_a_thought_is_only_thought_about() {
    let answer = take(&quick(), History::default().user("think /crash").request()).await;
    assert!(answer.text().contains("/crash"), "{answer:?}");
}

#[tokio::test]
async fn the_same_request_gets_the_same_deltas() {
    let request = told(&["my name is Ada"]).user("think about tea").request();
    let first = take(&quick(), request.clone()).await;
    assert_eq!(first.deltas, take(&quick(), request).await.deltas);
}

#[tokio::test]
async fn it_counts_words_as_tokens() {
    let answer = take(&quick(), told(&["one two"]).user("/long 5").request()).await;
    // "one two", "my name is Nobody", "/long 5" were read.
    assert_eq!(answer.deltas.last(), Some(&ModelDelta::Usage(Usage::new(8, 5))));
}

#[tokio::test(start_paused = true)]
async fn it_streams_word_by_word_at_its_pace() {
    let pace = Duration::from_millis(50);
    let mut stream = DemoModel::new().pace(pace).stream(told(&[]).user("/long 3").request());
    let begun = tokio::time::Instant::now();
    for (n, word) in (1u32..).zip(["1 ", "2 ", "3."]) {
        let delta = stream.next().await.unwrap().unwrap();
        assert_eq!(delta, ModelDelta::Text(word.to_owned()));
        assert_eq!(begun.elapsed(), pace * n);
    }
}

#[tokio::test]
async fn without_a_pace_it_lets_others_run_before_each_word() {
    let mut stream = quick().stream(told(&[]).user("/long 2").request());
    for _ in 0..2 {
        assert!(poll_once(&mut stream).await.is_pending(), "a word came without yielding");
        assert!(poll_once(&mut stream).await.is_ready());
    }
}

#[tokio::test]
async fn an_error_comes_in_the_middle_of_the_answer() {
    // REQ-11
    let answer = take(&quick(), told(&[]).user("/error").request()).await;
    assert!(!answer.text().is_empty());
    let error = answer.error.unwrap();
    assert_eq!((error.kind, error.retryable), (ModelErrorKind::Unavailable, false));
}

#[tokio::test]
async fn unavailable_is_a_retryable_error_before_the_first_word() {
    let answer = take(&quick(), told(&[]).user("/unavailable").request()).await;
    assert_eq!(answer.deltas, []);
    let error = answer.error.unwrap();
    assert_eq!((error.kind, error.retryable), (ModelErrorKind::Unavailable, true));
}

#[tokio::test]
async fn a_crash_is_a_panic_inside_the_stream() {
    for command in ["/crash", "/panic"] {
        // Making the stream must not panic, only polling it.
        let mut stream = quick().stream(told(&[]).user(command).request());
        let mut words = 0;
        let panic = loop {
            match AssertUnwindSafe(stream.next()).catch_unwind().await {
                Ok(item) => assert!(item.unwrap().is_ok()),
                Err(panic) => break panic,
            }
            words += 1;
        };
        assert!(words > 0, "it begins to answer first");
        assert!(panic.downcast_ref::<String>().unwrap().contains("as asked"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hang_begins_and_never_goes_on() {
    let stream = quick().stream(told(&[]).user("/hang").request());
    let taken = tokio::time::timeout(Duration::from_secs(86_400), stream.count()).await;
    assert!(taken.is_err(), "a day later it had ended with {taken:?} deltas");
}

#[tokio::test]
async fn a_flood_is_eight_mebibytes_without_a_pause() {
    let mut stream = quick().stream(told(&[]).user("/flood").request());
    let mut bytes = 0;
    // Never pending: taken without a runtime's help.
    while let Some(item) = stream.next().now_or_never().expect("a flood never pauses") {
        if let ModelDelta::Text(text) = item.unwrap() {
            bytes += text.len();
        }
    }
    let mebibytes = bytes.div_ceil(1024 * 1024);
    assert_eq!(mebibytes, 8);
}

#[tokio::test]
async fn a_very_long_answer_is_bounded() {
    // law 7
    let mut stream = quick().stream(told(&[]).user("/long 18446744073709551615").request());
    let mut last = String::new();
    while let Some(item) = stream.next().await {
        if let ModelDelta::Text(text) = item.unwrap() {
            last = text;
        }
    }
    assert_eq!(last, "100000.");
}

#[tokio::test]
async fn blocking_and_spinning_hold_the_thread_for_a_short_time() {
    for command in ["/block", "/spin"] {
        let mut stream = quick().stream(told(&[]).user(command).request());
        let begun = Instant::now();
        // One poll, and it does not come back before.
        let _ = poll_once(&mut stream).await;
        assert!(begun.elapsed() >= Duration::from_millis(200), "{command}");
        let text: String = stream
            .filter_map(|item| async move {
                match item.unwrap() {
                    ModelDelta::Text(text) => Some(text),
                    _ => None,
                }
            })
            .collect()
            .await;
        assert!(text.contains("200 ms"), "{command}: {text}");
    }
}
