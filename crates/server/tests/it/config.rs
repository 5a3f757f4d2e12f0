//! The configuration of a real process: what the documentation says of it, mistakes, secrets, and
//! worlds that are made of it.

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
};
use toml::Table;

use super::child::{ByHand, Place, Served, complaints, polychat, refused, within};

/// The documentation.
fn documentation() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    fs::read_to_string(path).unwrap()
}

/// The example that it gives.
fn example() -> String {
    let text = documentation();
    let (_, after) = text.split_once("## An example").unwrap();
    let (_, after) = after.split_once("```toml\n").unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

/// What is in force with this file.
async fn in_force(file: &Path) -> Table {
    let mut command = polychat(["serve", "--print-config", "--config", file.to_str().unwrap()]);
    let output = within(command.stdin(Stdio::null()).output()).await.unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), complaints.as_str()), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

/// Whether all that this says is said by that too.
fn says_all(this: &toml::Value, that: Option<&toml::Value>, keys: &str) {
    match (this, that) {
        (toml::Value::Table(this), Some(toml::Value::Table(that))) => {
            for (key, value) in this {
                says_all(value, that.get(key), &format!("{keys}.{key}"));
            }
        }
        (this, that) => assert_eq!(Some(this), that, "{keys}"),
    }
}

#[tokio::test]
async fn the_example_of_the_documentation_is_in_force_as_it_stands() {
    let place = Place::new();
    let file = place.path("polychat.toml");
    fs::write(&file, example()).unwrap();
    let mut said: Table = example().parse().unwrap();
    assert!(said.len() > 9);
    // Paths begin in the folder of the file.
    said["store"]["file"] = place.file().to_str().unwrap().into();
    let printed = in_force(&file).await;
    says_all(&said.into(), Some(&printed.clone().into()), "");
    // What is printed is a configuration too, and the same one.
    fs::write(&file, printed.to_string()).unwrap();
    assert_eq!(in_force(&file).await, printed);
    // And a house is made of it.
    let arguments = ["stdio", "--world", "work", "--config", file.to_str().unwrap()];
    let mut served = Served::start(&mut polychat(arguments));
    drop(served.world);
    assert_eq!(within(served.child.wait()).await.unwrap().code(), Some(0));
    assert!(place.file().exists());
}

/// The filter of the log that is in force.
async fn filter(command: &mut Command) -> Option<String> {
    let output = within(command.arg("--print-config").output()).await.unwrap();
    let printed: Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    printed["log"].get("filter").map(|filter| filter.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_file_is_that_of_the_option_or_of_the_variable_or_of_the_user() {
    let place = Place::new();
    for name in ["option", "variable", "polychat/polychat"] {
        let file = place.path(&format!("{name}.toml"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("[log]\nfilter = \"{name}\"")).unwrap();
    }
    let user = || {
        let mut command = polychat(["serve"]);
        command.env("HOME", place.path("")).env("XDG_CONFIG_HOME", place.path(""));
        command
    };
    if cfg!(target_os = "linux") {
        assert_eq!(filter(&mut user()).await.as_deref(), Some("polychat/polychat"));
    }
    let variable = || {
        let mut command = user();
        command.env("POLYCHAT_CONFIG", place.path("variable.toml"));
        command
    };
    assert_eq!(filter(&mut variable()).await.as_deref(), Some("variable"));
    let option = place.path("option.toml");
    assert_eq!(filter(variable().arg("--config").arg(option)).await.as_deref(), Some("option"));
    let mut nobody = user();
    nobody.env("XDG_CONFIG_HOME", place.path("nothing"));
    assert_eq!(filter(&mut nobody).await, None);
}

/// A section of the documentation, and its keys with their defaults.
struct Section {
    /// As in `serve.tokens.NAME`.
    name: String,
    keys: Vec<(String, String)>,
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in documentation().lines() {
        if let Some(name) = line.strip_prefix("### `[") {
            let name = name.strip_suffix("]`").unwrap().to_owned();
            sections.push(Section { name, keys: Vec::new() });
        } else if let Some(row) = line.strip_prefix("| `") {
            let (key, row) = row.split_once("` | ").unwrap();
            let (default, _) = row.split_once('|').unwrap();
            let section = sections.last_mut().unwrap();
            section.keys.push((key.to_owned(), default.trim().trim_matches('`').to_owned()));
        }
    }
    sections
}

/// The keys that this section has, as it says itself when it is asked for another one.
async fn keys_of(place: &Place, section: &str) -> Vec<String> {
    let file = place.path("wrong.toml");
    let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    fs::write(&file, format!("{head}nothing = 1")).unwrap();
    let arguments = ["serve", "--print-config", "--config", file.to_str().unwrap()];
    let (status, told) = refused(&mut polychat(arguments)).await;
    assert_eq!(status, 1);
    let (_, expected) = told.split_once("unknown field `nothing`, expected ").expect(&told);
    let mut keys: Vec<String> =
        expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn the_documentation_lists_each_key_and_no_other() {
    let place = Place::new();
    let sections = sections();
    let mut roots: Vec<_> =
        sections.iter().map(|section| section.name.split('.').next().unwrap()).collect();
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(keys_of(&place, "").await, roots);
    for section in &sections {
        let mut listed: Vec<_> = section.keys.iter().map(|(key, _)| key.clone()).collect();
        listed.sort();
        assert_eq!(keys_of(&place, &section.name).await, listed, "{}", section.name);
    }
}

#[tokio::test]
async fn the_documentation_says_the_defaults_that_hold() {
    let place = Place::new();
    let file = place.path("polychat.toml");
    let sections = sections();
    let named = sections.iter().filter(|section| section.name.ends_with(".NAME"));
    let named: Vec<_> = named.map(|section| format!("[{}]", section.name)).collect();
    assert_eq!(named.len(), 5);
    fs::write(&file, named.join("\n")).unwrap();
    let defaults = toml::Value::from(in_force(&file).await);
    let mut compared = 0;
    for section in &sections {
        let table = section.name.split('.').try_fold(&defaults, |value, key| value.get(key));
        for (key, said) in &section.keys {
            let Ok(said) = format!("it = {said}").parse::<Table>() else { continue };
            let holds = table.and_then(|table| table.get(key));
            assert_eq!(holds, said.get("it"), "{}.{key}", section.name);
            compared += 1;
        }
    }
    assert!(compared > 70, "{compared}");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place_before_anything_is_opened() {
    let place = Place::new();
    let (file, store) = (place.path("polychat.toml"), place.file());
    let whole = |text: &str| format!("[store]\nfile = {:?}\n{text}", store.to_str().unwrap());
    let table = [
        ("[serve]\nlistn = 1", "polychat.toml:4:1: serve.listn: unknown field `listn`"),
        ("[worlds.\"..\"]", "polychat.toml:3:9: worlds.\"..\": "),
        (
            "[worlds.a]\nagent = \"owl\"",
            "polychat.toml:4:1: worlds.a.agent: there is no agent \"owl\"",
        ),
        ("[models.a]\n[models.b]", "agents.assistant.model: it is not said which of several"),
        (
            "[hosts]\nallow = false\n[agents.owl]\nmodel = \"b\"",
            "polychat.toml:6:1: agents.owl.model: there is no model \"b\"",
        ),
        ("[agents.a]\n[agents.b]", "worlds.home.agent: it is not said which of several"),
        ("[models.a]\nprovider = \"nobody\"", "polychat.toml:3:9: models.a: there is no provider"),
        (
            "[models.a]\nprovider = \"openai\"\nkey_env = \"NO_SUCH_KEY\"",
            "polychat.toml:5:1: models.a.key_env: the environment variable NO_SUCH_KEY is not set",
        ),
        (
            "[models.a]\nprovider = \"openai\"\nkey_file = \"missing\"",
            "polychat.toml:5:1: models.a.key_file: ",
        ),
        ("[mcp.a]", "polychat.toml:3:6: mcp.a: either `command` or `url` is needed"),
        ("[mcp.a]\nurl = \"http://h/\"\nargs = [\"x\"]", "polychat.toml:5:1: mcp.a.args: "),
    ];
    for (text, expected) in table {
        fs::write(&file, whole(text)).unwrap();
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()];
        let (status, told) = refused(&mut polychat(arguments)).await;
        assert_eq!(status, 1, "{text}");
        assert!(told.starts_with("polychat: ") && told.contains(expected), "{text}\n{told}");
        assert!(!store.exists(), "{text}");
    }
    let mut wrong = polychat(["serve", "--memory", "--listen", "127.0.0.1:0"]);
    let (status, told) = refused(wrong.env("POLYCHAT_SERVE__LISTN", "x")).await;
    assert_eq!(status, 1);
    assert!(told.starts_with("polychat: POLYCHAT_SERVE__LISTN: serve.listn: "), "{told}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, told) = refused(&mut polychat(["serve", "--memory", "--listen", &address])).await;
    assert_eq!(status, 1);
    assert!(told.contains(&address) && told.contains("--listen"), "{told}");
    let missing = place.path("missing.toml");
    let (status, told) =
        refused(&mut polychat(["stdio", "--config", missing.to_str().unwrap()])).await;
    assert_eq!(status, 1);
    assert!(told.contains("missing.toml cannot be read"), "{told}");
}

// law 3: what is secret is nobody's to see
#[tokio::test]
async fn secrets_are_neither_printed_nor_logged_nor_told_in_mistakes() {
    const SECRET: &str = "sk-CANARY-0123456789abcdef";
    let place = Place::new();
    let (file, key) = (place.path("polychat.toml"), place.path("key"));
    fs::write(&key, SECRET).unwrap();
    let text = "[models.a]\nprovider = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\nkey_env = \"THE_KEY\"\n\
        [models.b]\nprovider = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\nkey_file = \"key\"\n\
        [agents.assistant]\nmodel = \"a\"\n[mcp.m]\nurl = \"http://127.0.0.1:1/mcp\"\n\
        [mcp.m.headers_env]\nauthorization = \"THE_KEY\"\n[store]\nmemory = true\n";
    fs::write(&file, text).unwrap();
    let with = |arguments: &[&str]| {
        let mut command = polychat(arguments);
        command.args(["--config", file.to_str().unwrap()]).env("THE_KEY", SECRET);
        command
    };
    let output = within(with(&["stdio", "--print-config"]).output()).await.unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("THE_KEY"));
    let mut served = Served::start(&mut with(&["stdio", "--log", "trace", "--grace", "0"]));
    let chat = within(served.world.open_chat("a")).await.unwrap();
    let prompt = within(chat.prompt("hello").send()).await.unwrap();
    drop((prompt, chat, served.world));
    let log = complaints(served.child.stderr.take()).await;
    assert!(log.contains("chat") && !log.contains("CANARY"), "{log}");
    // Put into the wrong place, by mistake.
    for wrong in [
        format!("[models.a]\nprovider = \"openai\"\nkey_env = {SECRET:?}"),
        format!("[models.a]\nprovider = \"openai\"\nkey = {SECRET:?}"),
        format!("[mcp.a]\ncommand = \"x\"\npass_env = [{SECRET:?}]"),
    ] {
        fs::write(&file, wrong).unwrap();
        let (status, told) = refused(&mut with(&["stdio", "--memory"])).await;
        assert_eq!(status, 1);
        assert!(told.contains("polychat.toml:") && !told.contains("CANARY"), "{told}");
    }
}

#[tokio::test]
async fn the_log_is_made_of_lines_for_people_or_of_objects() {
    for (format, objects) in [("pretty", false), ("json", true)] {
        let mut command = polychat(["stdio", "--memory", "--log", "info"]);
        let mut child = command.env("POLYCHAT_LOG__FORMAT", format).spawn().unwrap();
        drop(child.stdin.take());
        let log = complaints(child.stderr.take()).await;
        assert!(!log.is_empty());
        for line in log.lines() {
            assert_eq!(serde_json::from_str::<Value>(line).is_ok(), objects, "{line}");
        }
    }
}

/// What this address answers to a plain request.
async fn get(link: &str, path: &str, token: Option<&str>) -> (u16, Value) {
    let address = link.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{token}\r\n");
    within(stream.write_all(request.as_bytes())).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// A server, and the link that it says first.
async fn serving(command: &mut Command) -> (ByHand, String) {
    let mut server = ByHand::start(command.stdin(Stdio::null()));
    let link = server.line().await;
    (server, link)
}

// REQ-5
#[tokio::test]
async fn worlds_are_served_side_by_side_each_with_its_own_default_agent() {
    let place = Place::new();
    let file = place.path("polychat.toml");
    let text = "[store]\nfile = \"chats.db\"\n[serve]\nlisten = \"127.0.0.1:0\"\n\
        [worlds.home]\n[worlds.work]\nagent = \"guide\"\n\
        [agents.assistant]\n[agents.guide]\nsystem = \"You know the way.\"\n";
    fs::write(&file, text).unwrap();
    let start = || polychat(["serve", "--no-auth", "--config", file.to_str().unwrap()]);
    for _ in 0..2 {
        let (mut server, link) = serving(&mut start()).await;
        for (world, agent) in [("home", "assistant"), ("work", "guide")] {
            let (status, info) = get(&link, &format!("/v1/worlds/{world}"), None).await;
            assert_eq!((status, info["defaultAgent"].as_str()), (200, Some(agent)), "{info}");
            assert_eq!(info["agents"].as_array().unwrap().len(), 2);
        }
        assert_eq!(get(&link, "/v1/worlds/elsewhere", None).await.0, 404);
        super::child::send(&server.child, rustix::process::Signal::TERM);
        assert_eq!(server.ended().await.code(), Some(0));
    }
}

#[tokio::test]
async fn a_token_opens_what_the_printed_lines_say() {
    let place = Place::new();
    let file = place.path("polychat.toml");
    let output = within(polychat(["token", "my phone"]).output()).await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (token, lines) = printed.split_once('\n').unwrap();
    assert!(!lines.contains(token) && token.len() == 43, "{printed}");
    fs::write(&file, format!("{lines}\n[store]\nmemory = true\n")).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()];
    let (_server, link) = serving(&mut polychat(arguments)).await;
    assert_eq!(get(&link, "/v1/worlds/home", Some(token)).await.0, 200);
    let other = within(polychat(["token"]).output()).await.unwrap();
    let other = String::from_utf8(other.stdout).unwrap();
    let other = other.lines().next().unwrap();
    assert_eq!(get(&link, "/v1/worlds/home", Some(other)).await.0, 401);
}
