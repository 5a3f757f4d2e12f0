//! What of servers and calls reaches the logs.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

use crate::{
    fake::{Fake, tool},
    support::{Call, alone, limits, prepare},
};

/// Collects every record of this thread with its level, and the records within a span of a chat.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<(Level, String)>>>);

impl Records {
    pub(crate) fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    pub(crate) fn with(&self, text: &str) -> Vec<(Level, String)> {
        let records = self.0.lock().unwrap();
        records.iter().filter(|(_, record)| record.contains(text)).cloned().collect()
    }
}

impl Subscriber for Records {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = Text(format!("span {}", attributes.metadata().name()));
        attributes.record(&mut text);
        self.0.lock().unwrap().push((*attributes.metadata().level(), text.0));
        span::Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        self.0.lock().unwrap().push((*event.metadata().level(), text.0));
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}
    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}
    fn enter(&self, _span: &span::Id) {}
    fn exit(&self, _span: &span::Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

// Contents of messages are logged only at `trace`, whoever logs them
#[tokio::test]
async fn what_chats_say_to_a_server_and_hear_from_it_is_logged_only_at_trace() {
    let records = Records::default();
    let _guard = records.listen();
    let (server, mut fake) = Fake::server("s");
    let mut limits = limits();
    limits.message_bytes_max = 10_000;
    let mcp = alone(server.limits(limits));
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let canary = "the-canary";
    for round in 0..6 {
        let calling = Call::start(&mcp, "s_work", json!({ "x": canary }));
        let request = peer.expect("tools/call").await;
        assert!(request.to_string().contains(canary));
        let token = &request["params"]["_meta"]["progressToken"];
        let said = json!({ "progressToken": token, "progress": 1, "message": canary });
        peer.notify("notifications/progress", said).await;
        for method in ["message", "resources/updated", "tools/list_changed", "canary", "cancelled"]
        {
            let params =
                json!({ "level": "info", "data": canary, "uri": canary, "reason": canary });
            peer.notify(&format!("notifications/{method}"), params).await;
        }
        let ask = json!({ "messages": [], "maxTokens": 1, "systemPrompt": canary });
        let asked = json!({ "jsonrpc": "2.0", "id": canary, "method": "sampling/createMessage",
            "params": ask });
        peer.send(asked).await;
        peer.next().await.unwrap();
        peer.write(&format!("{canary}\n{{\"{canary}\":1}}\n")).await;
        let large = canary.repeat(2_000);
        match round {
            0 => peer.say(&request, canary).await,
            1 => peer.refuse(&request, -32602, canary).await,
            2 => peer.answer(&request, json!({ "content": canary })).await,
            3 => peer.answer(&request, json!({ "content": [], "x": large })).await,
            4 => peer.answer(&request, json!({ "tools": canary })).await,
            _ => {}
        }
        if round == 5 {
            calling.heard.until(1).await;
            calling.give_up().await;
            peer.expect("notifications/cancelled").await;
        } else {
            let _ = calling.outcome().await;
        }
    }
    drop(peer);
    mcp.stop().await;
    let above: Vec<_> =
        records.with(canary).into_iter().filter(|(level, _)| *level != Level::TRACE).collect();
    assert_eq!(above, []);
}

// What chats share belongs to none of them: a connection's records must not stand in a chat's span
#[tokio::test]
async fn what_a_connection_records_stands_in_no_span_of_who_needed_it_first() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = {
        let span = tracing::info_span!("turn", chat_id = "chat-of-a");
        let mcp = mcp.clone();
        let prepare = async move { crate::support::prepare_all(&mcp).await };
        tokio::spawn(tracing::Instrument::instrument(prepare, span))
    };
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let calling = Call::start(&mcp, "s_work", json!({ "x": "of-chat-b" }));
    let request = peer.expect("tools/call").await;
    peer.say(&request, "to-chat-b").await;
    calling.text().await;
    drop(peer);
    mcp.stop().await;
    let text = log.text();
    let mixed: Vec<_> =
        text.lines().filter(|line| line.contains("chat-of-a") && line.contains("chat-b")).collect();
    assert!(mixed.is_empty(), "{mixed:?}");
    assert!(text.contains("chat-b"), "nothing was recorded at all");
}

/// Collects what a subscriber writes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
