//! `docs/formats.md` shows what is written and read.

use polychat_core::{Command, ports::WorldService};

use crate::support::{agent, import, lines, said, world};

fn example() -> String {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let document = std::fs::read_to_string(document).unwrap();
    let (_, example) = document.split_once("```jsonl\n").unwrap();
    example.split_once("```").unwrap().0.to_owned()
}

// issue 4: documented JSON Lines
#[tokio::test(start_paused = true)]
async fn the_lines_of_the_document_are_those_that_an_export_writes() {
    let example = example();
    let world = world("home").await;
    world
        .call(Command::PutAgent { agent: agent("guide").system("You know the way.") })
        .await
        .unwrap();
    let report = import(&world, &example).await;
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!(said(&world, "trip-7").await.len(), 4);
    assert_eq!(lines(&world).await, example);
}
