//! `GET /metrics`: what `docs/observability.md` lists, in the text format of Prometheus.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::{denied::nothing_here, grants::Grant};

/// Upper bounds of what is counted together, in seconds: from an append to a turn with tools.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0];
/// How often timings that nobody asked for are added up, so that they do not pile up.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// From now on what this process counts is counted here.
pub(crate) fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = builder()?.install_recorder()?;
    let kept = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

/// How timings are counted.
pub(crate) fn builder() -> Result<PrometheusBuilder, BuildError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(seconds, &BUCKETS)
}

pub(crate) async fn render(State(handle): State<PrometheusHandle>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
}

/// Counts are of all worlds together; for whoever knows only some there is nothing at this path.
pub(crate) async fn of_all_worlds(
    Extension(grant): Extension<Arc<Grant>>,
    request: Request,
    next: Next,
) -> Response {
    if grant.opens_all() {
        return next.run(request).await;
    }
    nothing_here().await.into_response()
}
