//! One tool of a scripted toolbox, as its caller holds it.

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;
use polychat_core::{
    Failure,
    ports::{Tool, ToolInput, ToolSink},
    tool::{ToolOutput, ToolSpec},
};

use super::{Act, Call, Shared, call::Stage};

type Answer = dyn Fn(&ToolInput) -> Vec<Act> + Send + Sync;

/// Where a tool gets its acts from.
#[derive(Clone)]
pub(super) enum Conduct {
    Scripted,
    Acting,
    Answering(Arc<Answer>),
}

pub(super) struct Puppet {
    spec: Arc<ToolSpec>,
    conduct: Conduct,
    shared: Arc<Shared>,
}

impl Puppet {
    pub(super) fn new(spec: Arc<ToolSpec>, conduct: Conduct, shared: Arc<Shared>) -> Self {
        Self { spec, conduct, shared }
    }
}

#[async_trait]
impl Tool for Puppet {
    fn spec(&self) -> ToolSpec {
        (*self.spec).clone()
    }

    async fn call(&self, input: ToolInput, sink: ToolSink) -> Result<ToolOutput, Failure> {
        if let Conduct::Scripted = self.conduct {
            let name = Arc::clone(&self.spec.name);
            let (call, stage) = Call::new(name, input, Arc::clone(&sink));
            let _open = self.shared.begin(Some(call));
            return follow(stage, &sink).await;
        }
        let _open = self.shared.begin(None);
        let acts = match &self.conduct {
            Conduct::Answering(answer) => answer(&input),
            _ => Act::in_arguments(&input.arguments).unwrap_or_default(),
        };
        for act in acts {
            if let ControlFlow::Break(end) = act.perform(&sink).await {
                return end;
            }
        }
        Ok(ToolOutput::default())
    }
}

/// Does what the test releases.
async fn follow(mut stage: Stage, sink: &ToolSink) -> Result<ToolOutput, Failure> {
    while let Some(act) = stage.acts.recv().await {
        if matches!(act, Act::Panic(_)) {
            stage.ends();
        }
        if let ControlFlow::Break(end) = act.perform(sink).await {
            stage.ends();
            return end;
        }
        stage.done();
    }
    // The stage itself holds a sender, so the acts never end.
    std::future::pending().await
}
