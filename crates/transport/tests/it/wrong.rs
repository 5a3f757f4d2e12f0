//! The conformance suite is shown to catch transports that are wrong, each in one way.
//!
//! Time is paused, so that waiting in vain takes none.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use polychat_core::{
    Command, CommandError, EndReason, Fault, FaultKind, Notice, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::transport_suite::{Through, calls, streams};
use polychat_transport::in_process;
use tokio::sync::{mpsc, watch};

/// What a transport does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    ChecksNothing,
    SendsTwice,
    AnswersDone,
    LosesFacts,
    OneCallAtATime,
    NeverFromACursor,
    RoundsCursors,
    OneSlowReaderIsEnough,
    RepeatsNotices,
    LosesEveryFifth,
    LosesTheEnd,
    GoesOnAfterTheEnd,
    NeverUnsubscribes,
    EndsAllTogether,
}

struct WrongTransport {
    wrong: Wrong,
    world: Arc<dyn WorldService>,
    one_at_a_time: Arc<tokio::sync::Mutex<()>>,
    kept: Mutex<Vec<NoticeStream>>,
    ended: Arc<watch::Sender<bool>>,
}

fn wrong_in(wrong: Wrong) -> impl Fn(Arc<dyn WorldService>) -> Arc<dyn WorldService> + Send + Sync {
    move |world| {
        let world = match wrong {
            Wrong::ChecksNothing => world,
            _ => Arc::new(in_process(world)),
        };
        Arc::new(WrongTransport {
            wrong,
            world,
            one_at_a_time: Arc::default(),
            kept: Mutex::default(),
            ended: Arc::new(watch::Sender::new(false)),
        })
    }
}

#[async_trait]
impl WorldService for WrongTransport {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        if self.wrong == Wrong::OneCallAtATime {
            let (world, one) = (Arc::clone(&self.world), Arc::clone(&self.one_at_a_time));
            let working = tokio::spawn(async move {
                let _one = one.lock().await;
                world.call(command).await
            });
            return working.await.unwrap();
        }
        if self.wrong == Wrong::SendsTwice {
            self.world.call(command.clone()).await?;
        }
        let answer = self.world.call(command).await;
        match (self.wrong, answer) {
            (Wrong::AnswersDone, Ok(_)) => Ok(Reply::Done),
            (Wrong::LosesFacts, Err(error)) => {
                Err(Fault::new(FaultKind::Protocol, &error.to_string()).into())
            }
            (_, answer) => answer,
        }
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let start = if self.wrong == Wrong::NeverFromACursor { StartAt::Now } else { start };
        let notices = match self.world.subscribe(scope, start).await {
            Err(error) if self.wrong == Wrong::LosesFacts => {
                return Err(Fault::new(FaultKind::Protocol, &error.to_string()).into());
            }
            answer => answer?,
        };
        Ok(match self.wrong {
            Wrong::RoundsCursors => notices.map(rounded).boxed(),
            Wrong::OneSlowReaderIsEnough => pumped(notices, Arc::clone(&self.one_at_a_time)),
            Wrong::RepeatsNotices => {
                notices.flat_map(|notice| stream::iter([notice.clone(), notice])).boxed()
            }
            Wrong::LosesEveryFifth => {
                let numbered = notices.enumerate();
                numbered
                    .filter_map(|(n, notice)| async move { (n % 5 != 4).then_some(notice) })
                    .boxed()
            }
            Wrong::LosesTheEnd => {
                notices.take_while(|n| std::future::ready(!matches!(n, Notice::Ended(_)))).boxed()
            }
            Wrong::GoesOnAfterTheEnd => {
                notices.chain(stream::iter([Notice::Ended(EndReason::Unreadable)])).boxed()
            }
            Wrong::NeverUnsubscribes => {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(notices);
                stream::pending().boxed()
            }
            Wrong::EndsAllTogether => ending_together(notices, &self.ended),
            _ => notices,
        })
    }
}

/// The notice, its cursor a little too early.
fn rounded(mut notice: Notice) -> Notice {
    if let Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. } = &mut notice {
        cursor.offset = 0;
    }
    notice
}

/// The stream, carried by a task that lets nobody else pass while its own reader sleeps.
fn pumped(mut notices: NoticeStream, one: Arc<tokio::sync::Mutex<()>>) -> NoticeStream {
    let (carries, mut carried) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(notice) = notices.next().await {
            let _one = one.lock().await;
            if carries.send(notice).await.is_err() {
                break;
            }
        }
    });
    stream::poll_fn(move |cx| carried.poll_recv(cx)).boxed()
}

/// The stream, which ends as soon as any of those that share `ended` has ended.
fn ending_together(notices: NoticeStream, ended: &Arc<watch::Sender<bool>>) -> NoticeStream {
    let (tells, mut hears) = (Arc::clone(ended), ended.subscribe());
    let told = notices.inspect(move |notice| {
        if matches!(notice, Notice::Ended(_)) {
            tells.send_replace(true);
        }
    });
    let any = async move {
        let _ = hears.wait_for(|ended| *ended).await;
    };
    told.take_until(any).boxed()
}

/// Whether a check fails for a transport.
async fn catches<'a>(
    check: impl FnOnce(Through<'a>) -> BoxFuture<'a, ()>,
    through: Through<'a>,
) -> bool {
    AssertUnwindSafe(check(through)).catch_unwind().await.is_err()
}

macro_rules! wrong {
    ($($name:ident: $wrong:ident is caught by $group:ident::$check:ident;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            let wrong = wrong_in(Wrong::$wrong);
            let right = |world| -> Arc<dyn WorldService> { Arc::new(in_process(world)) };
            let caught = catches(|through| $group::$check(through).boxed(), &wrong).await;
            assert!(caught, "{} passes {:?}", stringify!($check), Wrong::$wrong);
            assert!(!catches(|through| $group::$check(through).boxed(), &right).await);
        }
    )*};
}

wrong! {
    taking_foreign_records_is_caught:
        ChecksNothing is caught by streams::a_foreign_record_ends_its_own_stream_and_no_other;
    taking_foreign_answers_is_caught:
        ChecksNothing is caught by calls::an_answer_of_another_chat_or_kind_is_refused;
    ending_without_a_reason_is_caught:
        ChecksNothing is caught by streams::a_stream_without_a_reason_to_end_gets_one;
    sending_a_command_twice_is_caught:
        SendsTwice is caught by calls::every_command_arrives_as_it_was_sent;
    changing_answers_is_caught:
        AnswersDone is caught by calls::every_reply_comes_back_as_it_was_given;
    losing_the_facts_of_a_refusal_is_caught:
        LosesFacts is caught by calls::every_refusal_and_fault_comes_back_with_its_facts;
    a_call_that_blocks_others_is_caught:
        OneCallAtATime is caught by calls::a_call_that_hangs_blocks_no_other;
    a_caller_that_goes_and_leaves_its_lock_is_caught:
        OneCallAtATime is caught by calls::a_call_that_is_dropped_disturbs_no_other;
    losing_the_facts_of_a_refused_subscription_is_caught:
        LosesFacts is caught by streams::a_refused_subscription_comes_back_with_its_facts;
    a_cursor_that_is_not_the_readers_own_is_caught:
        RoundsCursors is caught by streams::readers_of_one_chat_see_the_same;
    a_slow_reader_that_delays_others_is_caught:
        OneSlowReaderIsEnough is caught by streams::a_reader_that_sleeps_delays_no_other;
    forgetting_the_cursor_is_caught:
        NeverFromACursor is caught by streams::every_subscription_arrives_as_it_was_made;
    repeating_a_notice_is_caught:
        RepeatsNotices is caught by streams::every_notice_arrives_once_and_in_order;
    losing_a_notice_is_caught:
        LosesEveryFifth is caught by streams::every_notice_arrives_once_and_in_order;
    losing_the_end_is_caught:
        LosesTheEnd is caught by streams::every_reason_to_end_arrives_and_is_the_last;
    going_on_after_the_end_is_caught:
        GoesOnAfterTheEnd is caught by streams::every_reason_to_end_arrives_and_is_the_last;
    staying_subscribed_is_caught:
        NeverUnsubscribes is caught by streams::dropping_a_stream_unsubscribes_inside_and_ends_no_other;
    ending_all_streams_together_is_caught:
        EndsAllTogether is caught by streams::a_stream_that_ends_ends_no_other;
}
