//! The TypeScript declarations of everything that crosses the wire, from the types that cross it.
//!
//! Beside [`crate::wire`] and `crate::ipc::protocol`, whose types it walks; a test writes what
//! comes out to `clients/javascript/types/wire.d.ts` and holds it to be current. What stands here is
//! only what a type alone does not say: which method answers what. A change of the wire belongs
//! into those types, never into this file.

use std::collections::{BTreeMap, btree_map::Entry};

use polychat_core::{Live, Recorded, notice::WorldNotice};
use ts_rs::{Config, TS, TypeVisitor};

use crate::{
    ipc::{
        protocol::{
            Cancel, Done, EventParams, InitializeParams, InitializeResult, More, Subscription,
            host::{
                CallFailure, ModelDeltaParams, ModelStreamParams, ModelStreamResult, Register,
                ToolCallParams, ToolCallResult, ToolOutputParams, ToolProgressParams,
            },
            method,
        },
        rpc::ErrorObject,
    },
    wire::{self, Ended, WireReply, WireSubscribe},
};

mod print;

/// What stands under `event`: of a chat, or of the world, as it was subscribed to.
#[derive(TS)]
#[ts(untagged)]
#[allow(dead_code, reason = "only its declaration is of interest")]
pub(crate) enum AnyEvent {
    Recorded(Recorded),
    Live(Live),
    World(WorldNotice),
    Ended(Ended),
}

const HEAD: &str = "\
// Written by `POLYCHAT_BLESS=1 cargo test -p polychat-transport --all-features types`, from the
// Rust types that cross the wire. Do not edit it: a test compares.
";

/// The declarations of everything that crosses the wire, as one module.
///
/// Maps come first (`Methods`, `HostMethods`, `ClientNotifications`, `ServerNotifications`), then
/// the types by their names. Numbers are `number`; what may be left out is optional and never `null`.
///
/// ```
/// let declarations = polychat_transport::typescript::declarations();
/// assert!(declarations.contains(r#""prompt/send": { params: SendParams"#));
/// ```
#[must_use]
pub fn declarations() -> String {
    let mut all = Declarations::new();
    let methods = methods(&mut all);
    let from_client = notifications(
        &mut all,
        "ClientNotifications",
        "What a client may tell.",
        &[
            (method::MORE, name_of::<More>),
            (method::CANCEL, name_of::<Cancel>),
            (method::TOOL_OUTPUT, name_of::<ToolOutputParams>),
            (method::TOOL_PROGRESS, name_of::<ToolProgressParams>),
            (method::MODEL_DELTA, name_of::<ModelDeltaParams>),
        ],
    );
    let from_server = notifications(
        &mut all,
        "ServerNotifications",
        "What a server tells.",
        &[(method::EVENT, name_of::<EventParams<'static>>), (method::CANCEL, name_of::<Cancel>)],
    );
    let of_a_host = host_methods(&mut all);
    all.visit::<ErrorObject>();
    all.visit::<CallFailure>();
    let maps = [methods, of_a_host, from_client, from_server].map(|map| print::declaration(&map));
    let types = all
        .docs
        .iter()
        .map(|((_, text), docs)| print::declaration(&format!("{docs}export {text}")));
    let parts: Vec<String> = maps.into_iter().chain(types).collect();
    format!("{HEAD}\n{}", parts.join("\n"))
}

/// Declares a type with all that it is made of, and says its name.
type NameOf = fn(&mut Declarations) -> String;

fn name_of<T: TS + ?Sized + 'static>(all: &mut Declarations) -> String {
    all.visit::<T>();
    T::visit_generics(all);
    T::name(&all.config)
}

fn nothing(_: &mut Declarations) -> String {
    "Record<string, never>".into()
}

/// What the parameters of a command are, and the kind of its reply.
const COMMANDS: [(&str, NameOf, &str); 24] = [
    ("chat/create", name_of::<wire::NewChatParams>, "chat"),
    ("chat/fork", name_of::<wire::ForkParams>, "chat"),
    ("chat/import", name_of::<wire::ImportParams>, "chat"),
    ("chat/list", name_of::<wire::ChatsParams>, "chats"),
    ("chat/snapshot", name_of::<wire::ChatParams>, "snapshot"),
    ("chat/update", name_of::<wire::UpdateParams>, "done"),
    ("chat/close", name_of::<wire::ChatParams>, "done"),
    ("chat/reopen", name_of::<wire::ChatParams>, "done"),
    ("chat/delete", name_of::<wire::ChatParams>, "done"),
    ("prompt/send", name_of::<wire::SendParams>, "accepted"),
    ("prompt/edit", name_of::<wire::EditParams>, "done"),
    ("prompt/withdraw", name_of::<wire::PromptParams>, "done"),
    ("prompt/list", name_of::<wire::ChatParams>, "prompts"),
    ("prompt/outcome", name_of::<wire::PromptParams>, "prompt"),
    ("turn/cancel", name_of::<wire::CancelParams>, "done"),
    ("history/revise", name_of::<wire::ReviseParams>, "accepted"),
    ("approval/decide", name_of::<wire::DecideParams>, "done"),
    ("messages/list", name_of::<wire::MessagesParams>, "messages"),
    ("log/read", name_of::<wire::LogParams>, "log"),
    ("search", name_of::<wire::SearchParams>, "found"),
    ("world/get", nothing, "world"),
    ("world/update", name_of::<wire::SettingsParams>, "done"),
    ("agent/put", name_of::<wire::PutAgentParams>, "done"),
    ("agent/remove", name_of::<wire::AgentParams>, "done"),
];

/// The commands with the kinds of their replies, as declared.
pub fn replies() -> impl Iterator<Item = (&'static str, &'static str)> {
    COMMANDS.iter().map(|(method, _, reply)| (*method, *reply))
}

/// What the connection itself is asked.
const OF_THE_CONNECTION: [Method; 9] = [
    (method::INITIALIZE, name_of::<InitializeParams>, name_of::<InitializeResult>),
    (method::PING, nothing, name_of::<Done>),
    (method::SHUTDOWN, nothing, name_of::<Done>),
    (method::SUBSCRIBE, name_of::<WireSubscribe>, name_of::<Subscription>),
    (method::UNSUBSCRIBE, name_of::<Subscription>, name_of::<Done>),
    (method::REGISTER, name_of::<Register>, name_of::<Done>),
    (method::TOOL_OUTPUT, name_of::<ToolOutputParams>, name_of::<Done>),
    (method::TOOL_PROGRESS, name_of::<ToolProgressParams>, name_of::<Done>),
    (method::MODEL_DELTA, name_of::<ModelDeltaParams>, name_of::<Done>),
];

/// What a client that brings models and tools is asked.
const OF_A_HOST: [Method; 2] = [
    (method::TOOL_CALL, name_of::<ToolCallParams>, name_of::<ToolCallResult>),
    (method::MODEL_STREAM, name_of::<ModelStreamParams>, name_of::<ModelStreamResult>),
];

/// A method, its parameters and its result.
type Method = (&'static str, NameOf, NameOf);

fn pair(all: &mut Declarations, (method, params, result): Method) -> String {
    let (params, result) = (params(all), result(all));
    format!("\"{method}\": {{ params: {params}, result: {result} }}")
}

fn host_methods(all: &mut Declarations) -> String {
    let fields = OF_A_HOST.map(|method| pair(all, method)).join(", ");
    let docs = "/** What a server may ask a client that brings models and tools. */";
    format!("{docs}export type HostMethods = {{ {fields} }};")
}

fn methods(all: &mut Declarations) -> String {
    let reply = name_of::<WireReply>(all);
    let of_the_connection = OF_THE_CONNECTION.map(|method| pair(all, method));
    let commands = COMMANDS.map(|(method, params, kind)| {
        let params = params(all);
        let result = format!("Extract<{reply}, {{ type: \"{kind}\" }}>");
        format!("\"{method}\": {{ params: {params}, result: {result} }}")
    });
    let fields: Vec<String> = of_the_connection.into_iter().chain(commands).collect();
    let docs = "/** What a client may ask: the parameters and the result of each method. */";
    format!("{docs}export type Methods = {{ {} }};", fields.join(", "))
}

fn notifications(
    all: &mut Declarations,
    name: &str,
    docs: &str,
    told: &[(&str, NameOf)],
) -> String {
    let fields: Vec<String> =
        told.iter().map(|(method, params)| format!("\"{method}\": {}", params(all))).collect();
    format!("/** {docs} */export type {name} = {{ {} }};", fields.join(", "))
}

/// The declarations met so far, by name and text.
///
/// They are sorted, because `ts_rs` meets what a type is made of in no order.
struct Declarations {
    config: Config,
    docs: BTreeMap<(String, String), String>,
}

impl Declarations {
    fn new() -> Self {
        Self { config: Config::new().with_large_int("number"), docs: BTreeMap::new() }
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + ?Sized + 'static>(&mut self) {
        // Only what has a declaration of its own says where it would be written to.
        if T::output_path().is_none() {
            return;
        }
        let docs = T::docs().unwrap_or_default();
        match self.docs.entry((T::ident(&self.config), T::decl(&self.config))) {
            // Two types that are one on the wire: what says more stays.
            Entry::Occupied(mut same) if same.get().len() < docs.len() => {
                same.insert(docs);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(new) => {
                new.insert(docs);
                T::visit_dependencies(self);
            }
        }
    }
}
