//! The pipes of a child: how it learns that its parent has gone.

use std::pin::pin;

use futures_util::FutureExt;
use polychat_transport::ipc::stdio::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, empty, sink};

use super::by_hand::within;

#[tokio::test]
async fn the_end_of_the_input_is_told_once_all_of_it_was_read() {
    let (mut parent, input) = duplex(64);
    let mut pipes = Stdio::of(input, sink());
    let mut ended = pin!(pipes.input_ended());
    parent.write_all(b"abc").await.unwrap();
    drop(parent);
    assert_eq!(pipes.read_u8().await.unwrap(), b'a');
    // A reader without room learns nothing.
    assert_eq!(pipes.read(&mut []).await.unwrap(), 0);
    assert_eq!(ended.as_mut().now_or_never(), None);
    let mut rest = Vec::new();
    pipes.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"bc");
    within(ended).await;
    // Whoever asks later hears it too.
    within(pipes.input_ended()).await;
}

#[tokio::test]
async fn an_input_that_fails_has_ended() {
    let input = failing();
    let mut pipes = Stdio::of(input, sink());
    assert_eq!(pipes.input_ended().now_or_never(), None);
    pipes.read_u8().await.unwrap_err();
    within(pipes.input_ended()).await;
}

/// An input that only ever fails.
fn failing() -> impl tokio::io::AsyncRead + Unpin {
    struct Fails;
    impl tokio::io::AsyncRead for Fails {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::ErrorKind::BrokenPipe.into()))
        }
    }
    Fails
}

#[tokio::test]
async fn what_is_written_goes_to_the_output() {
    let (output, mut parent) = duplex(64);
    let mut pipes = Stdio::of(empty(), output);
    pipes.write_all(b"abc").await.unwrap();
    pipes.flush().await.unwrap();
    pipes.shutdown().await.unwrap();
    let mut heard = String::new();
    parent.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "abc");
}
