//! Tools on the wire: offered, asked for, answered, and told again in every later request.

use std::sync::Arc;

use polychat_core::{
    AgentName, Failure, FailureKind, Part,
    content::BlobSource,
    ports::ModelRequest,
    tool::{ToolCall, ToolSpec},
};
use polychat_testkit::openai_server::{Behaviour, Frame, OpenAiServer};
use serde_json::{Value, json};

use super::{model, start};
use crate::history::{History, Taken, take};

fn asks(frames: Vec<Frame>) -> Behaviour {
    let end = [Frame::Finish("tool_calls".to_owned()), Frame::Done];
    Behaviour::Stream(frames.into_iter().chain(end).collect())
}

fn offering(request: ModelRequest, names: &[&str]) -> ModelRequest {
    let mut request = request;
    let spec = |name: &&str| Arc::new(ToolSpec::new(*name, "does it", json!({"type": "object"})));
    request.tools = names.iter().map(spec).collect();
    request
}

async fn answer(server: &OpenAiServer, history: &History) -> Taken {
    take(&model(server), history.request()).await
}

fn messages(server: &OpenAiServer) -> Value {
    server.received().pop().unwrap().body["messages"].take()
}

fn ids(taken: &Taken) -> Vec<Option<String>> {
    let id = |call: &ToolCall| call.provider_call_id.as_deref().map(str::to_owned);
    taken.calls().iter().map(id).collect()
}

#[tokio::test]
async fn a_turn_of_several_steps_tells_each_step_all_that_came_before() {
    // REQ-2, REQ-4
    let server = start().await;
    let user = History::default().user("weather and time?");
    server.then(asks(vec![
        Frame::Reasoning("two ".to_owned()),
        Frame::Reasoning("things".to_owned()),
        Frame::Text("I look.".to_owned()),
        Frame::tool_call(0, "call_w", "weather", "{\"ci"),
        Frame::tool_call(1, "call_t", "clock", ""),
        Frame::tool_arguments(0, "ty\":\"Rome\"}"),
        Frame::tool_arguments(1, "{}"),
    ]));
    let first = answer(&server, &user).await;
    let failure = Failure::new(FailureKind::Denied, "not today");
    let after_first = user.answered(&first).tool(0, "rain").tool_parts(1, &[]).failed(failure);

    // The second step asks again, without a word, under an id that was used already.
    server.then(asks(vec![Frame::tool_call(0, "call_w", "weather", "{\"city\":\"Bonn\"}")]));
    let second = answer(&server, &after_first).await;
    let after_second = after_first.answered(&second).tool(0, "sun");
    server.then(Behaviour::words("all done"));
    assert_eq!(answer(&server, &after_second).await.text(), "all done");

    let call = |id: &str, name: &str, arguments: Value| {
        let function = json!({"name": name, "arguments": arguments.to_string()});
        json!({"type": "function", "id": id, "function": function})
    };
    let sent = messages(&server);
    // The id that was made for the second call must only be unlike the others.
    let made = sent[4]["tool_calls"][0]["id"].as_str().unwrap().to_owned();
    assert!(!["call_w", "call_t", ""].contains(&made.as_str()), "{made}");
    let expected = json!([
        {"role": "user", "content": "weather and time?"},
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "two things",
            "tool_calls": [
                call("call_w", "weather", json!({"city": "Rome"})),
                call("call_t", "clock", json!({})),
            ],
        },
        {"role": "tool", "tool_call_id": "call_w", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_t", "content": "error: not today"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [call(&made, "weather", json!({"city": "Bonn"}))],
        },
        {"role": "tool", "tool_call_id": made, "content": "sun"},
    ]);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn results_follow_their_message_in_the_order_of_its_calls_whatever_came_between() {
    let call = |name: &str| ToolCall {
        name: name.into(),
        arguments: json!({}),
        provider_call_id: Some(format!("call_{name}").into()),
    };
    let history = History::default()
        .user("go")
        .calls("", &[call("a"), call("b"), call("c")])
        .tool(2, "third")
        .user("and hurry")
        .tool(0, "first")
        .tool(1, "second");
    let server = start().await;
    answer(&server, &history).await;
    let sent = messages(&server);
    let told: Vec<_> =
        sent.as_array().unwrap().iter().map(|m| (&m["role"], &m["content"])).collect();
    let expected = [
        ("user", "go"),
        ("assistant", ""),
        ("tool", "first"),
        ("tool", "second"),
        ("tool", "third"),
        ("user", "and hurry"),
    ];
    let expected = expected.map(|(role, content)| (json!(role), json!(content)));
    assert_eq!(told, expected.each_ref().map(|(role, content)| (role, content)));
}

#[tokio::test]
async fn arguments_that_are_no_object_go_back_inside_of_one() {
    // The tool's schema has refused them, and the model shall see what it did; but a provider that
    // wants an object would refuse this and every later request of the chat.
    let server = start().await;
    let user = History::default().user("weather?");
    server.then(asks(vec![
        Frame::tool_call(0, "call_a", "weather", "{\"city\":"),
        Frame::tool_call(1, "call_b", "weather", "[1, 2]"),
        Frame::tool_call(2, "call_c", "weather", "null"),
    ]));
    let taken = answer(&server, &user).await;
    let given: Vec<_> = taken.calls().into_iter().map(|call| call.arguments).collect();
    assert_eq!(given, [json!("{\"city\":"), json!([1, 2]), json!({})]);
    let failure = || Failure::new(FailureKind::InvalidArguments, "no object");
    let history = user.answered(&taken);
    let history = (0..3).fold(history, |history, n| history.tool(n, "").failed(failure()));
    answer(&server, &history).await;
    let sent = messages(&server);
    let arguments: Vec<Value> = sent[1]["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap())
        .collect();
    let inside = |value| json!({"invalid_arguments": value});
    assert_eq!(arguments, [inside(json!("{\"city\":")), inside(json!([1, 2])), json!({})]);
}

#[tokio::test]
async fn what_a_tool_brings_besides_text_is_described() {
    let blob = |media_type: &str, source| Part::Blob { media_type: media_type.into(), source };
    let parts = [
        Part::text("Here it is:"),
        blob("image/png", BlobSource::Base64 { data: "QUJDRA==".into() }),
        blob("audio/wav", BlobSource::Uri { uri: "http://sounds/1.wav".into() }),
        Part::text("Enjoy."),
    ];
    let call = ToolCall { name: "draw".into(), arguments: json!({}), provider_call_id: None };
    let failure = Failure::new(FailureKind::Deadline, "took too long");
    let history = History::default()
        .user("draw")
        .calls("", &[call.clone(), call.clone(), call])
        .tool_parts(0, &parts)
        .tool_parts(1, &parts[1..2])
        .tool(2, "half a")
        .failed(failure);
    let server = start().await;
    answer(&server, &history).await;
    let sent = messages(&server);
    let described = "Here it is:\n[image/png, 4 bytes]\n[audio/wav at http://sounds/1.wav]\nEnjoy.";
    assert_eq!(sent[2]["content"], json!(described));
    assert_eq!(sent[3]["content"], json!("[image/png, 4 bytes]\n"));
    assert_eq!(sent[4]["content"], json!("half a\nerror: took too long"));
    assert!(!sent.to_string().contains("QUJD"), "bytes are no use as text");
}

#[tokio::test]
async fn names_that_a_provider_would_refuse_are_changed_on_the_way_and_back() {
    let server = start().await;
    let user = History::default().user("list");
    server.then(asks(vec![
        Frame::tool_call(0, "call_a", "notes_list", "{}"),
        Frame::tool_call(1, "call_b", "no such tool!", "{}"),
    ]));
    let taken = take(&model(&server), offering(user.request(), &["notes/list", "clock"])).await;
    let body = server.received().remove(0).body;
    assert_eq!(body["tools"][0]["function"]["name"], json!("notes_list"));
    assert_eq!(body["tools"][1]["function"]["name"], json!("clock"));
    let names: Vec<_> = taken.calls().into_iter().map(|call| call.name.to_string()).collect();
    assert_eq!(names, ["notes/list", "no such tool!"]);

    let failure = Failure::new(FailureKind::UnknownTool, "there is none");
    let history = user.answered(&taken).tool(0, "nothing").tool(1, "").failed(failure);
    take(&model(&server), offering(history.request(), &["notes/list"])).await;
    let sent = messages(&server);
    assert_eq!(sent[1]["tool_calls"][0]["function"]["name"], json!("notes_list"));
    assert_eq!(sent[1]["tool_calls"][1]["function"]["name"], json!("no_such_tool_"));
}

#[tokio::test]
async fn a_schema_says_that_arguments_are_an_object_also_when_the_tool_did_not() {
    let server = start().await;
    let mut request = History::default().user("hi").request();
    let strict = json!({"type": "object", "properties": {"x": {"type": "integer"}}, "x-note": 1});
    request.tools = [json!({}), json!(true), strict.clone()]
        .map(|schema| Arc::new(ToolSpec::new("t", "", schema)))
        .into_iter()
        .collect();
    take(&model(&server), request).await;
    let tools = server.received().remove(0).body["tools"].take();
    let empty = json!({"type": "object", "properties": {}});
    for (n, schema) in [&empty, &empty, &strict].into_iter().enumerate() {
        assert_eq!(tools[n]["function"]["parameters"], *schema);
    }
}

#[tokio::test]
async fn calls_without_an_id_or_counted_from_one_come_once_each() {
    let server = start().await;
    let user = History::default().user("go");
    // From 1, in pieces: a beginning of each call stands in the place before it, too.
    server.then(asks(vec![
        Frame::tool_call(1, "call_a", "weather", "{\"city\":"),
        Frame::tool_arguments(1, "\"Rome\"}"),
        Frame::tool_call(2, "call_b", "clock", "{}"),
    ]));
    let taken = answer(&server, &user).await;
    assert_eq!(ids(&taken), [Some("call_a".to_owned()), Some("call_b".to_owned())]);
    assert_eq!(taken.calls()[0].arguments, json!({"city": "Rome"}));
    // From 2, and whole at once.
    server.then(asks(vec![Frame::tool_call(2, "call_a", "weather", "{\"city\":\"Rome\"}")]));
    assert_eq!(ids(&answer(&server, &user).await), [Some("call_a".to_owned())]);
    // Two calls alike are two calls.
    server.then(asks(vec![
        Frame::tool_call(0, "call_a", "roll", "{}"),
        Frame::tool_call(1, "call_b", "roll", "{}"),
    ]));
    assert_eq!(answer(&server, &user).await.calls().len(), 2);

    // Without ids, and with empty ones: what is sent back pairs them all the same.
    let function = json!({"name": "roll", "arguments": "{}"});
    let raw = [
        json!({"index": 0, "function": function}),
        json!({"index": 1, "id": "", "function": function}),
        json!({"index": 2, "id": "", "function": function}),
    ];
    let frames = raw.map(|call| {
        let chunk = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
        Frame::Raw(format!("data: {chunk}\n\n"))
    });
    server.then(asks(frames.to_vec()));
    let taken = answer(&server, &user).await;
    assert_eq!(taken.calls().len(), 3, "{taken:?}");
    let history = (0..3).fold(user.answered(&taken), |history, n| history.tool(n, &n.to_string()));
    answer(&server, &history).await;
    let sent = messages(&server);
    let mut ids = std::collections::BTreeSet::new();
    for n in 0..3 {
        let id = sent[1]["tool_calls"][n]["id"].as_str().unwrap();
        assert!(!id.is_empty() && ids.insert(id), "{sent}");
        assert_eq!(
            (&sent[n + 2]["tool_call_id"], &sent[n + 2]["content"]),
            (&json!(id), &json!(n.to_string()))
        );
    }
}

#[tokio::test]
async fn other_agents_words_are_not_the_agents_own() {
    let call = ToolCall { name: "clock".into(), arguments: json!({}), provider_call_id: None };
    let history = History::default()
        .user("@all hello")
        .assistant("I am Ada.")
        .by("ada")
        .calls("One moment.", &[call])
        .by("ada")
        .tool(0, "noon")
        .assistant("")
        .by("ada")
        .assistant("I am Bob.")
        .by("bob")
        .assistant("@bob what do you say?")
        .by("ada");
    let mut request = history.request();
    let server = start().await;
    let told = |sent: Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        sent.as_array().unwrap().iter().map(|m| (text(&m["role"]), text(&m["content"]))).collect()
    };
    let pair = |(role, content): (&str, &str)| (role.to_owned(), content.to_owned());

    request.agent = Some(AgentName::new("bob").unwrap());
    take(&model(&server), request.clone()).await;
    let expected = [
        ("user", "@all hello\n\nada: I am Ada."),
        // A call stays what it is, with its result.
        ("assistant", "One moment."),
        ("tool", "noon"),
        ("assistant", "I am Bob."),
        ("user", "ada: @bob what do you say?"),
    ];
    assert_eq!(told(messages(&server)), expected.map(pair));

    // Who is asked is not always known; then everything stays as it was said.
    request.agent = None;
    take(&model(&server), request).await;
    let last = told(messages(&server)).pop().unwrap();
    assert_eq!(last, pair(("assistant", "@bob what do you say?")));
}
