//! `GenAiModel` against a server that misbehaves on request.

mod answers;
mod failures;
mod requests;
mod secrets;
mod tools;

use polychat_core::ports::ModelRequest;
use polychat_model::{GenAiBuilder, GenAiModel, Secret};
use polychat_testkit::openai_server::OpenAiServer;

use crate::history::{History, Taken, take};

const KEY: &str = "sk-1234-very-secret";

async fn start() -> OpenAiServer {
    OpenAiServer::start().await.unwrap()
}

fn builder(server: &OpenAiServer) -> GenAiBuilder {
    GenAiModel::builder("some-model-high").base_url(server.base_url()).key(Secret::new(KEY))
}

fn model(server: &OpenAiServer) -> GenAiModel {
    builder(server).build().unwrap()
}

fn ask(text: &str) -> ModelRequest {
    History::default().user(text).request()
}

async fn answer(server: &OpenAiServer, text: &str) -> Taken {
    take(&model(server), ask(text)).await
}
