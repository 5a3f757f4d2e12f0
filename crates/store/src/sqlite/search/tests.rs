//! What a search does when it takes too much. Steps are counted, so it is the same everywhere.

use polychat_core::{command::Page, content::Text, ports::StoreErrorKind};
use polychat_testkit::samples::world_id;
use tempfile::TempDir;

use super::*;
use crate::sqlite::schema::{CREATE, connect_reader};

/// A file in which each of these texts is a message of the one chat, the last one the newest.
struct Texts {
    connection: Connection,
    finder: Finder,
    _folder: TempDir,
}

impl Texts {
    fn new(texts: impl IntoIterator<Item = String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        let file = Connection::open(&path).unwrap();
        file.execute_batch(CREATE).unwrap();
        file.execute_batch("BEGIN; INSERT INTO worlds VALUES (1, 'w')").unwrap();
        file.execute("INSERT INTO logs (id, world, chat, head) VALUES (1, 1, 'a', 1)", []).unwrap();
        for (n, text) in (1_i64..).zip(texts) {
            file.execute("INSERT INTO messages VALUES (?1, 1, ?1, ?1)", [n]).unwrap();
            let insert = "INSERT INTO found (rowid, words, place) VALUES (?1, ?2, ?3)";
            file.execute(insert, params![n, text, places(1, 1)]).unwrap();
        }
        file.execute_batch("COMMIT").unwrap();
        let finder = Finder::new();
        let mut connection = connect_reader(&path).unwrap();
        finder.watch(&mut connection).unwrap();
        Self { connection, finder, _folder: folder }
    }

    /// The messages that are found, and whether there are more, within so many steps.
    fn found(&mut self, steps_max: u64, text: &str) -> Result<(Vec<u64>, bool), StoreErrorKind> {
        let (hits, next) = self.page(steps_max, text, Page::first(PAGE))?;
        Ok((hits, next.is_some()))
    }

    /// One page, and where the next one begins.
    fn page(
        &mut self,
        steps_max: u64,
        text: &str,
        page: Page,
    ) -> Result<(Vec<u64>, Option<Text>), StoreErrorKind> {
        self.finder.steps_max = steps_max;
        let query = SearchQuery::new(text, page);
        let page = self.finder.search(&self.connection, &world_id("w"), &query);
        let page = page.map_err(|error| error.kind)?;
        Ok((page.hits.iter().map(|hit| hit.message_id.0.get()).collect(), page.next))
    }
}

const MANY: u64 = 20_000;
const PAGE: usize = 3;

/// Enough to look for something, and about half of what the searches below take.
const FEW: u64 = 480;

// law 7
#[test]
fn beginnings_of_too_many_words_are_taken_for_whole_words() {
    // Long ones, so that they fill many pages of the index.
    let names = (2..MANY).map(|n| format!("name{n:06}{}", "x".repeat(40)));
    let mut texts = Texts::new(["my name is".to_owned()].into_iter().chain(names));
    let newest: Vec<u64> = (MANY - 3..MANY).rev().collect();
    assert_eq!(texts.found(STEPS_MAX, "name"), Ok((newest, true)));
    assert_eq!(texts.found(FEW, "name"), Ok((vec![1], false)));
    // Fewer words that begin so are within what a search may take.
    assert_eq!(texts.found(FEW, "name00777").unwrap().0.len(), PAGE);
}

// law 7: that a search takes too much is not said as that there is nothing
#[test]
fn beginnings_of_too_many_words_without_that_very_word_are_not_said_to_be_none() {
    let names = (1..MANY).map(|n| format!("name{n:06}{}", "x".repeat(40)));
    let mut texts = Texts::new(names);
    let found = texts.found(FEW, "name");
    assert_ne!(found, Ok((vec![], false)));
    assert_ne!(found, Ok((vec![], true)));
}

// law 7: however much each page may take, all pages of a search are of the same words
#[test]
fn pages_of_one_search_are_of_the_same_words() {
    let whole = (1..=5).map(|_| "my name is".to_owned());
    let names = (6..MANY).map(|n| format!("name{n:06}{}", "x".repeat(40)));
    let mut texts = Texts::new(names.chain(whole));
    let newest = |n: u64| -> Vec<u64> { (MANY - n - 2..=MANY - n).rev().collect() };
    let (first, next) = texts.page(FEW, "name", Page::first(PAGE)).unwrap();
    assert_eq!(first, newest(1));
    let (second, next) = texts.page(STEPS_MAX, "name", Page::after(next.unwrap(), PAGE)).unwrap();
    assert_eq!((second, next), (vec![MANY - 4, MANY - 5], None));

    let (first, next) = texts.page(STEPS_MAX, "name", Page::first(PAGE)).unwrap();
    assert_eq!(first, newest(1));
    let next = Page::after(next.unwrap(), PAGE);
    let (second, _) = texts.page(STEPS_MAX, "name", next.clone()).unwrap();
    assert_eq!(second, newest(4));
    // Too little for beginnings: it is said, and the page is not one of whole words.
    assert_eq!(texts.page(FEW, "name", next), Err(StoreErrorKind::Unavailable));
}

// law 7: a search that takes too much is refused, and does not say that nothing is there
#[test]
fn words_that_hardly_ever_meet_are_looked_for_within_bounds() {
    // Again and again, so that they fill many pages of the index.
    let parted = |n: u64| if n.is_multiple_of(2) { "even " } else { "odd " }.repeat(30);
    let mut texts = Texts::new((0..MANY).map(parted));
    assert_eq!(texts.found(STEPS_MAX, "even odd "), Ok((vec![], false)));
    assert_eq!(texts.found(FEW, "even odd "), Err(StoreErrorKind::Unavailable));
    // The connection is as good as before.
    assert_eq!(texts.found(FEW, "odd ").unwrap().0.len(), PAGE);

    let meeting = (0..MANY).map(|n| if n + 3 == MANY { "even odd".to_owned() } else { parted(n) });
    let mut texts = Texts::new(meeting);
    assert_eq!(texts.found(STEPS_MAX, "even odd "), Ok((vec![MANY - 2], false)));
    // What was found before it took too much is shown, and more may come after it.
    assert_eq!(texts.found(FEW, "even odd "), Ok((vec![MANY - 2], true)));
}
