//! Who is asked about what: the world's policy, an agent's own, exceptions for single tools.

use polychat::{
    AgentConfig, AgentName, Chat, ModelName,
    agent::WorldSettings,
    tool::{PolicyMode, ToolPolicy, ToolSelection},
};
use polychat_testkit::tools;

use crate::{
    at_both_doors,
    support::{
        House, activity, answers, asked, assert_sound, pass, pending, settle, world_of_tools,
    },
};

fn policy(mode: PolicyMode, exceptions: &[(&str, PolicyMode)]) -> ToolPolicy {
    let mut policy = ToolPolicy::default();
    policy.mode = mode;
    policy.tools = exceptions.iter().map(|(name, mode)| ((*name).into(), *mode)).collect();
    policy
}

async fn set_policy(house: &House, policy: ToolPolicy) {
    let mut settings = WorldSettings::default();
    settings.policy = policy;
    house.world.update(settings).await.unwrap();
}

/// What becomes of a call of each tool in a turn that such an agent answers: `runs`, `asks`, or why
/// it does not run.
async fn verdicts(house: &House, chat: &Chat, agent: &str) -> Vec<String> {
    let text = format!("{} as {agent}", chat.id());
    let prompt = chat.prompt(&text).agent(AgentName::new(agent).unwrap());
    prompt.await.unwrap();
    let model = house.call_for(&text).await;
    for tool in ["look", "act", "guarded", "ask"] {
        model.tool_call(asked(tool, &text));
    }
    model.finish();
    settle().await;
    let mut verdicts = Vec::new();
    for (index, tool) in ["look", "act", "guarded", "ask"].iter().enumerate() {
        let log = activity(chat).await;
        let state =
            |word: &str| log.iter().any(|line| line.starts_with(&format!("{word} {index}")));
        verdicts.push(format!(
            "{tool} {}",
            match () {
                () if state("start") => "runs",
                () if state("asked") => "asks",
                () if state("error") => "denied",
                () => "?",
            }
        ));
    }
    chat.cancel().await.unwrap();
    verdicts
}

use PolicyMode::{Ask, Auto, Read};

at_both_doors! {
    /// Issue 3: policy per world and agent: `read`, `ask`, `auto`, per-tool overrides.
    async fn a_policy_says_what_runs_what_is_asked_and_what_is_denied(house in world_of_tools()) {
        house.tools.put(tools::spec("guarded").needs_approval());
        let own = |name: &str, policy| {
            let name = AgentName::new(name).unwrap();
            let agent = AgentConfig::new(name, ModelName::new("assistant").unwrap());
            agent.tools(ToolSelection::All).policy(policy)
        };
        house.world.put_agent(own("free", policy(Auto, &[]))).await.unwrap();
        house.world.put_agent(own("strict", policy(Read, &[]))).await.unwrap();
        house.world.put_agent(own("choosy", policy(Auto, &[("act", Ask), ("look", Read)]))).await.unwrap();
        let table = [
            (policy(Read, &[]), "assistant", ["look runs", "act denied", "guarded denied", "ask asks"]),
            (policy(Ask, &[]), "assistant", ["look runs", "act asks", "guarded asks", "ask asks"]),
            (policy(Auto, &[]), "assistant", ["look runs", "act runs", "guarded asks", "ask asks"]),
            (policy(Ask, &[("act", Auto)]), "assistant", ["look runs", "act runs", "guarded asks", "ask asks"]),
            (policy(Auto, &[("act", Read)]), "assistant", ["look runs", "act denied", "guarded asks", "ask asks"]),
            // An agent's own policy takes the place of the world's, stricter or not.
            (policy(Read, &[]), "free", ["look runs", "act runs", "guarded asks", "ask asks"]),
            (policy(Auto, &[]), "strict", ["look runs", "act denied", "guarded denied", "ask asks"]),
            (policy(Read, &[("act", Auto)]), "choosy", ["look runs", "act asks", "guarded asks", "ask asks"]),
        ];
        for (n, (policy, agent, expected)) in table.into_iter().enumerate() {
            set_policy(&house, policy.clone()).await;
            let chat = house.chat(&format!("chat {n}")).await;
            assert_eq!(verdicts(&house, &chat, agent).await, expected, "{policy:?} {agent}");
            assert_sound(&chat).await;
        }
    }
}

// issue 3: what is denied by policy the model hears, and nobody is asked
#[tokio::test(start_paused = true)]
async fn a_model_hears_that_the_policy_does_not_allow_a_call() {
    let house = world_of_tools().open().await;
    set_policy(&house, policy(Read, &[])).await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
    let model = house.call_for("hello").await;
    assert!(answers(model.request())[0].starts_with("denied: "));
    assert!(pending(&chat).await.is_empty());
    assert_eq!(house.tools.calls_seen(), 0);
}

// issue 3: a policy that changes while a call waits changes later calls, not that one
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_not_decided_by_a_change_of_the_policy() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("act", "x")]).await;
    settle().await;
    set_policy(&house, policy(Auto, &[])).await;
    pass(std::time::Duration::from_secs(60)).await;
    assert_eq!((pending(&chat).await.len(), house.tools.calls_seen()), (1, 0));
    let call = pending(&chat).await[0].tool_call_id;
    chat.decide(call, polychat::tool::ApprovalDecision::AllowOnce).await.unwrap();
    house.running("x").await.result("done");
    let model = house.call_for("hello").await;
    model.tool_call(asked("act", "y")).finish();
    house.running("y").await;
}
