//! What is said where, which counts, and how mistakes are told.

use std::{fs, path::PathBuf};

use super::{Builtin, Config, Configured, Said, Span, ToolNames, ToolsConfig, load};

/// A folder with a configuration in it.
struct Place(tempfile::TempDir);

impl Place {
    fn with(text: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.file(), text).unwrap();
        place
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("polychat.toml")
    }
}

fn said(text: &str, variables: &[(&str, &str)], options: Vec<Said>) -> Result<Configured, String> {
    let place = Place::with(text);
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let configured = load(Some(&place.file()), variables, options);
    let folder = format!("{}/", place.0.path().display());
    configured.map_err(|error| error.to_string().replace(&folder, ""))
}

fn config(text: &str, variables: &[(&str, &str)], options: Vec<Said>) -> Config {
    said(text, variables, options).unwrap().config
}

fn listen(address: &str) -> Said {
    Said::option("--listen", &["serve", "listen"], vec![address.to_owned()])
}

#[test]
fn without_anything_said_there_is_one_world_with_one_agent_and_the_demo() {
    let config = load(None, [], Vec::new()).unwrap().config;
    let tools = ToolsConfig { builtin: Some(Builtin::ALL.to_vec()) };
    assert_eq!(config, Config { tools, ..Config::default() });
    assert_eq!(config.worlds.keys().collect::<Vec<_>>(), ["home"]);
    assert_eq!(config.agents.keys().collect::<Vec<_>>(), ["assistant"]);
    assert_eq!(config.models["demo"].provider, "demo");
    assert_eq!(config.serve.listen, ["127.0.0.1:7777"]);
}

// issue 7: a desk that has something to show at once
#[test]
fn the_demo_has_all_tools_of_the_server_and_other_models_those_that_are_named() {
    let builtin = |text: &str| config(text, &[], Vec::new()).tools.builtin.unwrap();
    let other = "[models.owl]\nprovider = \"openai\"\n";
    assert_eq!(builtin("[models.mine]\nprovider = \"demo\""), Builtin::ALL);
    assert_eq!(builtin(other), []);
    assert_eq!(builtin(&format!("{other}[models.mine]\nprovider = \"demo\"")), []);
    assert_eq!(builtin(&format!("{other}[tools]\nbuiltin = [\"clock\"]")), [Builtin::Clock]);
    assert_eq!(builtin("[tools]\nbuiltin = []"), []);
}

#[test]
fn an_option_counts_more_than_a_variable_and_that_more_than_the_file() {
    let file = "[serve]\nlisten = [\"a:1\"]\nheartbeat_interval = \"5s\"\n[limits]\nsteps_max = 3";
    let variables = [("POLYCHAT_SERVE__LISTEN", "b:2"), ("POLYCHAT_LIMITS__STEPS_MAX", "4")];
    let all = config(file, &variables, vec![listen("c:3")]);
    assert_eq!((&all.serve.listen[..], all.limits.steps_max), (&["c:3".to_owned()][..], 4));
    assert_eq!(all.serve.heartbeat_interval, Span::secs(5));
    assert_eq!(config(file, &variables, Vec::new()).serve.listen, ["b:2"]);
    assert_eq!(config(file, &[], Vec::new()).serve.listen, ["a:1"]);
}

#[test]
fn a_variable_says_what_a_file_can_say() {
    let variables = [
        ("POLYCHAT_LOG", "debug"),
        ("POLYCHAT_STORE__MEMORY", "true"),
        ("POLYCHAT_SERVE__LISTEN", r#"["a:1", "b:2"]"#),
        ("POLYCHAT_AGENTS__OWL__PARAMS__TEMPERATURE", "0.5"),
        ("POLYCHAT_AGENTS__OWL__SYSTEM", "[not a list"),
        ("POLYCHAT_AGENTS__OWL__TOOLS", r#"["clock"]"#),
        ("POLYCHAT_SERVE__WAIT_DURATION_MAX", "unlimited"),
        // Of other programs, and of tests.
        ("POLYCHAT_REQUIRE", "node"),
        ("OTHER__THING", "1"),
    ];
    let config = config("", &variables, Vec::new());
    assert_eq!((config.log.filter.as_deref(), config.store.memory), (Some("debug"), true));
    assert_eq!(config.serve.listen, ["a:1", "b:2"]);
    let owl = &config.agents["owl"];
    assert_eq!((owl.params.temperature, owl.system.as_str()), (Some(0.5), "[not a list"));
    assert_eq!(owl.tools, ToolNames::Only(vec!["clock".to_owned()]));
    assert_eq!(config.serve.wait_duration_max.0, std::time::Duration::MAX);
}

#[test]
fn names_that_look_like_paths_are_names() {
    let file = "[models.\"gpt-4.1\"]\nprovider = \"openai\"\n[worlds.\"Büro 1.[0]\"]";
    let config = config(file, &[("POLYCHAT_LOG", "info")], Vec::new());
    assert_eq!(config.models["gpt-4.1"].provider, "openai");
    assert!(config.worlds.contains_key("Büro 1.[0]"));
}

#[test]
fn paths_in_a_file_begin_in_its_folder_and_others_where_they_are_said() {
    let place = Place::with(
        "[store]\nfile = \"chats.db\"\n[models.a]\nkey_file = \"/keys/a\"\n[mcp.m]\nworking_dir = \"m\"\n\
         [serve.tokens.t]\ntoken_file = \"../t\"",
    );
    let folder = place.0.path();
    let config = load(Some(&place.file()), [], Vec::new()).unwrap().config;
    assert_eq!(config.store.file, Some(folder.join("chats.db")));
    assert_eq!(config.models["a"].key_file, Some(PathBuf::from("/keys/a")));
    assert_eq!(config.mcp["m"].working_dir, Some(folder.join("m")));
    assert_eq!(config.serve.tokens["t"].token_file, Some(folder.join("../t")));
    let option = Said::option("--data", &["store", "file"], "else.db");
    let config = load(Some(&place.file()), [], vec![option]).unwrap().config;
    assert_eq!(config.store.file, Some(PathBuf::from("else.db")));
}

#[test]
fn a_mistake_in_a_file_is_told_with_its_line_its_key_and_what_is_expected() {
    let table = [
        (
            "[serve]\n\nlistn = 1",
            "polychat.toml:3:1: serve.listn: unknown field `listn`, expected one of `listen`",
        ),
        ("[sreve]", "polychat.toml:1:2: sreve: unknown field `sreve`, expected one of `store`"),
        (
            "[limits]\n  steps_max = \"many\"",
            "polychat.toml:2:15: limits.steps_max: invalid type: string \"many\", expected u32",
        ),
        (
            "[limits]\nsteps_max = -1",
            "polychat.toml:2:13: limits.steps_max: invalid value: integer `-1`",
        ),
        (
            "[limits]\nturn_duration_max = \"5 moons\"",
            "limits.turn_duration_max: invalid value: string \"5 moons\", expected a duration with its unit",
        ),
        (
            "[store]\ndurability = \"good\"",
            "polychat.toml:2:14: store.durability: unknown variant `good`, expected `power_safe` or `process_safe`",
        ),
        (
            "[agents.owl]\ntools = 5",
            "agents.owl.tools: expected \"all\", \"none\", or a list of names of tools",
        ),
        ("[tools]\nbuiltin = [\"clock\", \"shell\"]", "polychat.toml:2:21: tools.builtin"),
        ("[serve\nlisten = 1", "polychat.toml:1:7: unclosed table"),
        ("a = 1\na = 2", "polychat.toml:2:1: "),
    ];
    for (text, expected) in table {
        let told = said(text, &[], Vec::new()).unwrap_err();
        assert!(told.contains(expected), "{text:?}\n  told: {told}\n  expected: {expected}");
    }
}

#[test]
fn a_mistake_in_a_variable_is_told_with_its_name() {
    let table = [
        ("POLYCHAT_SERVE__LISTN", "1", "POLYCHAT_SERVE__LISTN: serve.listn: unknown field `listn`"),
        ("POLYCHAT_LIMITS__STEPS_MAX", "many", "POLYCHAT_LIMITS__STEPS_MAX: limits.steps_max: "),
        ("POLYCHAT_STORE__MEMORY", "maybe", "POLYCHAT_STORE__MEMORY: store.memory: "),
        ("POLYCHAT_SERVE__RETRY_AFTER", "5", "POLYCHAT_SERVE__RETRY_AFTER: serve.retry_after: "),
        ("POLYCHAT_SERVE__TOKENS", "a", "POLYCHAT_SERVE__TOKENS: serve.tokens: "),
        ("POLYCHAT_SERVE__", "a", "POLYCHAT_SERVE__: serve.\"\": unknown field"),
    ];
    for (name, value, expected) in table {
        let told = said("[serve]\nlisten = []", &[(name, value)], Vec::new()).unwrap_err();
        assert!(told.starts_with(expected), "{told}\n  expected: {expected}");
    }
}

// law 3: what is secret is nobody's to see
#[test]
fn what_may_be_a_secret_in_the_wrong_place_is_not_repeated() {
    const SECRET: &str = "sk-CANARY\", expected";
    for text in [
        format!("[serve]\ntokens = {SECRET:?}"),
        format!("[serve.tokens.a]\ntoken = {SECRET:?}"),
        format!("[serve.tokens.a]\nread_only = {SECRET:?}"),
        format!("[models]\na = {SECRET:?}"),
        format!("[models.a]\nconnect_duration_max = {SECRET:?}"),
        format!("[mcp.a]\nheaders_env = {SECRET:?}"),
        "[models.a]\nbase_url = \"https://me:CANARY@example.org/v1\"".to_owned(),
        "[mcp.a]\nurl = \"https://CANARY@example.org\"".to_owned(),
    ] {
        let told = said(&text, &[], Vec::new()).unwrap_err();
        assert!(told.starts_with("polychat.toml:2:") && !told.contains("CANARY"), "{told}");
    }
    let told = said("", &[("POLYCHAT_SERVE__TOKENS", "CANARY")], Vec::new()).unwrap_err();
    assert!(told.starts_with("POLYCHAT_SERVE__TOKENS: ") && !told.contains("CANARY"), "{told}");
    said("[models.a]\nbase_url = \"http://h/v1?to=a@b\"", &[], Vec::new()).unwrap();
}

#[test]
fn what_is_found_wrong_later_is_told_with_the_nearest_place() {
    let file = "[worlds.work]\n\n[models.a]\nprovider = \"openai\"\n";
    let variables = [("POLYCHAT_MODELS__A__KEY_ENV", "KEY")];
    let configured = said(file, &variables, vec![listen("a:1")]).unwrap();
    let told = |keys: &[&str]| {
        let told = configured.wrong(keys, "no").to_string();
        told.rsplit('/').next().unwrap().to_owned()
    };
    assert_eq!(
        told(&["models", "a", "key_env"]),
        "POLYCHAT_MODELS__A__KEY_ENV: models.a.key_env: no"
    );
    assert_eq!(told(&["models", "a", "provider"]), "polychat.toml:4:1: models.a.provider: no");
    assert_eq!(told(&["worlds", "work", "agent"]), "polychat.toml:1:9: worlds.work.agent: no");
    assert_eq!(told(&["serve", "listen"]), "--listen: serve.listen: no");
    assert_eq!(told(&["store", "file"]), "store.file: no");
}

#[test]
fn what_is_printed_says_the_same_when_it_is_read() {
    let file = "[limits]\nturn_duration_max = \"unlimited\"\ncheckpoint_interval = \"1500ms\"\n\
        [models.\"gpt-4.1\"]\nprovider = \"openai\"\nkey_env = \"KEY\"\n\
        [agents.owl]\ntools = [\"clock\"]\napproval = \"auto\"\nsystem = \"\"\"two\nlines\"\"\"\n\
        [mcp.files]\ncommand = \"npx\"\nallow = [\"read\"]\n\
        [serve.tokens.phone]\nhash = \"sha256:00\"\nworlds = [\"home\"]";
    for config in [config("", &[], Vec::new()), config(file, &[], Vec::new())] {
        let printed = config.to_string();
        assert_eq!(self::config(&printed, &[], Vec::new()), config, "{printed}");
    }
}
