//! What a line of input asks for: `NAME: MESSAGE`, or `NAME: /command`.

/// The commands that this program itself obeys; any other `/word` goes to the model as it is.
pub(crate) const HELP: &[&str] = &[
    "TEXT              sends a message; it waits its turn while the chat is busy",
    "/steer TEXT       joins the running turn at its next step",
    "/interrupt TEXT   stops the running turn and runs next",
    "/queue TEXT       waits its turn, as a plain message does",
    "/cancel           stops the running turn; what it said is kept",
    "/retry            runs the last turn again, with the same message",
    "/history          shows the messages",
    "/close, /reopen   takes no messages, takes them again",
    "/delete           ends all work and removes the chat for good",
    "Other commands go to the model. The demo model knows /long N, /error, /crash, /hang, /flood …",
];

/// The longest name that a chat is given here, in bytes: longer ones are sentences with a colon.
const NAME_BYTES_MAX: usize = 32;

/// A line that names its chat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) chat: &'a str,
    pub(crate) order: Order<'a>,
}

/// What the named chat is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order<'a> {
    Queue(&'a str),
    Steer(&'a str),
    Interrupt(&'a str),
    Cancel,
    Retry,
    History,
    Close,
    Reopen,
    Delete,
    Help,
}

/// Reads a line; the error is a hint for the person who wrote it.
pub(crate) fn parse(line: &str) -> Result<Line<'_>, String> {
    let hint = || {
        let line: String = line.chars().take(40).collect();
        format!("which chat? begin the line with its name and a colon, as in `a: {line}`")
    };
    let (name, text) = line.split_once(':').ok_or_else(hint)?;
    let (chat, text) = (name.trim(), text.trim());
    if chat.is_empty() || chat.len() > NAME_BYTES_MAX || chat.contains(char::is_whitespace) {
        return Err(hint());
    }
    if text.is_empty() {
        return Err(format!("nothing to say to {chat}; `{chat}: /help` lists what can be said"));
    }
    Ok(Line { chat, order: order(text).ok_or_else(|| format!("{text} what? a text is missing"))? })
}

/// `None` when the command wants a text and has none.
fn order(text: &str) -> Option<Order<'_>> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let with_text = (!rest.is_empty()).then_some(rest);
    let order = match word {
        "/queue" => Order::Queue(with_text?),
        "/steer" => Order::Steer(with_text?),
        "/interrupt" => Order::Interrupt(with_text?),
        "/cancel" => Order::Cancel,
        "/retry" => Order::Retry,
        "/history" => Order::History,
        "/close" => Order::Close,
        "/reopen" => Order::Reopen,
        "/delete" => Order::Delete,
        "/help" => Order::Help,
        _ => Order::Queue(text),
    };
    Some(order)
}
