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
    "/allow            lets a tool run that waits for you; /allow #2 the second call of several",
    "/allow-chat       likewise, and from now on without asking in this chat",
    "/deny WHY         does not; the model hears why",
    "/answer TEXT      answers a question",
    "/close, /reopen   takes no messages, takes them again",
    "/delete           ends all work and removes the chat for good",
    "Other commands go to the model. The demo model knows /tool NAME {JSON}, /ask, /long N, /error, \
     /crash, /hang, /flood …",
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
    /// Decides a call that waits for a person: the one with this number, or else the oldest.
    Decide(Option<u16>, Says<'a>),
    Close,
    Reopen,
    Delete,
    Help,
}

/// What a person says to a call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says<'a> {
    Allow,
    AllowInChat,
    /// Why not; empty when no reason was given.
    Deny(&'a str),
    Answer(&'a str),
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
    let (number, rest_after_number) = numbered(rest);
    let order = match word {
        "/queue" => Order::Queue(with_text?),
        "/steer" => Order::Steer(with_text?),
        "/interrupt" => Order::Interrupt(with_text?),
        "/cancel" => Order::Cancel,
        "/retry" => Order::Retry,
        "/history" => Order::History,
        "/allow" => Order::Decide(number, Says::Allow),
        "/allow-chat" => Order::Decide(number, Says::AllowInChat),
        "/deny" => Order::Decide(number, Says::Deny(rest_after_number)),
        // An answer may itself be a number: `#2` alone is one.
        "/answer" if rest_after_number.is_empty() => Order::Decide(None, Says::Answer(with_text?)),
        "/answer" => Order::Decide(number, Says::Answer(rest_after_number)),
        "/close" => Order::Close,
        "/reopen" => Order::Reopen,
        "/delete" => Order::Delete,
        "/help" => Order::Help,
        _ => Order::Queue(text),
    };
    Some(order)
}

/// Takes a number such as `#2` from the beginning of a text.
fn numbered(text: &str) -> (Option<u16>, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match word.strip_prefix('#').and_then(|number| number.parse().ok()) {
        Some(number) => (Some(number), rest.trim()),
        None => (None, text),
    }
}
