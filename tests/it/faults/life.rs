//! The life of some chats, during which each call of the store fails in turn and in each way.
//!
//! It is played blindly, as a user would whose program does not stop at an error: what meets the
//! fault is refused or late, and the rest goes on. Afterwards all laws hold, everything accepted has
//! its outcome, and every chat is at rest.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use polychat::event::PromptMode;
use polychat_testkit::faulty_store::{AtOpen, Fault, Gate};

use super::nth::Nth;
use crate::{
    state_machine::{
        rig::Rig,
        silence_planned_panics,
        step::{
            Ask, From, Manage, PromptIdOf, Says, Step, Watch,
            tools::{About, Change, Decides, Does, Mode, To, Want},
        },
        tally::Tally,
    },
    support::Ground,
};

/// What the life must come to when nothing fails, so that faults can meet it.
const WANTED: [&str; 22] = [
    "event chat.closed",
    "event chat.reopened",
    "event chat.updated",
    "event chat.deleted",
    "event history.truncated",
    "event message.checkpoint",
    "event message.imported",
    "event prompt.edited",
    "event prompt.joined",
    "event prompt.withdrawn",
    "turn cancelled",
    "turn completed",
    "turn interrupted",
    "decided allowed once",
    "decided answered",
    "run returned",
    "title asked for",
    "title of a model",
    "a call waited longer than its process",
    "process lost",
    "resumed",
    "lost while a call runs",
];

fn prompt(chat: u8, mode: PromptMode) -> Step {
    Step::Prompt { chat, mode, id: PromptIdOf::Fresh, to: To::Nobody }
}

fn says(says: Says) -> Step {
    Step::Model { call: 0, says }
}

fn wants(wants: &[Want]) -> Step {
    let mut all = [None; 4];
    all.iter_mut().zip(wants).for_each(|(place, want)| *place = Some(*want));
    says(Says::Calls(all))
}

fn does(does: Does) -> Step {
    Step::Tool { run: 0, does }
}

fn decides(decides: Decides) -> Step {
    Step::Decide { chat: 0, about: About::Waiting(0), decides }
}

fn manage(chat: u8, how: Manage) -> Step {
    Step::Manage { chat, how }
}

/// Two chats, and a fork: turns with tools and approvals, prompts of each sort, what is done to
/// chats as a whole, and processes that end.
fn life() -> Vec<Step> {
    [of_turns(), of_a_loss(), of_chats(), of_the_end()].concat()
}

/// Turns of one chat, and whoever comes between.
fn of_turns() -> Vec<Step> {
    use PromptMode::{Interrupt, Queue, Steer};
    let settings = Change::Settings {
        mentions: true,
        broadcast: true,
        titles: true,
        handoffs_max: 2,
        policy: Mode::Ask,
    };
    vec![
        Step::Change(settings),
        Step::Open { again: false },
        Step::Watch(Watch::Chat { chat: 0, from: From::Start }),
        Step::Watch(Watch::World),
        // A turn of two steps, with a checkpoint, a call, an approval, and somebody who steers.
        prompt(0, Queue),
        says(Says::Text("a")),
        Step::Advance { milliseconds: 2_000 },
        wants(&[Want::Look, Want::Write]),
        prompt(0, Queue),
        prompt(0, Steer),
        Step::Edit { prompt: 3, text: true, mode: None },
        does(Does::Output("out")),
        does(Does::Result),
        decides(Decides::AllowOnce),
        does(Does::Result),
        says(Says::Text("bc")),
        says(Says::Finish),
        // A title, and the next turn beside it.
        says(Says::Text("A title")),
        says(Says::Finish),
        // The one that waited is cancelled, one waits in vain, one comes between.
        prompt(0, Queue),
        Step::Withdraw { prompt: 7 },
        prompt(0, Interrupt),
        says(Says::Finish),
        Step::Revise { prompt: 0 },
        says(Says::Finish),
    ]
}

/// A call runs in one chat and a question waits in another while the process is lost.
fn of_a_loss() -> Vec<Step> {
    use PromptMode::Queue;
    vec![
        prompt(0, Queue),
        wants(&[Want::Look]),
        Step::Open { again: false },
        prompt(1, Queue),
        says(Says::Finish),
        prompt(1, Queue),
        wants(&[Want::Ask]),
        prompt(1, Queue),
        Step::Kill,
        decides(Decides::Answer),
        says(Says::Finish),
        says(Says::Finish),
    ]
}

/// What is done to chats as a whole, and a world that is closed.
fn of_chats() -> Vec<Step> {
    use PromptMode::Queue;
    vec![
        Step::Fork { chat: 0, message: 10 },
        manage(1, Manage::Rename),
        manage(1, Manage::Close),
        manage(1, Manage::Reopen),
        prompt(1, Queue),
        Step::Shutdown,
        Step::Passivate,
        Step::Ask { chat: 1, what: Ask::Messages },
        Step::Ask { chat: 0, what: Ask::Log },
        Step::Ask { chat: 0, what: Ask::List },
        Step::Watch(Watch::Resume { reader: 0 }),
        Step::Watch(Watch::Chat { chat: 1, from: From::Start }),
        prompt(0, Queue),
        says(Says::Text("a")),
        Step::Watch(Watch::CatchUp { reader: 0 }),
        manage(0, Manage::Delete),
    ]
}

/// A turn that ends in this process, and one that no later process but the last takes up: what a
/// loss settles hides what went wrong before it.
fn of_the_end() -> Vec<Step> {
    use PromptMode::Queue;
    vec![
        prompt(1, Queue),
        wants(&[Want::Look, Want::Ask]),
        does(Does::Result),
        decides(Decides::Answer),
        says(Says::Finish),
        prompt(1, Queue),
        says(Says::Text("a")),
        prompt(1, Queue),
        Step::Kill,
    ]
}

/// Whether the n-th call was reached, and what happened.
struct Played {
    reached: bool,
    tally: Tally,
}

fn play(ground: Ground, n: u64, fault: &Fault) -> Played {
    let reached = Arc::new(AtomicBool::new(false));
    let nth = |above| Arc::new(Nth::new(above, n, fault.clone(), Arc::clone(&reached))) as Arc<_>;
    let mut rig = Rig::failing(ground, nth);
    rig.run(&life());
    let played = Played { reached: reached.load(Ordering::SeqCst), tally: rig.tally().clone() };
    let problems = rig.into_problems();
    assert!(problems.is_empty(), "call {n} meets {fault:?}:\n{}", problems.join("\n"));
    played
}

/// Lets each call in turn fail in this way, until the life makes no more calls.
fn fail_at_each(ground: fn() -> Ground, fault: fn() -> Fault) {
    silence_planned_panics();
    let mut n = 1;
    while play(ground(), n, &fault()).reached {
        n += 1;
    }
    // A life that hardly asks its store shows nothing.
    assert!(n > 60, "only {n} calls");
}

#[test]
fn the_life_meets_what_it_is_about_and_nothing_is_wrong_with_it() {
    for ground in Ground::all() {
        let played = play(ground, u64::MAX, &Fault::Unavailable);
        assert_eq!(played.tally.missing_of(WANTED), Vec::<&str>::new());
    }
}

macro_rules! fail_at_each {
    ($($(#[$meta:meta])* $name:ident: $fault:expr, $ground:path;)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            fail_at_each($ground, || $fault);
        }
    )*};
}

fail_at_each! {
    /// laws 1 to 7: certainly nothing was done
    any_call_of_the_store_may_fail: Fault::Unavailable, Ground::memory;
    /// laws 1 to 7: nothing was done, and the caller cannot know
    any_request_may_be_lost: Fault::RequestLost, Ground::memory;
    /// laws 1 to 7: it was done, and the caller hears of a failure
    any_answer_may_be_lost: Fault::AnswerLost, Ground::memory;
    /// laws 1 to 7: it is done later
    any_append_may_land_late: Fault::Late(AtOpen::Lands), Ground::memory;
    /// laws 1 to 7: it is not begun
    any_call_may_hang_before_it_does_anything:
        Fault::HangBefore(Gate::closed()), Ground::memory;
    /// laws 1 to 7: it was done, and the answer never comes
    any_call_may_hang_once_it_is_done: Fault::HangAfter(Gate::closed()), Ground::memory;
    /// laws 1 to 7: whoever called does not live on
    any_call_of_the_store_may_panic: Fault::Panic, Ground::memory;
    /// laws 1 to 7: the same over a file
    any_call_of_a_store_in_a_file_may_fail: Fault::Full, Ground::file;
    /// laws 1 to 7: the same over a file
    any_answer_of_a_store_in_a_file_may_be_lost: Fault::AnswerLost, Ground::file;
    /// laws 1 to 7: the same over a file
    any_call_of_a_store_in_a_file_may_panic: Fault::Panic, Ground::file;
    /// laws 1 to 7: the same over a file
    any_call_of_a_store_in_a_file_may_hang: Fault::HangBefore(Gate::closed()), Ground::file;
}
