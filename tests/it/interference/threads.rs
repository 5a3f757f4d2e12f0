//! Non-interference on real threads, where whatever runs at once runs at once.

use std::sync::Arc;

use futures_util::StreamExt;
use polychat::{
    AgentConfig, AgentName, Chat, Event, Limits, ModelName, Notice, PromptId, Recorded,
    ScriptedModel, Seq, StartAt, WorldBuilder,
    ports::{ModelError, ModelErrorKind, ModelRequest, NoticeStream},
    tool::{ApprovalDecision, ToolKind, ToolSelection},
};
use polychat_model::Step as ModelStep;
use polychat_testkit::{
    checker::same_log,
    tools::{self, Act, ScriptedTools},
};

use crate::state_machine::silence_planned_panics;

/// What one chat says, one prompt after the other.
const TALK: [&str; 12] = [
    "hello",
    "/tools",
    "say it again",
    "/panic",
    "/error",
    "/tool-hang",
    "and now?",
    "/flood",
    "/hang",
    "/ask",
    "/tools",
    "what did I say?",
];

/// A tool that only reads and one that a person is asked about; both do what they are told.
fn shared_tools() -> ScriptedTools {
    let act = tools::spec("act").kind(ToolKind::Read);
    ScriptedTools::new().acting(act).acting(tools::spec("write"))
}

/// The calls that the model asks for on request, each told from the others.
fn calls(request: &ModelRequest, last: &str) -> Vec<ModelStep> {
    let n = request.messages.len();
    let act = |tool: &str, place: usize, acts: &[Act]| {
        let mut arguments = Act::arguments(acts);
        arguments["n"] = (n * 10 + place).into();
        ModelStep::tool_call(tools::asks(tool, arguments))
    };
    let shows = [Act::output(last), Act::Yield, Act::result(format!("{last} {n}"))];
    match last.rsplit(' ').next().unwrap_or_default() {
        "/tools" => vec![
            act("act", 0, &shows),
            act("act", 1, &[Act::output("so far"), Act::Panic("planned".to_owned())]),
            act("act", 2, &[Act::Fail(format!("{last} is too much"))]),
            act("no_such_tool", 3, &[]),
        ],
        "/flood" => {
            vec![act("act", 0, &[Act::Flood { pieces: 300, bytes: 100 }, Act::result("x")])]
        }
        "/tool-hang" => vec![act("act", 0, &[Act::output("hanging"), Act::Hang])],
        "/ask" => vec![act("write", 0, &shows), act("act", 1, &shows)],
        _ => Vec::new(),
    }
}

/// Answers from the history that it is given, and misbehaves on request.
fn threaded_model() -> ScriptedModel {
    ScriptedModel::answering(|request| {
        let said: Vec<String> = request.messages.iter().map(|message| message.text()).collect();
        let last = said.last().cloned().unwrap_or_default();
        let asks = calls(&request, &last);
        let asked = request.messages.last().is_some_and(|message| message.is_user());
        if asked && !asks.is_empty() {
            return asks;
        }
        match last.rsplit(' ').next() {
            Some("/panic") => vec![ModelStep::Panic("planned".to_owned())],
            Some("/error") => {
                let error = ModelError::new(ModelErrorKind::Refused, "planned");
                vec![ModelStep::text("so far"), ModelStep::Error(error)]
            }
            Some("/hang") => vec![ModelStep::Hang],
            _ => {
                let latest = said.into_iter().rev().take(8);
                latest.flat_map(|said| [ModelStep::text(said), ModelStep::Yield]).collect()
            }
        }
    })
}

/// Waits for an event of this name.
async fn until_event(notices: &mut NoticeStream, name: &str) -> Arc<Recorded> {
    while let Some(notice) = notices.next().await {
        match notice {
            Notice::Recorded { event, .. } if event.event.name() == name => return event,
            _ => {}
        }
    }
    panic!("the stream goes on");
}

/// Talks in all these chats at once, and answers with their logs.
async fn talk(chats: std::ops::Range<usize>) -> Vec<Vec<Recorded>> {
    let name = |name| AgentName::new(name).unwrap();
    let agent = AgentConfig::new(name("assistant"), ModelName::new("assistant").unwrap())
        .tools(ToolSelection::All);
    let mut limits = Limits::default();
    // One after the other, so that who ends first is not a matter of threads.
    limits.tool_calls_parallel_max = 1;
    limits.tool_output_bytes_max = 4_096;
    let world = WorldBuilder::new("threads", threaded_model()).agent(agent).limits(limits);
    let world = world.tools(Arc::new(shared_tools())).open().await.unwrap();
    let talks = chats.map(|n| {
        let world = world.clone();
        tokio::spawn(async move {
            let chat = world.open_chat(format!("c{n}")).await.unwrap();
            for (turn, text) in TALK.iter().enumerate().skip(n % 3) {
                let id = PromptId::new(format!("p{turn}")).unwrap();
                let mut notices = chat.subscribe(StartAt::Now).await.unwrap();
                let prompt = chat.prompt(format!("{n}: {text}")).id(id).send().await.unwrap();
                match *text {
                    "/hang" => chat.cancel().await.unwrap(),
                    "/tool-hang" => {
                        until_event(&mut notices, "tool.start").await;
                        chat.cancel().await.unwrap();
                    }
                    "/ask" => {
                        // Once everything else has come to its end.
                        let asked = until_event(&mut notices, "approval.requested").await;
                        until_event(&mut notices, "tool.result").await;
                        allow(&chat, &asked).await;
                    }
                    _ => {}
                }
                prompt.outcome().await.unwrap();
                chat.rename(format!("{n} after {turn}")).await.unwrap();
            }
            let page = chat.log(Seq::ZERO, 500).await.unwrap();
            page.events.iter().map(|recorded| (**recorded).clone()).collect::<Vec<_>>()
        })
    });
    let talks: Vec<_> = talks.collect();
    let mut logs = Vec::new();
    for talk in talks {
        logs.push(talk.await.unwrap());
    }
    world.shutdown().await;
    logs
}

async fn allow(chat: &Chat, asked: &Recorded) {
    let Event::ApprovalRequested { tool_call_id, .. } = asked.event else { panic!("{asked:?}") };
    chat.decide(tool_call_id, ApprovalDecision::AllowOnce).await.unwrap();
}

// law 6; REQ-1, REQ-4, REQ-11, REQ-15, NFR-1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_chats_log_among_others_is_the_log_it_has_alone() {
    silence_planned_panics();
    const CHATS: usize = 60;
    let together = talk(0..CHATS).await;
    for (n, among_others) in together.iter().enumerate() {
        let alone = talk(n..n + 1).await.remove(0);
        assert!(alone.len() > 80, "chat {n} did next to nothing: {}", alone.len());
        same_log(among_others, &alone).unwrap_or_else(|difference| panic!("{n}: {difference}"));
    }
}
