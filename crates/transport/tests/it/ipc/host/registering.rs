//! What a client registers, again, in vain, or not at all.

use std::sync::Arc;

use polychat_core::{FailureKind, ModelName, Reply};
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::ipc::ServeOptions;
use serde_json::{Value, json};

use super::{
    super::by_hand::{connect, server, within},
    Registry, hosting, kind, offer, one_host,
};

fn names(registry: &Registry) -> Vec<Vec<String>> {
    let offers = registry.offers();
    let names = |offer: &polychat_core::ports::HostOffer| {
        let models = offer.models.iter().map(|(name, _)| name.as_str().to_owned());
        models.chain(offer.tools.iter().map(|tool| (*tool.spec().name).to_owned())).collect()
    };
    offers.iter().map(names).collect()
}

#[tokio::test]
async fn a_server_that_takes_no_hosts_says_so() {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let (mut client, _end) = connect(&server(world, ServeOptions::default())).await;
    let refused = client.asked(1, "host/register", offer()).await;
    assert_eq!(refused["error"]["data"]["code"], "unsupported");
    client.is_heard().await;
}

#[tokio::test]
async fn what_is_registered_comes_under_the_name_that_the_client_gives_itself() {
    let (_host, registry, _server, _end) = one_host().await;
    assert_eq!(names(&registry), [["mine", "dice"]]);
    assert_eq!(&*registry.offers()[0].host, "test");
    assert!(!registry.offers()[0].tools[0].spec().needs_approval);
}

#[tokio::test]
async fn registering_again_replaces_what_was_registered_and_calls_that_run_go_on() {
    let (mut host, registry, _server, _end) = one_host().await;
    let call = registry.call(json!({}), &Arc::default());
    let (id, _, _) = host.requested().await;
    let other = json!({ "models": [{ "name": "other" }] });
    assert_eq!(host.asked(2, "host/register", other).await["result"], json!({}));
    assert_eq!((registry.left(), names(&registry).len()), (1, 2));
    assert_eq!(names(&registry)[1], ["other"]);
    host.answer(&id, json!({ "parts": [{ "type": "text", "text": "four" }] })).await;
    assert_eq!(kind(within(call).await.unwrap()), Ok("four".into()));
}

#[tokio::test]
async fn a_registration_that_is_refused_leaves_what_was_registered() {
    let (mut host, registry, server, _end) = one_host().await;
    registry.taken.lock().unwrap().push(ModelName::new("theirs").unwrap());
    let theirs = json!({ "models": [{ "name": "mine" }, { "name": "theirs" }] });
    let refused = host.asked(2, "host/register", theirs).await;
    let data = &refused["error"]["data"];
    assert_eq!((&data["code"], &data["name"]), (&json!("name_taken"), &json!("theirs")));
    assert_eq!(names(&registry), [["mine", "dice"], ["mine", "dice"]]);
    assert_eq!(registry.left(), 1);
    let call = registry.call(json!({}), &Arc::default());
    let (id, _, _) = host.requested().await;
    host.fail(&id, json!({ "code": 1, "message": "no" })).await;
    assert_eq!(kind(within(call).await.unwrap()), Err(FailureKind::ToolFailed));
    // A refusal of the world is no broken message.
    assert_eq!(server.rejected(), 0);
}

// On several threads they would overtake each other
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registrations_of_one_connection_take_effect_in_the_order_of_the_pipe() {
    let (server, registry) = hosting(ServeOptions::default());
    let (mut host, _end) = connect(&server).await;
    for id in 1..=20 {
        let offer = json!({ "models": [{ "name": format!("m{id}") }] });
        host.ask(id, "host/register", offer).await;
    }
    for _ in 1..=20 {
        assert_eq!(host.hear().await.unwrap()["result"], json!({}));
    }
    let expected: Vec<_> = (1..=20).map(|id| vec![format!("m{id}")]).collect();
    assert_eq!((names(&registry), registry.left()), (expected, 19));
}

// REQ-13
#[tokio::test]
async fn an_offer_that_cannot_be_read_is_refused_and_registers_nothing() {
    let (server, registry) = hosting(ServeOptions::default());
    let (mut host, _end) = connect(&server).await;
    let wrongs: Vec<Value> = vec![
        json!([]),
        json!({ "models": "mine" }),
        json!({ "models": [{ "name": ".." }] }),
        json!({ "models": [{}] }),
        json!({ "tools": [{ "name": "dice" }] }),
        json!({ "model": [{ "name": "mine" }] }),
    ];
    for (n, wrong) in (1..).zip(wrongs) {
        let refused = host.asked(n, "host/register", wrong.clone()).await;
        assert_eq!(refused["error"]["code"], json!(-32_602), "{wrong}: {refused}");
        assert_eq!(server.rejected(), n, "{wrong}");
    }
    assert_eq!(names(&registry).len(), 0);
}
