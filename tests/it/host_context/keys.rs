//! A provider that resolves a key for each call, fails as it is told, and remembers what it was
//! asked; and what models and tools see of their context.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use polychat::{
    Chat, Failure, FailureKind, Metadata,
    command::NewChat,
    ports::{Callee, ContextProvider, ContextRequest, HostContext},
};
use tokio::sync::mpsc;

use crate::support::{House, chat_id, field, world_of_tools};

/// The embedder's own state.
pub(super) struct State(pub(super) &'static str);

/// What is resolved for one call; it cannot be printed.
pub(super) struct Key(String);

/// How the provider does for a callee of a chat.
#[derive(Clone, Copy)]
pub(super) enum Conduct {
    Nothing,
    Fails,
    /// It fails, and says so in a million bytes.
    Rants,
    Hangs,
    Panics,
}

/// Resolves a key for each call, and remembers what it was asked.
#[derive(Clone, Default)]
pub(super) struct Keys(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    asked: Vec<ContextRequest>,
    conducts: HashMap<(String, &'static str), Conduct>,
    hanging: Vec<mpsc::UnboundedSender<()>>,
}

impl Keys {
    /// Lets it do something else for models or tools of a chat.
    pub(super) fn conduct(&self, chat: &Chat, callee: &'static str, conduct: Conduct) {
        let key = (chat.id().to_string(), callee);
        self.0.lock().unwrap().conducts.insert(key, conduct);
    }

    pub(super) fn asked(&self) -> Vec<ContextRequest> {
        self.0.lock().unwrap().asked.clone()
    }

    /// What it was asked, in short.
    pub(super) fn callees(&self) -> Vec<String> {
        let callee = |request: &ContextRequest| match &request.callee {
            Callee::Model(name) => format!("{} model {name}", request.chat),
            Callee::Tool(name) => format!("{} tool {name}", request.chat),
            other => format!("{other:?}"),
        };
        self.asked().iter().map(callee).collect()
    }

    /// How many resolutions hang that nobody has given up.
    pub(super) fn hanging(&self) -> usize {
        self.0.lock().unwrap().hanging.iter().filter(|held| !held.is_closed()).count()
    }
}

#[async_trait]
impl ContextProvider for Keys {
    async fn resolve(
        &self,
        request: ContextRequest,
    ) -> Result<Option<Arc<dyn Any + Send + Sync>>, Failure> {
        let callee = match request.callee {
            Callee::Model(_) => "model",
            _ => "tool",
        };
        let tenant = request.chat_context.get("tenant").and_then(|it| it.as_str());
        let key = Key(format!("key of {} no {}", tenant.unwrap_or("nobody"), self.asked().len()));
        let (held, mut holding) = mpsc::unbounded_channel::<()>();
        let conduct = {
            let mut inner = self.0.lock().unwrap();
            let conduct = inner.conducts.get(&(request.chat.to_string(), callee)).copied();
            inner.asked.push(request);
            conduct
        };
        match conduct {
            None => Ok(Some(Arc::new(key))),
            Some(Conduct::Nothing) => Ok(None),
            Some(Conduct::Fails) => Err(Failure::new(FailureKind::Denied, "no key for you")),
            Some(Conduct::Rants) => {
                let (kind, message) = (FailureKind::Denied, "no! ".repeat(250_000).into());
                Err(Failure { kind, message, retryable: true })
            }
            Some(Conduct::Panics) => panic!("planned: the secret is {}", key.0),
            Some(Conduct::Hangs) => {
                self.0.lock().unwrap().hanging.push(held);
                holding.recv().await;
                Ok(None)
            }
        }
    }
}

/// A world whose context is resolved by these keys.
pub(super) fn world_of_keys(keys: &Keys) -> crate::support::Setup {
    let keys = keys.clone();
    world_of_tools().with(|builder| builder.context_provider(keys).handle(Arc::new(State("ours"))))
}

/// A chat of this tenant.
pub(super) async fn chat_of(house: &House, id: &str, tenant: &str) -> Chat {
    let new = NewChat::with_id(chat_id(id)).context(field("tenant", tenant));
    house.world.create_chat(new).await.unwrap()
}

/// What a callee sees of its context, in short.
pub(super) fn seen(context: &HostContext) -> [String; 4] {
    let text = |metadata: &Metadata, key: &str| {
        metadata.get(key).and_then(|it| it.as_str()).unwrap_or("-").to_owned()
    };
    [
        text(&context.chat, "tenant"),
        text(&context.prompt, "folder"),
        context.handle_as::<State>().map_or("-", |state| state.0).to_owned(),
        context.resolved_as::<Key>().map_or("-", |key| &key.0).to_owned(),
    ]
}
