//! What happens before there is a request: heads that are slow, long or no heads at all.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::Instant,
};

use super::{ALL, Fronted, connection};
use crate::{
    config::{ServeLimits, Span},
    serve::listener::Serving,
};

/// A connection to a front within these limits, in memory.
async fn connected(limits: &ServeLimits) -> (DuplexStream, Serving) {
    connected_by(1024 * 1024, limits).await
}

/// The same, where so many bytes may be under way.
async fn connected_by(bytes: usize, limits: &ServeLimits) -> (DuplexStream, Serving) {
    let front = Fronted::within(limits.clone()).await;
    let serving = Serving::new(front.router, limits, front.options.closing);
    let (ours, theirs) = duplex(bytes);
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    serving.begin(connection(), theirs, permit);
    (ours, serving)
}

/// All that comes until the connection is closed.
async fn rest(mut connection: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut text = Vec::new();
    // A connection that is reset has ended too.
    let _ = connection.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

// issue 6: slow requests
#[tokio::test(start_paused = true)]
async fn a_head_that_drips_closes_the_connection_in_its_time() {
    let limits = ServeLimits { head_duration_max: Span::secs(10), ..Default::default() };
    let (mut slow, _serving) = connected(&limits).await;
    let begun = Instant::now();
    let mut written = 0;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-drip: ").await.unwrap();
    while slow.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        written += 1;
        assert!(written < 30, "it goes on for ever");
    }
    assert!(begun.elapsed() <= Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(!rest(slow).await.contains("200"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_alive_and_asks_nothing_more_is_closed() {
    let limits = ServeLimits { head_duration_max: Span::secs(10), ..Default::default() };
    let (mut idle, _serving) = connected(&limits).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    let text = rest(idle).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

// issue 6: a stranger who reads nothing holds nothing for long
#[tokio::test(start_paused = true)]
async fn a_stranger_who_leaves_answers_unread_is_cut_off() {
    let limits = ServeLimits { head_duration_max: Span::secs(10), ..Default::default() };
    for path in ["/healthz", "/v1/worlds/home"] {
        let (mut stranger, _serving) = connected_by(256, &limits).await;
        let begun = Instant::now();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let asking = async { while stranger.write_all(request.as_bytes()).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it is cut off");
        assert!(begun.elapsed() <= Duration::from_secs(12), "{:?}", begun.elapsed());
    }
}

// law 4: who may come in may read as slowly as they like
#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_a_stream_unread_keeps_it() {
    let limits = ServeLimits { head_duration_max: Span::secs(10), ..Default::default() };
    let (mut caller, _serving) = connected_by(256, &limits).await;
    let request = format!(
        "GET /v1/worlds/home/events HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {ALL}\r\n\r\n"
    );
    caller.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let mut text = String::new();
    while text.matches("heartbeat").count() < 20 {
        let mut bytes = [0_u8; 64];
        let read = caller.read(&mut bytes).await.unwrap();
        assert!(read > 0, "it ended: {text}");
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
}

// issue 6: oversized and malformed requests
#[tokio::test(start_paused = true)]
async fn what_is_no_request_or_too_much_of_one_is_refused_and_the_connection_closed() {
    let limits = ServeLimits { headers_max: 8, head_bytes_max: 2_000, ..Default::default() };
    let ok = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n";
    let many = (0..9).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    for (head, status) in [
        (format!("{ok}connection: close\r\n\r\n"), "200"),
        (format!("{ok}{many}\r\n"), "431"),
        (format!("{ok}x: {}\r\n\r\n", "y".repeat(2_000)), "431"),
        (format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(3_000)), "431"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET /\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "400"),
        (format!("{ok}x y: z\r\n\r\n"), "400"),
        (format!("{ok}x: a\0b\r\n\r\n"), "400"),
        (format!("{ok}x: a\r\n folded\r\n\r\n"), "400"),
        (format!("{ok}content-length: 1\r\ncontent-length: 2\r\n\r\nxx"), "400"),
        (format!("{ok}content-length: -1\r\n\r\n"), "400"),
        (format!("{ok}content-length: x\r\n\r\n"), "400"),
        (format!("{ok}transfer-encoding: nonsense\r\n\r\n"), "400"),
        ("GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_owned(), "421"),
        ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n".to_owned(), "421"),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), "421"),
        ("CONNECT localhost:80 HTTP/1.1\r\nhost: localhost:80\r\nconnection: close\r\n\r\n".to_owned(), "401"),
        // What is announced as too large is not waited for.
        (
            format!(
                "POST /v1/worlds/home/chats HTTP/1.1\r\nhost: localhost\r\n\
                 authorization: Bearer {ALL}\r\ncontent-length: 99999999\r\n\r\n"
            ),
            "413",
        ),
        // HTTP/2 is not spoken, and who begins with it hears nothing.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), ""),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n".to_owned(), "400"),
    ] {
        let (mut stranger, _serving) = connected(&limits).await;
        stranger.write_all(head.as_bytes()).await.unwrap();
        let text = rest(stranger).await;
        assert_eq!(text.get(9..12).unwrap_or_default(), status, "{head:?}: {text:?}");
        let answers = usize::from(!status.is_empty());
        assert_eq!(text.matches("HTTP/1.").count(), answers, "{head:?}: {text:?}");
    }
}

// issue 6: no second request hides in the first
#[tokio::test(start_paused = true)]
async fn a_body_of_two_lengths_is_read_in_one_way_and_nothing_in_it_is_a_request() {
    let hidden = "GET /v1/worlds/home HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let head = format!(
        "POST /v1/worlds/home/chats HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ALL}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n\
         0\r\n\r\n{hidden}",
        5 + hidden.len(),
    );
    let (mut stranger, _serving) = connected(&ServeLimits::default()).await;
    stranger.write_all(head.as_bytes()).await.unwrap();
    let text = rest(stranger).await;
    // Refused, or answered and closed: a proxy that believed the length sent one request.
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
}

// law 7
#[tokio::test]
async fn a_connection_too_many_is_told_so_and_the_others_go_on() {
    let limits = ServeLimits { connections_max: 1, ..Default::default() };
    let front = Fronted::within(limits.clone()).await;
    let serving = Serving::new(front.router, &limits, front.options.closing);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    serving.listen(listener);
    let ask = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(ask).await.unwrap();
    let mut answer = [0_u8; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let text = rest(TcpStream::connect(address).await.unwrap()).await;
    assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("retry-after: 1"), "{text}");
    // Whoever stops serving closes what waits for nothing.
    serving.drain(Duration::from_secs(60)).await;
    assert!(rest(first).await.contains("alive"));
    assert!(TcpStream::connect(address).await.is_err());
}
