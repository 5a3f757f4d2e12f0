//! Pings, and who answers none.

use polychat_core::Reply;
use polychat_testkit::fake_world::FakeWorld;
use tokio::time::{Instant, sleep};

use super::*;
use crate::http::events::numbered;

const INTERVAL: Duration = Duration::from_secs(15);

fn server() -> (Arc<FakeWorld>, InMemory) {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let mut options = HttpOptions::default();
    options.heartbeat_interval = INTERVAL;
    (world.clone(), serving(world, options))
}

// issue 6: a ping at each interval, for as long as it is answered
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_stays_however_long_it_has_nothing_to_say() {
    let (_, server) = server();
    let mut socket = server.greeted().await;
    let began = Instant::now();
    for n in 1..=100 {
        // The library answers by itself as it reads.
        let Message::Ping(_) = socket.next().await.unwrap().unwrap() else { panic!("a ping") };
        assert_eq!(began.elapsed().as_secs(), INTERVAL.as_secs() * n);
    }
    assert_eq!(socket.asked(1, "ping", json!({})).await["result"], json!({}));
}

// issue 6: a connection at whose other end nobody is does not stay for ever
#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_for_two_intervals_is_closed() {
    let (world, server) = server();
    let mut socket = server.greeted().await;
    subscribe(&mut socket, 1, "a").await;
    let inside = world.next_subscription().await;
    let began = Instant::now();
    // It reads nothing, so it answers nothing; its connection stands.
    inside.unsubscribed().await;
    assert_eq!(began.elapsed(), 3 * INTERVAL);
    let mut pings = 0;
    let code = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            Message::Close(Some(frame)) => break u16::from(frame.code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((pings, code), (2, 1002));
}

// issue 6: whatever is said is a sign of life
#[tokio::test(start_paused = true)]
async fn a_client_that_speaks_need_not_answer_pings_in_between() {
    let (_, server) = server();
    let mut socket = server.greeted().await;
    for id in 1..=20 {
        sleep(2 * INTERVAL).await;
        // Written past the library, which would answer the pings that it finds.
        socket.ask(id, "ping", json!({})).await;
    }
    let mut answers = 0;
    while answers < 20 {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(_) => answers += 1,
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

// issue 6: slow readers hold a cursor, and are not taken for dead
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_lives_although_its_pings_wait_behind_what_it_reads() {
    let (world, server) = server();
    let mut socket = server.greeted().await;
    subscribe(&mut socket, 1, "a").await;
    let inside = world.next_subscription().await;
    let flood = tokio::spawn(async move {
        let mut n = 0;
        while inside.send(numbered("a", n + 1)).await {
            n += 1;
        }
    });
    // Read past the library, so that nothing is answered.
    let mut io = socket.socket.into_inner();
    let mut some = vec![0; 64 * 1024];
    for _ in 0..20 {
        sleep(INTERVAL).await;
        let bytes = io.read(&mut some).await.unwrap();
        assert!(bytes > 0, "it is still told");
    }
    assert!(!flood.is_finished());
    // Nobody is left to read.
    within(flood).await.unwrap();
}
