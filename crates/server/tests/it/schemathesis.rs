//! The document of the door against the door, by a program that nobody here wrote: `schemathesis`
//! makes requests of what the document says, and looks at every answer.
//!
//! CI installs it by `python3 -m pip install --target target/py-schemathesis schemathesis==4.32.5`;
//! elsewhere the environment variable `POLYCHAT_SCHEMATHESIS` says where its modules are. What it is
//! told besides stands in `schemathesis/`: `schemathesis.toml`, and `hooks.py`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use polychat_testkit::require;
use tokio::{process::Command, time::timeout};

use crate::{
    child::{Place, polychat},
    serving::Server,
};

/// Requests of each operation that are made up, beside those that cover what its schemas say.
const EXAMPLES: &str = "4";

fn modules() -> PathBuf {
    env::var_os("POLYCHAT_SCHEMATHESIS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/py-schemathesis"),
        PathBuf::from,
    )
}

// issue 6: without a failure
#[tokio::test]
async fn schemathesis_finds_nothing_that_the_document_and_the_door_disagree_about() {
    let modules = modules();
    if !require::or_skip("schemathesis", modules.join("schemathesis/__init__.py").is_file()) {
        return;
    }
    let place = Place::new();
    let data = place.file().display().to_string();
    let arguments =
        ["serve", "--no-auth", "--listen", "127.0.0.1:0", "--log", "error", "--data", &data];
    let server = Server::start(&mut polychat(arguments)).await;
    let url = format!("http://{}/", server.address);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis");
    let paths = env::join_paths([&modules, &own]).unwrap();
    let mut command = Command::new("python3");
    command
        .current_dir(place.path(""))
        .env("PYTHONPATH", paths)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("POLYCHAT_URL", &url)
        .args(["-m", "schemathesis.cli", "--no-color", "--config-file"])
        .arg(own.join("schemathesis.toml"))
        .args(["run", &format!("{url}v1/openapi.json"), "--url", &url])
        .args(["--phases", "coverage,fuzzing", "--max-examples", EXAMPLES])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    // Only a hang takes so long.
    let said = timeout(Duration::from_secs(600), command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{text}\n{words}");
    // It is not enough that nothing failed: something has to have been asked.
    let tested = text.lines().find_map(|line| line.trim().strip_prefix("Tested: "));
    let tested: u32 = tested.unwrap().trim().parse().unwrap();
    assert!(tested > 30, "{text}");
}
