//! A model of your own: anything that turns a history into a stream of deltas.
//!
//! ```text
//! cargo run --example 05_own_model
//! ```

use std::time::Duration;

use futures_util::{StreamExt, stream};
use polychat::{
    WorldBuilder,
    ports::{Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream},
};

/// Spells the last message backwards, letter by letter.
struct Backwards;

impl Model for Backwards {
    // The request holds the history of one chat, and does not say which: a model cannot address a
    // chat, so it cannot mix up two. One model serves all chats at once.
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let text = request.messages.last().map(|message| message.text()).unwrap_or_default();
        if text.chars().eq(text.chars().rev()) {
            // Ends the turn as failed. If it were `.retryable()`, it would be tried again first.
            let error = ModelError::new(ModelErrorKind::Refused, "that changes nothing");
            return Box::pin(stream::iter([Err(error)]));
        }
        let letters: Vec<char> = text.chars().rev().collect();
        // Beginning an answer must not block; within the stream, awaiting is fine. A turn that is
        // cancelled drops the stream wherever it is.
        Box::pin(stream::iter(letters).then(|letter| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(ModelDelta::Text(letter.to_string()))
        }))
    }
}

#[tokio::main]
async fn main() -> Result<(), polychat::Error> {
    let world = WorldBuilder::new("mirror", Backwards).open().await?;
    let (left, right) = (world.open_chat("left").await?, world.open_chat("right").await?);

    // Both are sent before either is answered.
    let (desserts, parts) = (left.prompt("desserts").await?, right.prompt("parts").await?);
    println!("left:  desserts -> {}", desserts.answer().await?);
    println!("right: parts    -> {}", parts.answer().await?);
    println!("left:  level    -> {}", left.prompt("level").await?.outcome().await?.as_str());
    println!("left:  drawer   -> {}", left.prompt("drawer").await?.answer().await?);

    world.shutdown().await;
    Ok(())
}
