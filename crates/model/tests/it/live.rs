//! `LiveModels`: who comes, who goes, and what is remembered.

use std::sync::Arc;

use polychat_core::{
    ModelName, Refusal,
    ports::{Model, ModelErrorKind, ModelSource},
};
use polychat_model::{LiveModels, ScriptedModel, Step};

use crate::history::{History, take};

fn name(name: &str) -> ModelName {
    ModelName::new(name).unwrap()
}

fn saying(text: &'static str) -> Arc<dyn Model> {
    Arc::new(ScriptedModel::answering(move |_| vec![Step::text(text)]))
}

/// What the model of this name answers, or the kind of its error; `None` if there is none.
async fn said(models: &LiveModels, of: &str) -> Option<Result<String, ModelErrorKind>> {
    let model = models.get(&name(of))?;
    let taken = take(&*model, History::default().user("hello").request()).await;
    let text = taken.text();
    Some(taken.error.map_or(Ok(text), |error| Err(error.kind)))
}

// issue 5: calls of a host that has gone end as `host_gone`, not as `not_configured`
#[tokio::test]
async fn a_model_that_has_gone_is_still_known_and_one_that_never_came_is_not() {
    let models = LiveModels::new();
    assert_eq!(said(&models, "mine").await, None);
    let stay = models.register([(name("mine"), saying("here"))]).unwrap();
    assert_eq!(said(&models, "mine").await, Some(Ok("here".into())));
    drop(stay);
    assert_eq!(said(&models, "mine").await, Some(Err(ModelErrorKind::HostGone)));
    assert_eq!(said(&models, "other").await, None);
}

// A retry of the same call finds the host that came back
#[tokio::test]
async fn a_model_is_looked_up_for_each_request() {
    let models = LiveModels::new();
    drop(models.register([(name("mine"), saying("first"))]).unwrap());
    let asked = models.get(&name("mine")).unwrap();
    let request = || History::default().user("hello").request();
    let gone = take(&*asked, request()).await.error.unwrap();
    assert!(gone.retryable && gone.kind == ModelErrorKind::HostGone);
    let _stay = models.register([(name("mine"), saying("second"))]).unwrap();
    assert_eq!(take(&*asked, request()).await.text(), "second");
}

#[tokio::test]
async fn of_an_offer_all_models_are_taken_or_none() {
    let models = LiveModels::new();
    let _stay = models.register([(name("b"), saying("first"))]).unwrap();
    let offer = ["a", "b", "c"].map(|it| (name(it), saying("second")));
    let refused = models.register(offer).unwrap_err();
    assert_eq!(refused, Refusal::NameTaken { what: "model".into(), name: "b".into() });
    let twice = models.register(["d", "d"].map(|it| (name(it), saying("second"))));
    assert!(matches!(twice, Err(Refusal::NameTaken { .. })));
    for nothing in ["a", "c", "d"] {
        assert_eq!(said(&models, nothing).await, None);
    }
    assert_eq!(said(&models, "b").await, Some(Ok("first".into())));
}

// law 7
#[tokio::test]
async fn models_and_what_is_remembered_of_them_are_bounded() {
    let models = LiveModels::new();
    let offer = |range: std::ops::Range<u32>| {
        range.map(|n| (name(&n.to_string()), saying("here"))).collect::<Vec<_>>()
    };
    let stay = models.register(offer(0..1_024)).unwrap();
    let refused = models.register(offer(1_024..1_025)).unwrap_err();
    assert!(matches!(refused, Refusal::TooLarge { bytes: 1_025, max: 1_024, .. }));
    drop(stay);
    drop(models.register(offer(2_000..2_001)).unwrap());
    let remembered = (0..1_024).filter(|n| models.get(&name(&n.to_string())).is_some()).count();
    assert_eq!(remembered, 1_023);
}
