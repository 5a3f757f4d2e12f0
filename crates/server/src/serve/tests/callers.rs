//! Whoever shows a token, and how far it goes.

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use polychat::{AgentConfig, AgentName, ChatFilter, ModelName, Page, agent::WorldSettings};
use serde_json::json;

use super::{ALL, Fronted, READ, WORK, asking, by, empty, problem};

/// Every route of a world, with a body that it takes, and whether it only reads.
fn every_route() -> Vec<(Method, &'static str, Option<serde_json::Value>, bool)> {
    let hello = || Some(json!({ "promptId": "p", "parts": [{ "type": "text", "text": "hello" }] }));
    let revise = json!({ "promptId": "q", "target": { "kind": "turn", "turnId": 3 } });
    let agent = AgentConfig::new(AgentName::new("other").unwrap(), ModelName::new("demo").unwrap());
    let agent = json!({ "agent": agent });
    vec![
        (Method::GET, "", None, true),
        (Method::PATCH, "/settings", Some(json!({ "settings": WorldSettings::default() })), false),
        (Method::GET, "/agents", None, true),
        (Method::PUT, "/agents/other", Some(agent), false),
        (Method::DELETE, "/agents/other", None, false),
        (Method::GET, "/chats", None, true),
        (Method::POST, "/chats", Some(json!({ "chatId": "b" })), false),
        (Method::POST, "/chats", Some(json!({})), false),
        (Method::GET, "/search?text=hello", None, true),
        (Method::GET, "/export", None, true),
        (Method::GET, "/chats/a", None, true),
        (Method::PATCH, "/chats/a", Some(json!({ "title": "mine" })), false),
        (Method::DELETE, "/chats/a", None, false),
        (Method::POST, "/chats/a/close", None, false),
        (Method::POST, "/chats/a/reopen", None, false),
        (Method::POST, "/chats/a/fork", Some(json!({ "at": 2, "chat": { "chatId": "c" } })), false),
        (Method::POST, "/chats/a/cancel", None, false),
        (Method::POST, "/chats/a/revise", Some(revise), false),
        (Method::GET, "/chats/a/prompts", None, true),
        (Method::POST, "/chats/a/prompts", hello(), false),
        (Method::POST, "/chats/a/prompts?wait=outcome", hello(), false),
        (Method::GET, "/chats/a/prompts/first", None, true),
        (Method::PATCH, "/chats/a/prompts/first", Some(json!({})), false),
        (Method::DELETE, "/chats/a/prompts/first", None, false),
        (Method::GET, "/chats/a/approvals", None, true),
        (
            Method::POST,
            "/chats/a/approvals/4.0",
            Some(json!({ "decision": { "kind": "allowOnce" } })),
            false,
        ),
        (Method::GET, "/chats/a/messages", None, true),
        (Method::GET, "/chats/a/log", None, true),
        (Method::GET, "/chats/a/export", None, true),
        (Method::GET, "/nothing", None, true),
        (Method::GET, "/chats/a/nothing", None, true),
    ]
}

/// Both worlds with a chat in which something was said.
async fn talked() -> Fronted {
    let front = Fronted::new().await;
    for (_, world) in &front.worlds {
        let chat = world.open_chat("a").await.unwrap();
        chat.prompt("hello")
            .id(polychat::PromptId::new("first").unwrap())
            .await
            .unwrap()
            .answer()
            .await
            .unwrap();
    }
    front
}

// issue 6: wrong and missing tokens
#[tokio::test(start_paused = true)]
async fn without_a_token_of_this_server_nothing_of_a_world_is_told() {
    let front = talked().await;
    for (method, path, body, _) in every_route() {
        let path = format!("/v1/worlds/home{path}");
        let wrong = format!("{}1", &ALL[..ALL.len() - 1]);
        for token in [wrong.as_str(), "", &ALL[1..], &ALL.to_uppercase(), &format!("{ALL}0")] {
            let answer = front.ask(token, method.clone(), &path, body.clone()).await;
            assert_eq!(answer.problem(), problem(401, "unauthenticated"), "{token} {path}");
            let challenge = &answer.headers[header::WWW_AUTHENTICATE];
            assert_eq!(challenge, "Bearer realm=\"polychat\", error=\"invalid_token\"");
        }
        let answer = front.send(empty(asking(method, &path))).await;
        assert_eq!(answer.problem(), problem(401, "unauthenticated"), "{path}");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"polychat\"");
    }
    for shown in ["Basic YWxsOg==", ALL, &format!("Bearer{ALL}"), &format!("Token {ALL}")] {
        let request = asking(Method::GET, "/v1/worlds/home").header(header::AUTHORIZATION, shown);
        let answer = front.send(empty(request)).await;
        assert_eq!(answer.problem(), problem(401, "unauthenticated"), "{shown}");
    }
    let twice = by(ALL, by(ALL, asking(Method::GET, "/v1/worlds/home")));
    assert_eq!(front.send(empty(twice)).await.problem(), problem(401, "unauthenticated"));
    assert_eq!(front.get(ALL, "/v1/worlds/home").await.status, StatusCode::OK);
}

// issue 6: a token of another world
#[tokio::test(start_paused = true)]
async fn a_world_of_others_is_answered_exactly_like_one_that_is_not_there() {
    let front = talked().await;
    for (method, path, body, _) in every_route() {
        let mut answers = Vec::new();
        for world in ["home", "none"] {
            let path = format!("/v1/worlds/{world}{path}");
            let answer = front.ask(WORK, method.clone(), &path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id").unwrap();
            assert!(!answer.text.contains(world), "{}", answer.text);
            answers.push((answer.text, headers));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    for path in ["events", "socket", "chats/a/events"] {
        let home = front.get(WORK, &format!("/v1/worlds/home/{path}")).await;
        let none = front.get(WORK, &format!("/v1/worlds/none/{path}")).await;
        assert_eq!((home.status, &home.text), (none.status, &none.text), "{path}");
        assert!(home.status.is_client_error(), "{path}");
    }
    // Nor is there anything that counts what happens in all worlds.
    let (metrics, nothing) = (front.get(WORK, "/metrics").await, front.get(WORK, "/nothing").await);
    assert_eq!((metrics.status, metrics.text), (nothing.status, nothing.text));
    // What was asked for has happened nowhere.
    let log = front.get(ALL, "/v1/worlds/home/chats/a/log").await.json();
    assert_eq!(log["head"], 6);
    assert_eq!(front.get(WORK, "/v1/worlds/work").await.status, StatusCode::OK);
}

// issue 6: a chat id of another world
#[tokio::test(start_paused = true)]
async fn a_chat_of_another_world_is_not_found_through_ones_own() {
    let front = talked().await;
    front.world("home").open_chat("secret").await.unwrap();
    for (method, path, body, _) in every_route() {
        let Some(rest) = path.strip_prefix("/chats/a") else { continue };
        if rest == "/nothing" {
            continue;
        }
        let path = format!("/v1/worlds/work/chats/secret{rest}");
        let answer = front.ask(WORK, method, &path, body).await;
        let refused = [problem(404, "unknown_chat"), problem(501, "unsupported")];
        assert!(refused.contains(&answer.problem()), "{path}: {answer:?}");
    }
    for path in ["/chats", "/search?text=hello"] {
        let found = front.get(WORK, &format!("/v1/worlds/work{path}")).await;
        assert!(!found.text.contains("secret"), "{found:?}");
    }
}

// issue 6: tokens for reading
#[tokio::test(start_paused = true)]
async fn a_token_for_reading_reads_everything_and_changes_nothing() {
    let front = talked().await;
    let everything = |front: &Fronted| {
        let worlds: Vec<_> = front.worlds.iter().map(|(_, world)| world.clone()).collect();
        async move {
            let mut seen = String::new();
            for world in worlds {
                let chats = world.chats(Page::first(100), ChatFilter::default()).await.unwrap();
                seen += &format!("{chats:?} {:?}", world.info().await.unwrap());
            }
            seen
        }
    };
    let before = everything(&front).await;
    for (method, path, body, reads) in every_route() {
        let path = format!("/v1/worlds/home{path}");
        let answer = front.ask(READ, method.clone(), &path, body).await;
        if reads {
            assert_ne!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {answer:?}");
            let same = front.get(ALL, &path).await;
            assert_eq!((answer.status, answer.text), (same.status, same.text), "{path}");
        } else {
            assert_eq!(answer.problem(), problem(403, "forbidden"), "{method} {path}");
        }
    }
    assert_eq!(everything(&front).await, before);
}

// issue 6: the link
#[tokio::test(start_paused = true)]
async fn the_link_leaves_the_token_in_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let front = Fronted::new().await;
    let answer = front.send(empty(asking(Method::GET, &format!("/?token={ALL}")))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers[header::LOCATION], "/");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert_eq!(cookie, format!("polychat-7777={ALL}; HttpOnly; SameSite=Strict; Path=/"));
    for wrong in ["/?token=wrong", "/?token=", "/?token=a%0d%0aset-cookie:%20x=1"] {
        let answer = front.send(empty(asking(Method::GET, wrong))).await;
        assert_eq!(answer.problem(), problem(401, "unauthenticated"), "{wrong}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE), "{wrong}");
    }
    // A person gets the page, which says what to do; nothing of a world is in it.
    let person = asking(Method::GET, "/?token=wrong").header(header::ACCEPT, "text/html,*/*;q=0.8");
    let answer = front.send(empty(person)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.text.starts_with("<!doctype html>"), "{}", answer.text);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    // A token in another address is none: it would stand in logs and histories.
    let answer = front.send(empty(asking(Method::GET, &format!("/metrics?token={ALL}")))).await;
    assert_eq!(answer.problem(), problem(401, "unauthenticated"));
    let page = front.send(empty(asking(Method::GET, "/"))).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Polychat") && !page.headers.contains_key(header::SET_COOKIE));
}

// issue 7: the page, under a policy of its own
#[tokio::test(start_paused = true)]
async fn the_page_and_its_parts_answer_to_everybody_and_run_nothing_else() {
    let front = Fronted::new().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/parts/frame.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/vendor/marked/LICENSE", "text/plain; charset=utf-8"),
    ] {
        let answer = front.send(empty(asking(Method::GET, path))).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], kind, "{path}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let allowed = |part: &str| policy.split("; ").any(|said| said == part);
        assert!(["default-src 'none'", "script-src 'self'"].into_iter().all(allowed), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("require-trusted-types-for"));
    }
    // What only its developers need is no part of it, and neither is anything else of this machine.
    for path in ["/package.json", "/tools/desk.mjs", "/test/house.test.mjs", "/../Cargo.toml"] {
        let answer = front.send(empty(asking(Method::GET, path))).await;
        assert_eq!(answer.problem(), problem(401, "unauthenticated"), "{path}");
    }
    let answer = front.get(ALL, "/v1/worlds/home").await;
    assert_eq!(
        answer.headers[header::CONTENT_SECURITY_POLICY],
        "default-src 'none'; frame-ancestors 'none'"
    );
}

// issue 7: a page that may enter more than one world
#[tokio::test(start_paused = true)]
async fn the_worlds_that_a_token_opens_are_listed_and_no_others() {
    let front = Fronted::new().await;
    for (token, worlds) in [
        (ALL, json!([{ "worldId": "home" }, { "worldId": "work" }])),
        (WORK, json!([{ "worldId": "work" }])),
    ] {
        let answer = front.get(token, "/v1/worlds").await;
        assert_eq!((answer.status, answer.json()["worlds"].clone()), (StatusCode::OK, worlds));
    }
    let answer = front.send(empty(asking(Method::GET, "/v1/worlds"))).await;
    assert_eq!(answer.problem(), problem(401, "unauthenticated"));
}

// issue 6: cross-site use
#[tokio::test(start_paused = true)]
async fn a_cookie_reads_by_itself_and_changes_only_for_our_own_page() {
    let front = Fronted::new().await;
    let with = |method: Method, path: &str, cookie: &str| {
        asking(method, path).header(header::COOKIE, cookie.to_owned())
    };
    let ours = format!("polychat-7777={ALL}");
    let path = "/v1/worlds/home/chats";
    for cookie in
        [ours.clone(), format!("a=b; {ours}; polychat-7778=x"), format!("polychat-7777=x; {ours}")]
    {
        let answer = front.send(empty(with(Method::GET, path, &cookie))).await;
        assert_eq!(answer.status, StatusCode::OK, "{cookie}");
    }
    // Another server of the same machine has another cookie.
    let answer = front.send(empty(with(Method::GET, path, &format!("polychat-7778={ALL}")))).await;
    assert_eq!(answer.problem(), problem(401, "unauthenticated"));
    // A header counts, also where it is wrong.
    let answer = front.send(empty(by("wrong", with(Method::GET, path, &ours)))).await;
    assert_eq!(answer.problem(), problem(401, "unauthenticated"));
    let post = |method: &Method| {
        let request = with(method.clone(), path, &ours);
        request.header(header::CONTENT_TYPE, "application/json")
    };
    let body = || Body::from(json!({ "chatId": "a" }).to_string());
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = front.send(post(&method).body(body()).unwrap()).await;
        assert_eq!(answer.problem(), problem(403, "foreign_origin"), "{method}");
    }
    let socket =
        with(Method::GET, "/v1/worlds/home/socket", &ours).header(header::UPGRADE, "websocket");
    assert_eq!(front.send(empty(socket)).await.problem(), problem(403, "foreign_origin"));
    let page = post(&Method::POST).header(header::ORIGIN, "http://localhost:7777");
    assert_eq!(front.send(page.body(body()).unwrap()).await.status, StatusCode::CREATED);
}

// law 7, issue 6: the rate of prompts
#[tokio::test(start_paused = true)]
async fn a_token_that_prompts_too_often_is_told_when_to_come_and_no_other_notices() {
    let limits = crate::config::ServeLimits { prompts_per_minute_max: 2, ..Default::default() };
    let front = Fronted::within(limits).await;
    front.world("work").open_chat("a").await.unwrap();
    let prompt = |token: &'static str, id: &'static str| {
        let body = json!({ "promptId": id, "parts": [{ "type": "text", "text": "hello" }] });
        front.ask(token, Method::POST, "/v1/worlds/work/chats/a/prompts", Some(body))
    };
    for id in ["p1", "p2"] {
        assert_eq!(prompt(WORK, id).await.status, StatusCode::ACCEPTED);
    }
    let refused = prompt(WORK, "p3").await;
    assert_eq!(refused.problem(), problem(429, "rate_limited"));
    assert_eq!(refused.headers[header::RETRY_AFTER], "30");
    assert_eq!(refused.json()["retryAfterMs"], 30_000);
    assert_eq!(refused.json()["retryable"], true);
    // Nothing else is refused, and nobody else.
    assert_eq!(front.get(WORK, "/v1/worlds/work/chats/a").await.status, StatusCode::OK);
    assert_eq!(prompt(ALL, "p4").await.status, StatusCode::ACCEPTED);
    tokio::time::advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(prompt(WORK, "p3").await.status, StatusCode::ACCEPTED);
}
