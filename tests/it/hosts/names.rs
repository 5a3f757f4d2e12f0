//! Names that several want, and what operators hear.

use std::sync::Arc;

use polychat::{
    DemoModel, Hosts, ModelName, Refusal,
    diagnostic::DiagnosticKind,
    ports::{HostOffer, HostRegistry, Toolbox},
    tools::{NoArguments, Tools, tool},
};
use serde_json::{Value, json};

use super::{
    by_hand::{Host, offer},
    serve, world_of_hosts,
};
use crate::support::{WorldWatcher, settle};

fn refused(answer: &Value) -> (&str, &str) {
    let data = &answer["error"]["data"];
    (data["code"].as_str().unwrap_or_default(), data["name"].as_str().unwrap_or_default())
}

// issue 5: all of it is taken, or nothing
#[tokio::test(start_paused = true)]
async fn of_two_hosts_that_bring_the_same_name_the_second_brings_nothing_until_the_first_has_gone()
{
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let server = serve(&house, &hosts);
    let first = Host::registered(&server).await;
    let mut second = Host::connect(&server, 4_096).await;
    for (wanted, name) in [(offer("other", "dice"), "dice"), (offer("mine", "cards"), "mine")] {
        let answer = second.asked_of_server("host/register", wanted).await;
        assert_eq!(refused(&answer), ("name_taken", name));
    }
    // Neither half has come in, so a third may bring both.
    let mut third = Host::connect(&server, 4_096).await;
    let answer = third.asked_of_server("host/register", offer("other", "cards")).await;
    assert_eq!(answer["result"], json!({}));
    drop(first);
    settle().await;
    let answer = second.asked_of_server("host/register", offer("mine", "dice")).await;
    assert_eq!(answer["result"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn a_host_may_register_the_same_names_again() {
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let mut host = Host::registered(&serve(&house, &hosts)).await;
    let answer = host.asked_of_server("host/register", offer("mine", "dice")).await;
    assert_eq!(answer["result"], json!({}));
    // One that is refused leaves what was there.
    let wrong = host.asked_of_server("host/register", offer("more", "no name of a tool")).await;
    assert_eq!(wrong["error"]["data"]["code"], "invalid_input");
    let mut other = Host::connect(&serve(&house, &hosts), 4_096).await;
    let answer = other.asked_of_server("host/register", offer("more", "dice")).await;
    assert_eq!(refused(&answer), ("name_taken", "dice"));
}

#[tokio::test(start_paused = true)]
async fn what_a_world_has_itself_no_host_can_bring() {
    let hosts = Hosts::new();
    let own = tool("clock", "the world's own", |_: NoArguments| async { "noon" });
    let source: Arc<dyn Toolbox> = Arc::new(Tools::builder().add(own).build().unwrap());
    let house = world_of_hosts(&hosts)
        .with(|builder| {
            let name = ModelName::new("own").unwrap();
            builder.tools(source).add_model(name, DemoModel::new())
        })
        .open()
        .await;
    let mut host = Host::connect(&serve(&house, &hosts), 4_096).await;
    for (wanted, name) in [(offer("mine", "clock"), "clock"), (offer("own", "dice"), "own")] {
        let answer = host.asked_of_server("host/register", wanted).await;
        assert_eq!(refused(&answer), ("name_taken", name));
    }
}

#[test]
fn an_offer_that_names_something_twice_is_refused_whole() {
    let hosts = Hosts::new();
    let name = |name: &str| ModelName::new(name).unwrap();
    let offer = HostOffer::new("app")
        .model(name("a"), Arc::new(DemoModel::new()))
        .model(name("a"), Arc::new(DemoModel::new()));
    let refused = hosts.admit(offer).unwrap_err();
    assert_eq!(refused, Refusal::NameTaken { what: "model".into(), name: "a".into() });
    let offer = HostOffer::new("app").model(name("a"), Arc::new(DemoModel::new()));
    drop(hosts.admit(offer).unwrap());
}

// REQ-13, NFR-4
#[tokio::test(start_paused = true)]
async fn operators_hear_what_was_rejected_on_a_connection() {
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let mut host = Host::registered(&serve(&house, &hosts)).await;
    for (wrong, code) in [
        (json!({ "callId": "1-0", "delta": { "type": "text", "text": "x" } }), "unknown_call"),
        (json!({ "delta": {} }), "invalid_input"),
    ] {
        host.say(json!({ "jsonrpc": "2.0", "method": "model/delta", "params": wrong })).await;
        let told = feed.until_diagnostic("rejected_input").await;
        let expected = DiagnosticKind::RejectedInput { path: "ipc".into(), code: code.into() };
        assert_eq!((told.kind, told.chat_id), (expected, None));
    }
    let answer = host.asked_of_server("chat/explode", json!({})).await;
    assert_eq!(answer["error"]["data"]["code"], "unknown_method");
    let told = feed.until_diagnostic("rejected_input").await;
    let expected =
        DiagnosticKind::RejectedInput { path: "ipc".into(), code: "unknown_method".into() };
    assert_eq!(told.kind, expected);
}
