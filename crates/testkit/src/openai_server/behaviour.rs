//! What the server can be told to do with a request.

use serde_json::{Value, json};

/// How one request is answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Behaviour {
    /// Status 200 and these frames, one after the other; then the body ends.
    Stream(Vec<Frame>),
    /// This status with these headers and body, at once.
    Status {
        /// The HTTP status.
        status: u16,
        /// Names and values of headers beyond the usual ones.
        headers: Vec<(String, String)>,
        /// The body, sent as JSON.
        body: String,
    },
    /// Status 200 with an HTML page, as a captive portal would answer.
    Html(String),
    /// The connection stays open and nothing is ever answered.
    Silence,
}

/// One piece of a streamed body.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Frame {
    /// A delta with text.
    Text(String),
    /// A delta with `reasoning_content`.
    Reasoning(String),
    /// A delta with a piece of a tool call: providers send the arguments in pieces.
    ToolCall {
        /// Which call of the message, from 0.
        index: u32,
        /// The call's id and the tool's name, in its first piece.
        begins: Option<(String, String)>,
        /// A piece of the arguments' JSON.
        arguments: String,
    },
    /// The reason why the answer ends here.
    Finish(String),
    /// The counts of tokens: input, output.
    Usage(u64, u64),
    /// An error inside the stream.
    Error(Value),
    /// `[DONE]`, with which a complete stream ends.
    Done,
    /// These bytes as they are.
    Raw(String),
    /// Nothing more ever comes, and the connection stays open.
    Stall,
    /// The connection is cut.
    Cut,
}

impl Frame {
    /// The first piece of a tool call.
    #[must_use]
    pub fn tool_call(index: u32, id: &str, name: &str, arguments: &str) -> Self {
        let begins = Some((id.to_owned(), name.to_owned()));
        Self::ToolCall { index, begins, arguments: arguments.to_owned() }
    }

    /// A further piece of a tool call's arguments.
    #[must_use]
    pub fn tool_arguments(index: u32, arguments: &str) -> Self {
        Self::ToolCall { index, begins: None, arguments: arguments.to_owned() }
    }

    /// What goes over the wire; empty for frames that send nothing.
    pub(super) fn bytes(&self) -> String {
        match self {
            Self::Text(text) => chunk(&json!({ "content": text }), None),
            Self::Reasoning(text) => chunk(&json!({ "reasoning_content": text }), None),
            Self::ToolCall { index, begins, arguments } => {
                let call = match begins {
                    Some((id, name)) => json!({
                        "index": index,
                        "id": id,
                        "type": "function",
                        "function": { "name": name, "arguments": arguments },
                    }),
                    None => json!({ "index": index, "function": { "arguments": arguments } }),
                };
                chunk(&json!({ "tool_calls": [call] }), None)
            }
            Self::Finish(reason) => chunk(&json!({}), Some(reason)),
            Self::Usage(input, output) => event(&json!({
                "object": "chat.completion.chunk",
                "choices": [],
                "usage": {
                    "prompt_tokens": input,
                    "completion_tokens": output,
                    "total_tokens": input + output,
                },
            })),
            Self::Error(error) => event(&json!({ "error": error })),
            Self::Done => "data: [DONE]\n\n".to_owned(),
            Self::Raw(raw) => raw.clone(),
            Self::Stall | Self::Cut => String::new(),
        }
    }
}

fn chunk(delta: &Value, finish_reason: Option<&str>) -> String {
    event(&json!({
        "object": "chat.completion.chunk",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish_reason }],
    }))
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

impl Behaviour {
    /// A proper answer with this text, word by word, with usage of one token per word.
    #[must_use]
    pub fn words(text: &str) -> Self {
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let count = words.len() as u64;
        let texts = words.into_iter().map(|word| Frame::Text(word.to_owned()));
        let end = [Frame::Finish("stop".to_owned()), Frame::Usage(count, count), Frame::Done];
        Self::Stream(texts.chain(end).collect())
    }

    /// This text, and then nothing more, with the connection open.
    #[must_use]
    pub fn stall_after(text: &str) -> Self {
        Self::Stream(vec![Frame::Text(text.to_owned()), Frame::Stall])
    }

    /// This text, and then the connection is cut.
    #[must_use]
    pub fn cut_after(text: &str) -> Self {
        Self::Stream(vec![Frame::Text(text.to_owned()), Frame::Cut])
    }

    /// This text, and then an orderly end of the body that is no end of the answer.
    #[must_use]
    pub fn ends_early_after(text: &str) -> Self {
        Self::Stream(vec![Frame::Text(text.to_owned())])
    }

    /// A status with an error in the usual form.
    #[must_use]
    pub fn status(status: u16, message: &str) -> Self {
        let body = json!({ "error": { "message": message, "type": "test" } }).to_string();
        Self::Status { status, headers: Vec::new(), body }
    }

    /// Status 429 with this value of Retry-After.
    #[must_use]
    pub fn rate_limited(retry_after: &str) -> Self {
        Self::status(429, "slow down").header("retry-after", retry_after)
    }

    /// Adds a header to a [`Behaviour::Status`]; the others have none of their own.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Status { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}
