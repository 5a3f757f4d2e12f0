//! `concurrent_chats` line by line: each line is written when the one before was seen to work.

use crate::program::{Talk, example};

fn talk() -> Talk {
    Talk::with(example("concurrent_chats", &["--pace", "0"]))
}

// REQ-1, REQ-7, REQ-15
#[tokio::test]
async fn chats_are_answered_while_others_have_not_ended() {
    let mut talk = talk();
    for chat in ["a", "b", "c"] {
        talk.say(&format!("{chat}: /hang")).await;
    }
    // None of the three has ended, and none ever will by itself.
    talk.say("d: my name is Dora").await;
    talk.hear("d: Nice to meet you, Dora.").await;
    for chat in ["a", "b", "c"] {
        talk.say(&format!("{chat}: /cancel")).await;
        talk.hear(&format!("{chat}: [cancelled]")).await;
    }
    let printed = talk.end().await;
    for chat in ["a", "b", "c"] {
        assert_eq!(printed.row(chat)["cancelled"], 1);
        // The cancel may come before the last word was said: what was said stays, nothing else does.
        let said = printed.said(chat);
        assert!("I begin to answer, and then".starts_with(&said), "{said}");
    }
}

#[tokio::test]
async fn a_failed_turn_is_retried_and_the_history_shows_the_message_once() {
    let mut talk = talk();
    talk.say("a: /error").await;
    talk.hear("a: [failed: model_unavailable").await;
    talk.say("a: /retry").await;
    talk.hear("a: [failed: model_unavailable").await;
    talk.say("a: /history").await;
    talk.hear("a: [assistant: I begin to answer, and then … (model_unavailable)]").await;
    let printed = talk.end().await;
    assert_eq!(printed.row("a")["failed"], 2);
    let questions = printed.of("a").iter().filter(|line| **line == "[you: /error]").count();
    assert_eq!(questions, 1);
}

// REQ-12
#[tokio::test]
async fn a_chat_closes_reopens_and_goes_for_good_and_its_neighbour_does_not_notice() {
    let mut talk = talk();
    talk.say("b: /hang").await;
    talk.say("a: my name is Ada").await;
    talk.hear("a: This is message 1").await;
    talk.say("a: /close").await;
    talk.hear("a: [closed]").await;
    talk.say("a: who am I?").await;
    talk.hear("a: [refused: the chat is closed]").await;
    talk.say("a: /reopen").await;
    talk.hear("a: [reopened]").await;
    talk.say("a: who am I?").await;
    talk.hear("a: Your name is Ada.").await;
    talk.say("a: /delete").await;
    talk.hear("a: [deleted]").await;
    talk.say("a: who am I?").await;
    talk.hear("a: [refused: chat a was deleted]").await;
    talk.say("b: /cancel").await;
    talk.hear("b: [cancelled]").await;
    let printed = talk.end().await;
    assert_eq!((printed.row("a")["completed"], printed.row("b")["cancelled"]), (2, 1));
}

#[tokio::test]
async fn a_steering_message_comes_before_those_that_wait() {
    let mut talk = talk();
    talk.say("a: /hang").await;
    talk.say("a: the last one").await;
    talk.say("a: /steer the next one").await;
    talk.say("a: /cancel").await;
    talk.hear("last one").await;
    let said = talk.end().await.said("a");
    assert!(said.find("next one").unwrap() < said.find("last one").unwrap(), "{said}");
}

#[tokio::test]
async fn help_is_labelled_like_everything_else() {
    let mut talk = talk();
    talk.say("a: /help").await;
    talk.hear("a: /interrupt TEXT").await;
    talk.end().await.assert_plain(&["a"]);
}

// Law 5: the outcome `interrupted` means shutdown.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_running_turns_as_interrupted_and_still_says_what_became_of_all() {
    let mut talk = talk();
    talk.say("b: hello").await;
    talk.hear("b: This is message 1").await;
    talk.say("a: /hang").await;
    talk.say("a: never run").await;
    talk.say("a: /history").await;
    // A line is obeyed after the one before it: so the turn runs, and a message waits.
    talk.hear("a: [you: /hang]").await;
    let process = talk.process().to_string();
    let sent = tokio::process::Command::new("kill").args(["-INT", &process]).status().await;
    assert!(sent.unwrap().success());
    let printed = talk.end_by_itself().await;
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["turns"], a["interrupted"], b["completed"]), (1, 1, 1));
    assert!(printed.of("a").contains(&"[left without an answer: 1]"), "{}", printed.out);
}
