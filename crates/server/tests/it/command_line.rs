//! The command line: where files lie, and errors with a way out.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use super::child::{ByHand, Place, Served, answer, over, polychat, refused, within};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn it_says_its_version_and_what_it_can_do() {
    let output = within(polychat(["--version"]).output()).await.unwrap();
    let version = concat!("polychat ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
    let output = within(polychat(["--help"]).output()).await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let subcommands =
        ["serve", "stdio", "socket", "export", "import", "search", "verify", "openapi", "token"];
    for word in subcommands.into_iter().chain(["POLYCHAT_LOG", "POLYCHAT_CONFIG"]) {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn what_can_be_asked_over_http_is_printed() {
    let output = within(polychat(["openapi"]).output()).await.unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/v1/worlds/{world}/chats"]["post"].is_object());
    assert!(document["components"]["securitySchemes"]["bearer"].is_object());
}

#[tokio::test]
async fn what_is_wrong_is_said_with_a_way_out() {
    let place = Place::new();
    let (text, nowhere) = (place.path("text.db"), place.path("missing/folder/chats.db"));
    fs::write(&text, "no database, but precious".repeat(100)).unwrap();
    let (text, nowhere) = (text.to_str().unwrap(), nowhere.to_str().unwrap());
    let table: [(&[&str], i32, &[&str]); 7] = [
        (&["stdio", "--memory", "--data", "x.db"], 2, &["--memory"]),
        (&["stdio", "--framing", "morse"], 2, &["lines", "content-length"]),
        (&["stdio", "--memory", "--log", "a=b=c"], 1, &["--log info"]),
        (&["stdio", "--memory", "--world", ".."], 1, &["id"]),
        (&["stdio", "--data", text], 1, &[text, "not a database", "--data"]),
        (&["stdio", "--data", nowhere], 1, &["missing/folder"]),
        (&["socket", "--memory", "--world", "a/b"], 1, &["a/b", "polychat socket PATH"]),
    ];
    for (arguments, code, words) in table {
        let (status, said) = refused(&mut polychat(arguments)).await;
        assert_eq!(status, code, "{arguments:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {said}");
        }
    }
    assert!(fs::read_to_string(text).unwrap().starts_with("no database, but precious"));
}

#[tokio::test]
async fn a_file_in_use_is_refused_and_who_uses_it_is_named() {
    let place = Place::new();
    let first = Served::start(&mut over(&place.file()));
    within(first.world.open_chat("a")).await.unwrap();
    let (status, said) = refused(&mut over(&place.file())).await;
    assert_eq!(status, 1);
    let process = format!("process {}", first.child.id().unwrap());
    assert!(said.contains(&process) && said.contains("--data"), "{said}");
    // The first one goes on.
    within(first.world.open_chat("b")).await.unwrap();
}

#[tokio::test]
async fn without_a_file_chats_are_kept_in_this_users_own_folder() {
    let place = Place::new();
    let start = || {
        let mut command = polychat(["stdio"]);
        command.env("HOME", place.path("")).env("XDG_DATA_HOME", place.path("data"));
        Served::start(&mut command)
    };
    for round in 1..=2 {
        let mut served = start();
        let chat = within(served.world.open_chat("a")).await.unwrap();
        answer(&chat, "hello").await;
        let log = within(chat.log(polychat::Seq::ZERO, 1_000)).await.unwrap();
        let ended = log.events.iter().filter(|entry| entry.event.name() == "turn.ended");
        assert_eq!(ended.count(), round);
        drop((chat, served.world));
        assert_eq!(within(served.child.wait()).await.unwrap().code(), Some(0));
    }
    if cfg!(target_os = "linux") {
        assert!(place.path("data/polychat/chats.db").is_file());
        assert_eq!(mode(&place.path("data/polychat")), 0o700);
    }
}

#[tokio::test]
async fn without_a_path_the_socket_lies_where_the_system_keeps_them() {
    let place = Place::new();
    let mut command = polychat(["socket", "--memory", "--world", "work"]);
    command.env("HOME", place.path("")).env("XDG_DATA_HOME", place.path("data"));
    let mut starts = vec![(command, place.path("data/polychat/run/work.sock"))];
    starts[0].0.env_remove("XDG_RUNTIME_DIR");
    let mut command = polychat(["socket", "--memory"]);
    command.env("HOME", place.path("")).env("XDG_RUNTIME_DIR", place.path("run"));
    starts.push((command, place.path("run/polychat/home.sock")));
    for (mut command, path) in starts {
        let mut server = ByHand::start(command.stdin(Stdio::null()));
        let said = server.line().await;
        if cfg!(target_os = "linux") {
            assert_eq!(said, format!("listening on {}", path.display()));
        }
    }
}
