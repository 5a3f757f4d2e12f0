//! Whoever shows nothing, or the wrong thing: other sites, malformed requests, and what they leave
//! in the logs.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
};
use futures_util::stream;
use tracing_subscriber::fmt::MakeWriter;

use super::{ALL, Fronted, PATHS, asking, by, empty, problem};
use crate::config::{ServeConfig, ServeLimits};

// issue 6: Host and Origin of another site
#[tokio::test(start_paused = true)]
async fn every_path_turns_away_what_another_site_sends() {
    let front = Fronted::new().await;
    for path in PATHS {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            for host in ["evil.example", "evil.example:7777", "10.0.0.1", "127.0.0.1.evil.example"]
            {
                let mut request = empty(by(ALL, asking(method.clone(), path)));
                request.headers_mut().insert(header::HOST, HeaderValue::from_static(host));
                let answer = front.send(request).await;
                assert_eq!(answer.problem(), problem(421, "foreign_host"), "{host} {path}");
            }
            for (name, value) in [
                ("origin", "http://evil.example"),
                ("origin", "http://localhost:3000"),
                ("origin", "null"),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-site", "same-site"),
            ] {
                let request = by(ALL, asking(method.clone(), path)).header(name, value);
                let answer = front.send(empty(request)).await;
                assert_eq!(answer.problem(), problem(403, "foreign_origin"), "{value} {path}");
                assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
            }
        }
    }
    let mut without = empty(by(ALL, asking(Method::GET, "/healthz")));
    without.headers_mut().remove(header::HOST);
    assert_eq!(front.send(without).await.problem(), problem(421, "foreign_host"));
}

// issue 6: CORS is off unless listed
#[tokio::test(start_paused = true)]
async fn pages_of_listed_sites_may_ask_with_a_token_and_are_told_so_beforehand() {
    let path = "/v1/worlds/home/chats";
    let preflight = |origin: &str| {
        let request = asking(Method::OPTIONS, path).header(header::ORIGIN, origin.to_owned());
        let request = request.header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
        empty(request.header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization"))
    };
    let site = "https://app.example.org";
    let closed = Fronted::new().await;
    assert_eq!(closed.send(preflight(site)).await.problem(), problem(403, "foreign_origin"));
    let config = ServeConfig { allow_origins: vec![site.to_owned()], ..ServeConfig::default() };
    let front = Fronted::with(config).await;
    let answer = front.send(preflight(site)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], site);
    let allowed = answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(allowed.contains("authorization") && allowed.contains("last-event-id"), "{allowed}");
    // Cookies are none of theirs.
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    assert_eq!(
        front.send(preflight("https://evil.example")).await.problem(),
        problem(403, "foreign_origin")
    );
    let ask = |request: axum::http::request::Builder| {
        let request = request.header(header::ORIGIN, site);
        front.send(empty(request.header("sec-fetch-site", "cross-site")))
    };
    assert_eq!(ask(by(ALL, asking(Method::GET, path))).await.status, StatusCode::OK);
    let answer = ask(asking(Method::GET, path)).await;
    assert_eq!(answer.problem(), problem(401, "unauthenticated"));
    // Its script may read why.
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], site);
}

#[tokio::test(start_paused = true)]
async fn every_answer_keeps_browsers_from_guessing_framing_and_telling() {
    let front = Fronted::new().await;
    for path in ["/", "/healthz", "/nothing", "/v1/worlds/home", "/v1/worlds/none", "/?token=x"] {
        let answer = front.get(ALL, path).await;
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(answer.headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}");
        assert_eq!(answer.headers["x-request-id"].len(), 36, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn health_needs_no_token_metrics_do_and_everything_else_does_too() {
    let front = Fronted::new().await;
    let open = |path: &'static str| front.send(empty(asking(Method::GET, path)));
    for (path, word) in [("/healthz", "alive"), ("/readyz", "ready")] {
        let answer = open(path).await;
        assert_eq!((answer.status, &answer.json()["status"]), (StatusCode::OK, &word.into()));
    }
    for path in ["/metrics", "/nothing", "/v1", "/v1/", "/v1/worlds", "//", "/index.html"] {
        assert_eq!(open(path).await.problem(), problem(401, "unauthenticated"), "{path}");
    }
    assert_eq!(front.get(ALL, "/metrics").await.status, StatusCode::OK);
    assert_eq!(front.get(ALL, "/nothing").await.problem(), problem(404, "unsupported"));
    for path in ["/healthz", "/metrics", "/"] {
        let answer = front.ask(ALL, Method::DELETE, path, None).await;
        assert_eq!(answer.problem(), problem(405, "unsupported"), "{path}");
        assert_eq!(answer.headers[header::ALLOW], "GET,HEAD", "{path}");
    }
    let config = ServeConfig { metrics_open: true, ..ServeConfig::default() };
    let front = Fronted::with(config).await;
    let answer = front.send(empty(asking(Method::GET, "/metrics"))).await;
    assert_eq!(answer.status, StatusCode::OK);
}

// issue 6: readiness is that of the worlds
#[tokio::test(start_paused = true)]
async fn a_server_whose_world_does_not_answer_is_alive_and_not_ready() {
    let front = Fronted::new().await;
    let open = |path: &'static str| front.send(empty(asking(Method::GET, path)));
    assert_eq!(open("/readyz").await.status, StatusCode::OK);
    front.world("work").shutdown().await;
    // An answer holds for a second, however often it is asked for.
    assert_eq!(open("/readyz").await.status, StatusCode::OK);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    let answer = open("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["status"], "not ready");
    assert_eq!(open("/healthz").await.status, StatusCode::OK);
}

// issue 6: path tricks
#[tokio::test(start_paused = true)]
async fn no_trick_with_a_path_leads_anywhere_else() {
    let front = Fronted::new().await;
    front.world("home").open_chat("a").await.unwrap();
    for path in [
        "/v1/worlds/work/../home/chats/a",
        "/v1/worlds/work/chats/../../home/chats/a",
        "/v1/worlds/work/%2e%2e/home/chats/a",
        "/v1/worlds/work/..%2fhome/chats/a",
        "/v1/worlds/work%2f..%2fhome/chats/a",
        "/v1/worlds/work%2F../home/chats/a",
        "/v1/worlds/work/chats/..%2f..%2fhome%2fchats%2fa",
        "/v1/worlds/work/chats/%2e%2e",
        "/v1/worlds/work/chats/..",
        "/v1/worlds/work/chats/.",
        "/v1/worlds/%2e/chats/a",
        "/v1/worlds//home/chats/a",
        "/v1//worlds/home/chats/a",
        "//v1/worlds/home/chats/a",
        "/v1/worlds/home;x=work/chats/a",
        "/v1/worlds/work/chats/a%00",
        "/v1/worlds/%68ome%00/chats/a",
        "/v1/worlds/%ff/chats/a",
        "/V1/WORLDS/home/chats/a",
        "/v1/worlds/HOME/chats/a",
        "/v1/worlds/work%2525/chats/a",
        "/metrics/../v1/worlds/home/chats/a",
        "/healthz/../v1/worlds/home/chats/a",
    ] {
        let answer = front.get(super::WORK, path).await;
        assert!(answer.status.is_client_error(), "{path}: {answer:?}");
        answer.problem();
        assert!(!answer.text.contains("\"chatId\":\"a\""), "{path}: {answer:?}");
    }
    // An encoding that means the same is the same, to the door and behind it.
    let answer = front.get(super::WORK, "/v1/worlds/%68ome/chats/a").await;
    assert_eq!(answer.problem(), problem(404, "unsupported"));
    assert_eq!(front.get(ALL, "/v1/worlds/%68ome/chats/a").await.status, StatusCode::OK);
}

// issue 6: oversized requests
#[tokio::test(start_paused = true)]
async fn what_is_too_long_or_too_large_is_refused_before_it_is_read_whole() {
    let limits = ServeLimits { url_bytes_max: 100, body_bytes_max: 1_000, ..Default::default() };
    let front = Fronted::within(limits).await;
    let long = format!("/v1/worlds/home/search?text={}", "x".repeat(100));
    let answer = front.get(ALL, &long).await;
    assert_eq!(answer.problem(), problem(414, "too_large"));
    assert_eq!((&answer.json()["bytes"], &answer.json()["max"]), (&128.into(), &100.into()));
    let post = || {
        let request = by(ALL, asking(Method::POST, "/v1/worlds/home/chats"));
        request.header(header::CONTENT_TYPE, "application/json")
    };
    let announced = post().body(Body::from("x".repeat(1_001))).unwrap();
    assert_eq!(front.send(announced).await.problem(), problem(413, "too_large"));
    // Without a length it is read until there is too much of it, though it has no end.
    let read = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&read);
    let endless = stream::repeat_with(move || {
        *counted.lock().unwrap() += 1;
        Ok::<_, std::io::Error>("x".repeat(300))
    });
    let endless = post().body(Body::from_stream(endless)).unwrap();
    assert_eq!(front.send(endless).await.problem(), problem(413, "too_large"));
    assert_eq!(*read.lock().unwrap(), 4);
    // Nobody's body is read without a token.
    let unread = asking(Method::POST, "/v1/worlds/home/chats");
    let unread =
        unread.body(Body::from_stream(stream::pending::<Result<String, std::io::Error>>()));
    assert_eq!(front.send(unread.unwrap()).await.problem(), problem(401, "unauthenticated"));
}

// issue 6: slow and broken requests
#[tokio::test(start_paused = true)]
async fn a_body_that_drips_or_breaks_off_is_given_up_and_nothing_was_done() {
    let front = Fronted::new().await;
    let post = |body: Body| {
        let request = by(ALL, asking(Method::POST, "/v1/worlds/home/chats"));
        request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
    };
    // A byte a second, for ever: each of them alone is in time.
    let drip = stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Some((Ok::<_, std::io::Error>(" "), ()))
    });
    let begun = tokio::time::Instant::now();
    let answer = front.send(post(Body::from_stream(drip))).await;
    assert_eq!(answer.problem(), problem(408, "too_slow"));
    assert_eq!(begun.elapsed(), ServeLimits::default().body_duration_max.0);
    let broken: [Result<&str, std::io::Error>; 2] =
        [Ok("{\"chatId\":\"a\"}"), Err(std::io::ErrorKind::ConnectionReset.into())];
    let answer = front.send(post(Body::from_stream(stream::iter(broken)))).await;
    assert_eq!(answer.problem(), problem(400, "broken_off"));
    assert_eq!(
        front.get(ALL, "/v1/worlds/home/chats").await.json()["chats"],
        serde_json::json!([])
    );
}

/// Everything that is logged, as text.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    /// Hears this thread, as long as the guard lives.
    fn hear(&self, level: tracing::Level) -> tracing::subscriber::DefaultGuard {
        // With a single subscriber, whatever another test's thread logs first, where there is none, is
        // taken for something that nobody wants to hear. So there is one for all threads, too.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
        let log = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        tracing::subscriber::set_default(log.with_writer(self.clone()).finish())
    }
}

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logged {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

// issue 6: header and log injection; tokens are never logged
#[tokio::test(start_paused = true)]
async fn logs_hold_no_token_and_no_line_that_a_caller_wrote() {
    let logged = Logged::default();
    let _log = logged.hear(tracing::Level::TRACE);
    let front = Fronted::new().await;
    let begun = logged.0.lock().unwrap().len();
    front.send(empty(asking(Method::GET, &format!("/?token={ALL}")))).await;
    front.send(empty(asking(Method::GET, "/?token=guessed-wrong"))).await;
    front.get(ALL, "/v1/worlds/home/chats?after=of-the-query").await;
    let cookie = format!("polychat-7777={ALL}");
    let by_cookie = asking(Method::GET, "/v1/worlds/home").header(header::COOKIE, cookie);
    front.send(empty(by_cookie)).await;
    for id in ["evil id", "x\u{9}y", "<script>", "", &"x".repeat(65), "a\u{e9}"] {
        let id = HeaderValue::from_bytes(id.as_bytes()).unwrap();
        let mut request = empty(by(ALL, asking(Method::GET, "/healthz")));
        request.headers_mut().insert("x-request-id", id.clone());
        let answer = front.send(request).await;
        assert_ne!(answer.headers["x-request-id"], id);
        assert_eq!(answer.headers["x-request-id"].len(), 36);
    }
    let own = asking(Method::GET, "/healthz").header("x-request-id", "my-id_1.2");
    assert_eq!(front.send(empty(own)).await.headers["x-request-id"], "my-id_1.2");
    front.get(ALL, "/v1/worlds/home/chats/a%0aINFO%20forged%1b[31m").await;
    let text = String::from_utf8(logged.0.lock().unwrap()[begun..].to_vec()).unwrap();
    for secret in [ALL, "guessed-wrong", "of-the-query", "evil id", "<script>"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains("my-id_1.2"), "{text}");
    assert_eq!(text.matches("request answered").count(), 12, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("20"), "a line of its own: {line}");
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(!line.contains('\u{85}'), "{line:?}");
    }
}

// NFR-4: a request is found again in what its chat recorded
#[tokio::test(start_paused = true)]
async fn the_records_of_a_request_name_its_chat_and_its_prompt() {
    let logged = Logged::default();
    let _log = logged.hear(tracing::Level::DEBUG);
    let front = Fronted::new().await;
    front.world("home").open_chat("a").await.unwrap();
    let path = "/v1/worlds/home/chats/a/prompts";
    let request = by(ALL, asking(Method::POST, path)).header("x-request-id", "r-1");
    let body = r#"{"promptId":"p-1","parts":[{"type":"text","text":"my secret words"}]}"#;
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body));
    assert_eq!(front.send(request.unwrap()).await.status, StatusCode::ACCEPTED);
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let asked = text.lines().find(|line| line.contains("command asked for")).unwrap();
    for part in
        ["request_id=\"r-1\"", "world_id=home", "chat_id=a", "prompt_id=p-1", "token=\"all\""]
    {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let answered = text.lines().find(|line| line.contains("request answered")).unwrap();
    assert!(
        answered.contains("request_id=\"r-1\"") && answered.contains("status=202"),
        "{answered}"
    );
    assert!(!text.contains("my secret words"), "{text}");
}
