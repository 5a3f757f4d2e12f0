//! Tools that do what a test tells them: the counterpart of a scripted model.
//!
//! [`ScriptedTools`] is a toolbox whose tools are of three sorts. The calls of a *scripted* tool
//! appear at the [`ToolScript`], each as a [`Call`] whose every act the test releases. An *acting*
//! tool does what its arguments say, for random runs in which nobody wants to release each act. An
//! *answering* one asks a function. A test needs no sleeps: [`ToolScript::next_call`] waits for a
//! call, [`Call::drained`] until everything released was done, [`Call::dropped`] until whoever
//! called gave it up.
//!
//! | file | holds |
//! |---|---|
//! | `act` | what a tool can do, as data |
//! | `call` | one call, as the test holds it |
//! | `puppet` | one tool, as its caller holds it |
//! | `catalog` | the tools of one moment |
//!
//! For tests only: calls and acts that nobody takes are kept without a bound.

mod act;
mod call;
mod catalog;
mod puppet;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use async_trait::async_trait;
use polychat_core::{
    content::Text,
    diagnostic::ToolSourceState,
    ports::{Tool, ToolInput, ToolObserver, Toolbox},
    tool::{ToolCall, ToolCatalog, ToolSelection, ToolSpec},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub use self::{act::Act, call::Call};
use self::{
    catalog::Catalog,
    puppet::{Conduct, Puppet},
};
use crate::faulty_store::Gate;

/// A tool that takes any JSON object, acts, and follows the policy.
///
/// ```
/// use polychat_core::tool::ToolKind;
/// use polychat_testkit::tools;
///
/// let look = tools::spec("look").kind(ToolKind::Read);
/// assert_eq!(&*look.name, "look");
/// ```
#[must_use]
pub fn spec(name: &str) -> ToolSpec {
    ToolSpec::new(name, "does what a test says", json!({ "type": "object" }))
}

/// A call that a model asks for.
///
/// ```
/// use polychat_testkit::tools;
///
/// let call = tools::asks("look", serde_json::json!({ "at": "the sea" }));
/// assert_eq!(call.arguments["at"], "the sea");
/// ```
#[must_use]
pub fn asks(name: &str, arguments: Value) -> ToolCall {
    ToolCall { name: name.into(), arguments, provider_call_id: None }
}

/// A toolbox whose tools do what a test tells them. Clones are the same toolbox.
///
/// Arguments are checked as far as a test needs it: they must be an object that has the keys which
/// the schema lists as `required`. It is no validator of schemas.
///
/// ```
/// use polychat_core::ports::{HostContext, Toolbox, ToolInput};
/// use polychat_testkit::tools::{self, ScriptedTools};
/// # use std::sync::Arc;
/// # struct Nowhere;
/// # impl polychat_core::ports::ProgressSink for Nowhere {
/// #     fn output(&self, _: &str) {}
/// #     fn progress(&self, _: serde_json::Value) {}
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let toolbox = ScriptedTools::new().scripted(tools::spec("look"));
/// let script = toolbox.script();
/// let look = toolbox.get("look").unwrap();
/// let input = ToolInput::new(serde_json::json!({"at": "sea"}), HostContext::default());
/// let answer = tokio::spawn(async move { look.call(input, Arc::new(Nowhere)).await });
///
/// let call = script.next_call().await;
/// assert_eq!(call.arguments()["at"], "sea");
/// call.output("waves ").result("blue");
/// assert_eq!(answer.await.unwrap().unwrap().parts[0].as_text(), Some("blue"));
/// # }
/// ```
#[derive(Clone, Default)]
pub struct ScriptedTools(Arc<Shared>);

impl ScriptedTools {
    /// A toolbox without tools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool whose calls appear at the [`script`](Self::script).
    #[must_use]
    pub fn scripted(self, spec: ToolSpec) -> Self {
        self.with(spec, Conduct::Scripted)
    }

    /// Adds a tool that does what its arguments say, see [`Act::arguments`]. Arguments that say
    /// nothing of the sort are invalid.
    #[must_use]
    pub fn acting(self, spec: ToolSpec) -> Self {
        self.with(spec, Conduct::Acting)
    }

    /// Adds a tool that does what `answer` says; a panic in there is a panic of the tool.
    ///
    /// ```
    /// use polychat_testkit::tools::{self, Act, ScriptedTools};
    ///
    /// let echo = ScriptedTools::new().answering(tools::spec("echo"), |input| {
    ///     vec![Act::result(input.arguments["text"].as_str().unwrap_or_default())]
    /// });
    /// # let _ = echo;
    /// ```
    #[must_use]
    pub fn answering<F>(self, spec: ToolSpec, answer: F) -> Self
    where
        F: Fn(&ToolInput) -> Vec<Act> + Send + Sync + 'static,
    {
        self.with(spec, Conduct::Answering(Arc::new(answer)))
    }

    fn with(self, spec: ToolSpec, conduct: Conduct) -> Self {
        self.0.put(spec, conduct);
        self
    }

    /// The other end, where a test finds the calls.
    #[must_use]
    pub fn script(&self) -> ToolScript {
        ToolScript(Arc::clone(&self.0))
    }
}

#[async_trait]
impl Toolbox for ScriptedTools {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        let state = self.0.lock();
        let tools = state.tools.iter().map(|(name, (spec, conduct))| {
            (Arc::clone(name), (Arc::clone(spec), matches!(conduct, Conduct::Acting)))
        });
        Arc::new(Catalog::new(tools.collect()))
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let state = self.0.lock();
        let (spec, conduct) = state.tools.get(name)?;
        let (spec, conduct) = (Arc::clone(spec), conduct.clone());
        Some(Arc::new(Puppet::new(spec, conduct, Arc::clone(&self.0))))
    }

    async fn prepare(&self, selection: &ToolSelection) {
        let gate = {
            let mut state = self.0.lock();
            state.prepared.push(selection.clone());
            state.gate.clone()
        };
        if let Some(gate) = gate {
            gate.pass().await;
        }
    }

    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        self.0.lock().observers.push(observer);
    }
}

impl fmt::Debug for ScriptedTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScriptedTools").field(&self.0.lock().tools.keys()).finish()
    }
}

/// The other end of [`ScriptedTools`]: where a test finds the calls. Clones share the calls.
///
/// Each call of a scripted tool is handed out once. Calls of other tools only count.
#[derive(Clone)]
pub struct ToolScript(Arc<Shared>);

impl ToolScript {
    /// The oldest call that was not handed out yet; waits for one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes no call.
    pub async fn next_call(&self) -> Call {
        self.call_where(|_| true).await
    }

    /// The oldest call of this tool that was not handed out yet; waits for one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes no call.
    pub async fn call_of(&self, tool: &str) -> Call {
        self.call_where(|call| call.tool() == tool).await
    }

    /// The oldest call that fits and was not handed out yet; waits for one.
    ///
    /// Many chats share one toolbox: a call is told apart by its arguments or its host context.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes no call.
    pub async fn call_where(&self, fits: impl Fn(&Call) -> bool) -> Call {
        loop {
            // Made before looking: it is woken by every call that begins from now on.
            let changed = self.0.changed.notified();
            if let Some(call) = self.0.take(&fits) {
                return call;
            }
            changed.await;
        }
    }

    /// The oldest call that was not handed out yet, if there is one.
    #[must_use]
    pub fn try_next_call(&self) -> Option<Call> {
        self.0.take(|_| true)
    }

    /// How many calls have begun in all, of tools of every sort.
    #[must_use]
    pub fn calls_seen(&self) -> usize {
        self.0.lock().seen
    }

    /// How many calls have begun whose futures are still there.
    #[must_use]
    pub fn calls_open(&self) -> usize {
        self.0.lock().open
    }

    /// How many calls were there at the same moment at most.
    #[must_use]
    pub fn calls_at_once(&self) -> usize {
        self.0.lock().most
    }

    /// Adds a scripted tool, or changes what a tool is; one that is there keeps its conduct.
    pub fn put(&self, spec: ToolSpec) {
        let known = self.0.lock().tools.get(&spec.name).map(|(_, conduct)| conduct.clone());
        self.0.put(spec, known.unwrap_or(Conduct::Scripted));
    }

    /// Takes a tool away; its running calls go on.
    pub fn remove(&self, tool: &str) {
        self.0.lock().tools.remove(tool);
    }

    /// For which selections the toolbox was asked to make its tools ready, in order.
    #[must_use]
    pub fn prepared(&self) -> Vec<ToolSelection> {
        self.0.lock().prepared.clone()
    }

    /// Lets making ready wait at this gate from now on.
    pub fn hold_prepare(&self, gate: Gate) {
        self.0.lock().gate = Some(gate);
    }

    /// Tells whoever observes the toolbox that a source of tools has changed its state.
    pub fn source_changed(&self, source: &str, state: ToolSourceState, reason: &str) {
        let observers = self.0.lock().observers.clone();
        for observer in observers.iter().filter_map(Weak::upgrade) {
            observer.source_changed(&source.into(), state, reason);
        }
    }
}

impl fmt::Debug for ToolScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("ToolScript").field("seen", &state.seen).field("open", &state.open).finish()
    }
}

/// What toolbox, script and calls share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    tools: BTreeMap<Text, (Arc<ToolSpec>, Conduct)>,
    waiting: VecDeque<Call>,
    seen: usize,
    open: usize,
    most: usize,
    prepared: Vec<ToolSelection>,
    gate: Option<Gate>,
    observers: Vec<Weak<dyn ToolObserver>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, spec: ToolSpec, conduct: Conduct) {
        self.lock().tools.insert(Arc::clone(&spec.name), (Arc::new(spec), conduct));
    }

    fn take(&self, fits: impl Fn(&Call) -> bool) -> Option<Call> {
        let mut state = self.lock();
        let place = state.waiting.iter().position(fits)?;
        state.waiting.remove(place)
    }

    /// A call has begun; one of a scripted tool waits to be handed out.
    fn begin(self: &Arc<Self>, call: Option<Call>) -> Open {
        let mut state = self.lock();
        state.waiting.extend(call);
        state.seen += 1;
        state.open += 1;
        state.most = state.most.max(state.open);
        drop(state);
        self.changed.notify_waiters();
        Open(Arc::clone(self))
    }
}

/// A call whose future is there.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = state.open.saturating_sub(1);
    }
}
