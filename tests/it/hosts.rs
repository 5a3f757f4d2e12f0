//! Programs at the other end of a connection that bring models and tools of their own (issue 5).
//!
//! The host here writes its lines by hand; what single messages do is shown in `polychat-transport`.

mod by_hand;
mod crowd;
mod gone;
mod names;
mod order;

use std::sync::Arc;

use polychat::{
    AgentConfig, AgentName, Chat, Hosts, ModelName,
    command::NewChat,
    tool::ToolSelection,
    transport::ipc::{ServeOptions, Server},
};

use crate::support::{House, Setup, WORLD, chat_id, house};

/// A world whose agent `theirs` speaks through a host's model and may use all tools; the agent that
/// answers without being named is the world's own.
fn world_of_hosts(hosts: &Hosts) -> Setup {
    let hosts = hosts.clone();
    let agent = AgentConfig::new(theirs(), ModelName::new("mine").unwrap());
    house().with(move |builder| builder.hosts(&hosts).add_agent(agent.tools(ToolSelection::All)))
}

fn theirs() -> AgentName {
    AgentName::new("theirs").unwrap()
}

/// A server of this world, which takes hosts.
fn serve(house: &House, hosts: &Hosts) -> Arc<Server> {
    let id = polychat::WorldId::new(WORLD).unwrap();
    let server = Server::new(id, house.local.service(), ServeOptions::default());
    let rejections = Arc::new(house.local.rejections("ipc"));
    Arc::new(server.hosts(Arc::new(hosts.clone())).rejections(rejections))
}

/// A chat whose prompts go to the host's model.
async fn chat_of_theirs(house: &House, id: &str) -> Chat {
    let mut chat = NewChat::with_id(chat_id(id));
    chat.agent = Some(theirs());
    house.world.create_chat(chat).await.unwrap()
}
