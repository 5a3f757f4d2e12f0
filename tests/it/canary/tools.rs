//! The tools of all chats, what is resolved for them, and how each of that may leak.

use std::{
    any::Any,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use polychat::{
    Failure, FailureKind,
    ports::{ContextProvider, ContextRequest, Tool, ToolInput, ToolSink, Toolbox},
    tool::{ToolCatalog, ToolKind, ToolOutput, ToolSpec},
};
use polychat_testkit::tools::{ScriptedTools, spec};
use serde_json::json;

use super::{
    Leaks, chat_number,
    crowd::Crowd,
    parrot::owner,
    secrets::{Kind, Place, Secret},
    text_of,
};

/// What is wrong with the tools or the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plant {
    Nothing,
    /// A tool answers from a cell that all its calls share.
    SharedCell,
    /// A tool shows what it does in a call of another chat.
    StraySink,
    /// The provider answers one chat with what another chat asked for.
    MixedProvider,
    /// A tool logs what it was given.
    TalksToLogs,
    /// A tool tells the model what was resolved for it.
    TellsResolved,
}

/// What was resolved for one call.
pub(super) struct Resolved(pub(super) String);

/// Resolves a secret of the chat for each call.
pub(super) struct Keys {
    plant: Plant,
    last: Mutex<Option<usize>>,
}

impl Keys {
    pub(super) fn new(plant: Plant) -> Self {
        Self { plant, last: Mutex::default() }
    }
}

#[async_trait]
impl ContextProvider for Keys {
    async fn resolve(
        &self,
        request: ContextRequest,
    ) -> Result<Option<Arc<dyn Any + Send + Sync>>, Failure> {
        let own = chat_number(&request.chat);
        let last = self.last.lock().unwrap().replace(own);
        let of = match (self.plant, last) {
            (Plant::MixedProvider, Some(last)) => last,
            _ => own,
        };
        Ok(Some(Arc::new(Resolved(Secret::of(of, Kind::Resolved)))))
    }
}

/// The toolbox that all chats share.
pub(super) struct SharedTools {
    plant: Plant,
    // It knows what tools there are; what they do is here.
    catalog: ScriptedTools,
    crowd: Crowd,
    leaks: Leaks,
    cell: Arc<Mutex<Option<String>>>,
    sinks: Arc<Mutex<Vec<ToolSink>>>,
}

impl SharedTools {
    pub(super) fn new(plant: Plant, crowd: Crowd, leaks: Leaks) -> Self {
        let catalog = ScriptedTools::new()
            .scripted(spec("echo").kind(ToolKind::Read))
            .scripted(spec("shred"))
            .scripted(spec("ask").kind(ToolKind::Question));
        Self { plant, catalog, crowd, leaks, cell: Arc::default(), sinks: Arc::default() }
    }
}

impl Toolbox for SharedTools {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.catalog.catalog()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let spec = self.catalog.get(name)?.spec();
        Some(Arc::new(Echo {
            spec,
            plant: self.plant,
            crowd: self.crowd.clone(),
            leaks: Arc::clone(&self.leaks),
            cell: Arc::clone(&self.cell),
            sinks: Arc::clone(&self.sinks),
        }))
    }
}

/// Says what it is given, in every way in which a tool can say something.
struct Echo {
    spec: ToolSpec,
    plant: Plant,
    crowd: Crowd,
    leaks: Leaks,
    cell: Arc<Mutex<Option<String>>>,
    sinks: Arc<Mutex<Vec<ToolSink>>>,
}

#[async_trait]
impl Tool for Echo {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    async fn call(&self, input: ToolInput, sink: ToolSink) -> Result<ToolOutput, Failure> {
        let _place = self.crowd.enter();
        let own = {
            let mut leaks = self.leaks.lock().unwrap();
            let own = owner(&input.context, &mut leaks);
            Place::ARGUMENTS.search(&input.arguments.to_string(), own, &mut leaks);
            own
        };
        let shown = Secret::of(own, Kind::Shown);
        sink.output(&format!("begun with {shown}, "));
        if self.plant == Plant::StraySink {
            self.sinks.lock().unwrap().push(Arc::clone(&sink));
        }
        self.crowd.gathered().await;
        self.leak(&input, own);
        sink.progress(json!({ "progress": 1, "message": shown }));
        tokio::task::yield_now().await;
        sink.output("done");
        let said = input.arguments["text"].as_str().unwrap_or_default().to_owned();
        match input.arguments["how"].as_str() {
            Some("badly") => {
                return Err(Failure::new(FailureKind::ToolFailed, &format!("no {said} here")));
            }
            Some("with a panic") => panic!("planned: {said} was too much"),
            _ => {}
        }
        let last = self.cell.lock().unwrap().replace(said.clone());
        let told = last.filter(|_| self.plant == Plant::SharedCell).unwrap_or(said);
        let key = input.context.resolved_as::<Resolved>().map(|key| key.0.clone());
        let key = key.filter(|_| self.plant == Plant::TellsResolved).unwrap_or_default();
        Ok(ToolOutput::text(format!("heard {told} {key}")))
    }
}

impl Echo {
    fn leak(&self, input: &ToolInput, own: usize) {
        match self.plant {
            // Those of other chats that began with it may still be open.
            Plant::StraySink => {
                let shown = Secret::of(own, Kind::Shown);
                self.sinks.lock().unwrap().iter().for_each(|sink| sink.output(&shown));
            }
            Plant::TalksToLogs => {
                tracing::trace!(context = %text_of(&input.context.chat), "given");
            }
            _ => {}
        }
    }
}
