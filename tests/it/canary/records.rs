//! Every `tracing` record of a run, searched as it comes.

use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    dispatcher::{self, DefaultGuard},
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

use super::secrets::{Kind, Leak, Secret};

/// What the records of a run showed. Records themselves are not kept.
#[derive(Debug, Default)]
pub(super) struct Records {
    seen: AtomicUsize,
    of_chats: AtomicUsize,
    leaks: Mutex<Vec<Leak>>,
}

impl Records {
    /// How many records came.
    pub(super) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    /// How many of them named a chat (NFR-4).
    pub(super) fn of_chats(&self) -> usize {
        self.of_chats.load(Ordering::SeqCst)
    }

    /// Secrets where they must not be.
    pub(super) fn leaks(&self) -> Vec<Leak> {
        self.leaks.lock().unwrap().clone()
    }

    /// A record of one chat may hold what is said in it at `trace`, and nothing else anywhere; what
    /// was attached to a chat or resolved for a call stands in no record at all.
    fn judge(&self, meta: &Metadata<'_>, text: &str, chat: Option<&str>) {
        self.seen.fetch_add(1, Ordering::SeqCst);
        if chat.is_some() {
            self.of_chats.fetch_add(1, Ordering::SeqCst);
        }
        for of in Secret::all_in(text) {
            let own = chat == Some(format!("chat-{}", of.chat).as_str());
            let said = matches!(of.kind, Kind::Said | Kind::Shown | Kind::Decided);
            // The crate under MCP servers writes down what goes through a connection, for whoever
            // asks for `trace`; a connection belongs to no chat.
            let of_connection = chat.is_none() && meta.target().starts_with("rmcp::");
            let at_home = (own || of_connection) && said && *meta.level() == Level::TRACE;
            if !at_home {
                self.leaks.lock().unwrap().push(Leak { of, place: "record" });
            }
        }
    }
}

/// The fields of a record as one text, and the chat that it names.
#[derive(Default)]
struct Fields {
    text: String,
    chat: Option<String>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let begin = self.text.len();
        self.text.push_str(&format!("{value:?} "));
        if field.name() == "chat_id" {
            self.chat = self.text.get(begin..).map(|chat| chat.trim_matches([' ', '"']).to_owned());
        }
    }
}

/// The chat that a span names, kept for the records within it.
struct ChatOfSpan(String);

struct Search(Arc<Records>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Search {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.0.judge(attributes.metadata(), &fields.text, fields.chat.as_deref());
        if let (Some(chat), Some(span)) = (fields.chat, context.span(id)) {
            span.extensions_mut().insert(ChatOfSpan(chat));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(span) = context.span(id) {
            self.0.judge(span.metadata(), &fields.text, fields.chat.as_deref());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let chat = fields.chat.or_else(|| {
            let scope = context.event_scope(event)?;
            let mut named = scope.filter_map(|span| {
                span.extensions().get::<ChatOfSpan>().map(|chat| chat.0.clone())
            });
            named.next()
        });
        self.0.judge(event.metadata(), &fields.text, chat.as_deref());
    }
}

thread_local! {
    static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Runs on real threads, every record of which is searched, whatever its level and its crate.
///
/// Only these threads: other tests run in the same process.
pub(super) fn observed_runtime<T>(
    records: &Arc<Records>,
    run: impl AsyncFnOnce(Arc<Records>) -> T,
) -> T {
    let dispatch = Dispatch::new(Registry::default().with(Search(Arc::clone(records))));
    let of_threads = dispatch.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            GUARD.set(Some(dispatcher::set_default(&of_threads)));
        })
        .on_thread_stop(|| GUARD.set(None))
        .build()
        .unwrap();
    dispatcher::with_default(&dispatch, || runtime.block_on(run(Arc::clone(records))))
}
