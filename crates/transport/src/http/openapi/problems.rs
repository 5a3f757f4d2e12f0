//! Refusals and faults as the document has them: one response for each status.

use serde_json::{Value, json};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, HttpMethod, Ref, Response, ResponseBuilder};

use super::schemas::{Named, Schemas};
use crate::http::problem::{self, Problem};

/// A status that refuses, and what it says.
pub(super) struct Refused {
    pub(super) status: u16,
    name: &'static str,
    description: &'static str,
    when: When,
}

/// Which operations may be answered so.
#[derive(PartialEq, Eq)]
enum When {
    /// All of them, on whatever world.
    Always,
    /// Those that change something, or are about one chat.
    Chat,
    /// Those that change something.
    Changes,
    /// Those that have a body.
    Body,
    /// Those of servers that want to know who asks.
    Secured,
}

const ALL: [Refused; 14] = [
    refused(400, "InvalidInput", When::Always, "Something in the request makes no sense."),
    refused(401, "Unauthorized", When::Secured, "Nobody knows who asks."),
    refused(403, "Forbidden", When::Always, "The caller may not do this."),
    refused(404, "NotFound", When::Always, "It is not there, or not for this caller to see."),
    refused(409, "Conflict", When::Chat, "What is there at the moment stands against it."),
    refused(410, "Gone", When::Chat, "The chat was deleted; its id is never used again."),
    refused(413, "TooLarge", When::Body, "It is larger than allowed."),
    refused(415, "UnsupportedMediaType", When::Body, "The body is no JSON, or is not said to be."),
    refused(429, "TooMany", When::Always, "Too much at once: later it may well succeed."),
    refused(501, "Unsupported", When::Always, "It is not offered here."),
    refused(502, "Fault", When::Always, "It broke on the way; sending it again is safe."),
    refused(
        503,
        "Unavailable",
        When::Always,
        "The store cannot be reached, or the world is closed.",
    ),
    refused(507, "Full", When::Changes, "The chat, or the world, has reached its bound."),
    refused(408, "TooSlow", When::Secured, "The request took too long to arrive."),
];

const fn refused(
    status: u16,
    name: &'static str,
    when: When,
    description: &'static str,
) -> Refused {
    Refused { status, name, description, when }
}

/// How this operation may be refused.
pub(super) fn of(
    method: &HttpMethod,
    path: &str,
    has_body: bool,
) -> impl Iterator<Item = &'static Refused> {
    let on_a_world = path.contains("{world}");
    let on_a_chat = path.contains("{chat}") || path.ends_with("/events");
    let changes = !matches!(method, HttpMethod::Get);
    ALL.iter().filter(move |refused| match refused.when {
        When::Always => on_a_world,
        When::Chat => changes || on_a_chat,
        When::Changes => changes,
        When::Body => has_body,
        When::Secured => false,
    })
}

/// What servers answer that want to know who asks.
pub(super) fn of_secured() -> impl Iterator<Item = &'static Refused> {
    ALL.iter().filter(|refused| refused.when == When::Secured)
}

impl Refused {
    /// What operations refer to it by.
    pub(super) fn reference(&self) -> Ref {
        Ref::from_response_name(self.name)
    }

    /// Its name and what it is.
    pub(super) fn response(&self, problem: &Value, named: &Named) -> (&'static str, Response) {
        let schema = json!({
            "allOf": [problem, { "properties": { "status": { "const": self.status } } }]
        });
        let content = ContentBuilder::new().schema(Some(named.settled(&schema))).build();
        let response = ResponseBuilder::new()
            .description(self.description)
            .content(problem::MEDIA_TYPE, content);
        let response = if matches!(self.status, 429 | 503) {
            let seconds = named.settled(&json!({ "type": "integer", "minimum": 0 }));
            let header = HeaderBuilder::new()
                .schema(Some(seconds))
                .description(Some("After how many seconds it makes sense to try again."));
            response.header("Retry-After", header.build())
        } else {
            response
        };
        (self.name, response.build())
    }
}

/// All of them, under their names.
pub(super) fn all() -> impl Iterator<Item = &'static Refused> {
    ALL.iter()
}

/// The schema of problem details.
pub(super) fn schema(schemas: &mut Schemas) -> Value {
    schemas.sent::<Problem>()
}
