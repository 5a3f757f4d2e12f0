//! The door over HTTP described for other programs: OpenAPI 3.1, from the code.
//!
//! Schemas come from the very types that are read and written (`schemars`), the document from the
//! list of what may be asked (`operations`), in the types of [`utoipa`] so that a program can merge
//! it into its own. It is served at `/v1/openapi.json`, and `crates/transport/openapi.json` holds
//! it for whoever makes a client of it; a test keeps that current.
//!
//! Nothing here answers for the door: a change of what it does belongs into `rest` or
//! [`crate::wire`].

mod operation;
mod operations;
mod problems;
mod schemas;
mod stream;

use std::sync::OnceLock;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use polychat_core::AgentConfig;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, PathsBuilder,
    RefOr, Server, Tag,
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use self::schemas::Schemas;
use super::state::Http;

/// Where the document is served.
pub(super) const PATH: &str = "/v1/openapi.json";

/// What the door over HTTP takes and answers.
///
/// It says nothing of who may ask: see [`with_bearer`].
///
/// ```
/// let document = polychat_transport::http::openapi();
/// assert!(document.paths.paths.contains_key("/v1/worlds/{world}/chats/{chat}/prompts"));
/// ```
#[must_use]
pub fn openapi() -> OpenApi {
    let mut schemas = Schemas::new();
    let operations = operations::all(&mut schemas);
    let problem = problems::schema(&mut schemas);
    let named = schemas
        .finish(operations.iter().flat_map(|operation| operation.schemas()).chain([&problem]));
    let paths = operations.iter().fold(PathsBuilder::new(), |paths, operation| {
        let item = PathItem::new(operation.method.clone(), operation.settled(&named));
        paths.path(&operation.path, item)
    });
    let components = named.all().fold(ComponentsBuilder::new(), |components, (name, schema)| {
        components.schema(name, schema)
    });
    let components = problems::all().fold(components, |components, refused| {
        let (name, response) = refused.response(&problem, &named);
        components.response(name, response)
    });
    let tags = operations::TAGS.map(|(name, description)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.into());
        tag
    });
    let mut server = Server::new("..");
    server.description = Some("Where this document was read".into());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Polychat")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .license(Some(License::new(env!("CARGO_PKG_LICENSE")))),
        )
        .servers(Some([server]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// The document of a door that wants a bearer token with each request.
#[must_use]
pub fn with_bearer(mut document: OpenApi) -> OpenApi {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of this server."))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    document.security = Some(vec![SecurityRequirement::new::<_, [String; 0], _>(BEARER, [])]);
    for item in document.paths.paths.values_mut() {
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in all.into_iter().flatten() {
            for refused in problems::of_secured() {
                let reference = RefOr::Ref(refused.reference());
                operation.responses.responses.insert(refused.status.to_string(), reference);
            }
        }
    }
    document
}

const BEARER: &str = "bearer";

const DESCRIPTION: &str = "Many chats at once in one world, over HTTP. Commands are answered with \
    `{ \"type\", … }`, refusals with problem details whose `code` is stable. Pages go on at `next`.";

/// The document as JSON, always the same for the same door.
#[must_use]
pub fn to_json(document: &OpenApi) -> String {
    // A document of strings and maps always has a form in JSON.
    let mut value = serde_json::to_value(document).unwrap_or_default();
    // Whatever order the maps had that it was made of.
    value.sort_all_objects();
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}

/// An agent whose name the path says. It may be repeated, which makes no sense to say.
pub(super) fn agent_of_the_path(schemas: &mut SchemaGenerator) -> Schema {
    let mut agent = AgentConfig::json_schema(schemas);
    if let Some(Value::Array(required)) = agent.get_mut("required") {
        required.retain(|name| name != "name");
    }
    if let Some(Value::Object(properties)) = agent.get_mut("properties") {
        properties.remove("name");
    }
    agent
}

pub(super) fn routes() -> Router<Http> {
    Router::new().route(PATH, get(serve))
}

async fn serve(State(http): State<Http>) -> Response {
    static OPEN: OnceLock<String> = OnceLock::new();
    static SECURED: OnceLock<String> = OnceLock::new();
    let document = if http.options().wants_bearer {
        SECURED.get_or_init(|| to_json(&with_bearer(openapi())))
    } else {
        OPEN.get_or_init(|| to_json(&openapi()))
    };
    let media_type = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, media_type)], document.as_str()).into_response()
}
