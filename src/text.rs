//! The text of one prompt's answer as it grows.

use std::collections::VecDeque;

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use polychat_core::{
    CommandError, Cursor, Event, Live, LiveBody, MessageId, Notice, Recorded, StartAt,
    ports::NoticeStream,
};

use crate::{
    PromptHandle,
    follow::{Follow, Place},
};

impl PromptHandle {
    /// The text of the answer, piece by piece, until the prompt's turn ends.
    ///
    /// The pieces put together are exactly the text that is recorded: a piece is a live chunk, or
    /// what a chunk that came too late for this reader would have said. Messages of a turn with
    /// several steps follow each other. How the prompt ended is told by
    /// [`outcome`](Self::outcome); dropping the stream cancels nothing.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{DemoModel, StreamExt, WorldBuilder};
    ///
    /// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    /// let chat = world.open_chat("a").await?;
    /// let mut answer = std::pin::pin!(chat.prompt("hello").await?.text().await?);
    /// while let Some(piece) = answer.next().await {
    ///     print!("{piece}");
    /// }
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Chat::subscribe`](crate::Chat::subscribe).
    pub async fn text(&self) -> Result<impl Stream<Item = String> + Send + use<>, CommandError> {
        let start = StartAt::After(Cursor::after(self.accepted_seq()));
        let notices = self.chat().subscribe(start).await?;
        let voice = Voice {
            follow: Follow::new(self.id().clone()),
            message: None,
            said: 0,
            ready: VecDeque::new(),
            ended: false,
        };
        Ok(stream::unfold((notices, voice), |(notices, voice)| next(notices, voice)))
    }
}

/// What was said of the answer so far.
struct Voice {
    follow: Follow,
    /// The message that is being said, and how many bytes of it were.
    message: Option<MessageId>,
    said: usize,
    ready: VecDeque<String>,
    ended: bool,
}

async fn next(
    mut notices: NoticeStream,
    mut voice: Voice,
) -> Option<(String, (NoticeStream, Voice))> {
    loop {
        if let Some(piece) = voice.ready.pop_front() {
            return Some((piece, (notices, voice)));
        }
        if voice.ended {
            return None;
        }
        match notices.next().await? {
            Notice::Recorded { event, .. } => voice.hear_recorded(&event),
            Notice::Live { event, .. } => voice.hear_live(&event),
            _ => return None,
        }
    }
}

impl Voice {
    fn hear_recorded(&mut self, recorded: &Recorded) {
        match (self.follow.hear(recorded), &recorded.event) {
            (Place::Over(_), _) => self.ended = true,
            (Place::Within(_), Event::MessageStart { .. }) => {
                self.message = Some(MessageId(recorded.seq));
                self.said = 0;
            }
            (
                Place::Within(_),
                Event::MessageEnd { message_id, text, .. }
                | Event::MessageError { message_id, text, .. },
            ) if self.message == Some(*message_id) => {
                self.say(0, text);
                self.message = None;
            }
            _ => {}
        }
    }

    fn hear_live(&mut self, live: &Live) {
        if let LiveBody::MessageChunk { message_id, offset, text } = &live.body
            && self.message == Some(*message_id)
            && let Ok(offset) = usize::try_from(*offset)
        {
            self.say(offset, text);
        }
    }

    /// Says what of a piece at this place was not said yet.
    fn say(&mut self, offset: usize, text: &str) {
        if let Some(new) = self.said.checked_sub(offset).and_then(|known| text.get(known..))
            && !new.is_empty()
        {
            self.said = offset + text.len();
            self.ready.push_back(new.to_owned());
        }
    }
}
