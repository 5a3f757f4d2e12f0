//! One reader: hears every word of its chat once and in order, and how late it came.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{sync::Barrier, time::sleep};

use crate::http::Connection;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) streams: u64,
    pub(crate) rate: u64,
    pub(crate) seconds: u64,
    pub(crate) stalled: u64,
}

impl Plan {
    /// Words of each answer.
    fn words(self) -> u64 {
        self.rate * self.seconds
    }

    fn stalls(self, index: u64) -> bool {
        self.stalled > 0 && index.is_multiple_of(self.stalled)
    }

    /// What the model is told: how many words, how far apart, and how long before the first, so that
    /// not all chats speak at the same moment.
    pub(crate) fn prompt(self, index: u64) -> String {
        let apart = 1_000_000 / self.rate;
        let before = apart * index / self.streams;
        let text = format!("{} {apart} {before}", self.words());
        format!(r#"{{"parts":[{{"type":"text","text":"{text}"}}]}}"#)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { streams, rate, seconds, stalled } = self;
        write!(f, "{streams} streams, {rate} words/s each, {seconds} s")?;
        if *stalled > 0 { write!(f, ", every {stalled}th stalled") } else { Ok(()) }
    }
}

/// What readers have heard.
#[derive(Default)]
pub(crate) struct Read {
    /// How late each word was, in microseconds; of readers that did not stall.
    late: Vec<u32>,
    words: u64,
    stalled: u64,
}

impl Read {
    pub(crate) fn add(&mut self, other: Self) {
        self.late.extend(other.late);
        self.words += other.words;
        self.stalled += other.stalled;
    }

    pub(crate) fn print(mut self) {
        println!("words:  {} heard, each once and in order", self.words);
        println!("        {} answers of stalled readers read whole in the end", self.stalled);
        self.late.sort_unstable();
        let at = |share: f64| {
            let index = (self.late.len() as f64 * share) as usize;
            self.late.get(index.min(self.late.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        println!(
            "late:   p50 {} us, p90 {} us, p99 {} us, p99.9 {} us, most {} us",
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
}

/// A stream that is open.
pub(crate) struct Reader {
    connection: Connection,
    plan: Plan,
    index: u64,
}

impl Reader {
    pub(crate) async fn open(address: Arc<str>, index: u64, plan: Plan) -> Self {
        let mut connection = Connection::open(&address).await;
        connection.get(&format!("/chats/c{index}/events?start=now")).await;
        Self { connection, plan, index }
    }

    /// Reads until the turn has ended.
    pub(crate) async fn read(mut self, ready: Arc<Barrier>) -> Read {
        ready.wait().await;
        if self.plan.stalls(self.index) {
            sleep(Duration::from_secs(self.plan.seconds + 1)).await;
        }
        let mut heard = Heard { plan: self.plan, next: 0, late: Vec::new(), whole: false };
        let mut text = Vec::new();
        loop {
            text.extend(self.connection.chunk().await);
            // An event may be spread over chunks, so what is not a whole one waits.
            while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                if heard.hear(std::str::from_utf8(&event).unwrap()) {
                    return heard.read(self.plan.stalls(self.index));
                }
            }
        }
    }
}

/// What one reader has heard so far.
struct Heard {
    plan: Plan,
    next: u64,
    late: Vec<u32>,
    whole: bool,
}

impl Heard {
    /// Hears an event; whether it is the last.
    fn hear(&mut self, event: &str) -> bool {
        if event.contains(r#""type":"message.chunk""#) {
            let now = since_epoch();
            for word in words(event) {
                let (number, said) = word.split_once(':').unwrap();
                assert_eq!(number.parse(), Ok(self.next), "a word is missing, or came twice");
                self.next += 1;
                let late = now.saturating_sub(said.parse().unwrap());
                self.late.push(u32::try_from(late).unwrap_or(u32::MAX));
            }
        }
        if event.contains(r#""type":"message.end""#) {
            let number = |word: &str| word.split_once(':').unwrap().0.parse::<u64>().unwrap();
            assert!(words(event).map(number).eq(0..self.plan.words()), "the answer is not whole");
            self.whole = true;
        }
        event.contains(r#""type":"turn.ended""#)
    }

    fn read(self, stalled: bool) -> Read {
        assert!(self.whole);
        if stalled {
            return Read { stalled: 1, words: self.next, late: Vec::new() };
        }
        assert_eq!(self.next, self.plan.words());
        Read { late: self.late, words: self.next, stalled: 0 }
    }
}

/// The words of an event: each begins with a number and a colon, and ends with a blank.
fn words(event: &str) -> impl Iterator<Item = &str> {
    let begin = event.find(r#""text":""#).map_or(event.len(), |at| at + 8);
    let text = &event[begin..];
    let text = &text[..text.find('"').unwrap_or(text.len())];
    text.split(' ').filter(|word| !word.is_empty())
}

/// Microseconds; both processes have the same clock.
pub(crate) fn since_epoch() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "two processes have no clock port in common")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_micros()).unwrap()
}
