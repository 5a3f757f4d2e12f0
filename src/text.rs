//! The text of one prompt's answer as it grows.

use std::collections::VecDeque;

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use polychat_core::{
    CommandError, Cursor, Event, Live, LiveBody, MessageId, Notice, PromptId, Recorded, StartAt,
    TurnId, ports::NoticeStream,
};

use crate::PromptHandle;

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
            prompt: self.id().clone(),
            turn: None,
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
    prompt: PromptId,
    turn: Option<TurnId>,
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
        match &recorded.event {
            Event::PromptWithdrawn { prompt_id, .. } if *prompt_id == self.prompt => {
                self.ended = true;
            }
            Event::TurnStarted { prompt_ids, .. } if prompt_ids.contains(&self.prompt) => {
                self.turn = Some(TurnId(recorded.seq));
            }
            Event::PromptJoined { prompt_id, turn_id } if *prompt_id == self.prompt => {
                self.turn = Some(*turn_id);
            }
            Event::MessageStart { turn_id, .. } if self.turn == Some(*turn_id) => {
                self.message = Some(MessageId(recorded.seq));
                self.said = 0;
            }
            Event::MessageEnd { message_id, text, .. }
            | Event::MessageError { message_id, text, .. }
                if self.message == Some(*message_id) =>
            {
                self.say(0, text);
                self.message = None;
            }
            Event::TurnEnded { turn_id, .. } if self.turn == Some(*turn_id) => self.ended = true,
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
