//! One operation: what is asked by which method and path, and all that may be answered.

use schemars::JsonSchema;
use serde_json::{Value, json};
use utoipa::openapi::{
    Content, ContentBuilder, HttpMethod, Required, ResponseBuilder,
    path::{self, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
};

use super::{
    problems,
    schemas::{Field, Named, Schemas, refers_to},
};

/// Where all operations on a world stand.
const WORLD: &str = "/v1/worlds/{world}";

/// An operation, with schemas that are not settled yet.
pub(super) struct Operation {
    pub(super) method: HttpMethod,
    /// From the root on, with names in braces.
    pub(super) path: String,
    id: &'static str,
    summary: &'static str,
    tag: &'static str,
    parameters: Vec<(ParameterIn, Field)>,
    body: Option<Body>,
    answers: Vec<Answer>,
}

struct Body {
    schema: Value,
    /// Whether nothing at all would not do.
    required: bool,
}

struct Answer {
    status: u16,
    description: &'static str,
    media: Vec<(&'static str, Value)>,
}

/// The operations of one part of the door, while they are described.
pub(super) struct Part<'a> {
    schemas: &'a mut Schemas,
    tag: &'static str,
    all: &'a mut Vec<Operation>,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        tag: &'static str,
        schemas: &'a mut Schemas,
        all: &'a mut Vec<Operation>,
    ) -> Self {
        Self { schemas, tag, all }
    }

    /// Describes an operation below a world.
    pub(super) fn add(
        &mut self,
        method: HttpMethod,
        path: &str,
        id: &'static str,
        summary: &'static str,
        describe: impl FnOnce(Describing<'_>) -> Describing<'_>,
    ) {
        self.add_at(method, format!("{WORLD}{path}"), id, summary, describe);
    }

    /// Describes an operation that is on no world.
    pub(super) fn add_at(
        &mut self,
        method: HttpMethod,
        path: String,
        id: &'static str,
        summary: &'static str,
        describe: impl FnOnce(Describing<'_>) -> Describing<'_>,
    ) {
        let tag = self.tag;
        let parameters =
            path_names(&path).map(|name| (ParameterIn::Path, in_the_path(name))).collect();
        let operation = Operation {
            method,
            path,
            id,
            summary,
            tag,
            parameters,
            body: None,
            answers: Vec::new(),
        };
        let described = describe(Describing { schemas: self.schemas, operation });
        self.all.push(described.operation);
    }
}

/// An operation that is being described.
pub(super) struct Describing<'a> {
    schemas: &'a mut Schemas,
    operation: Operation,
}

impl Describing<'_> {
    /// What its query may ask for.
    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        let fields = self.schemas.fields::<T>();
        let query = fields.into_iter().map(|field| (ParameterIn::Query, field));
        self.operation.parameters.extend(query);
        self
    }

    /// A header that it heeds.
    pub(super) fn header(mut self, name: &str, description: &str) -> Self {
        let field = Field {
            name: name.into(),
            description: description.into(),
            required: false,
            schema: json!({ "type": "string" }),
        };
        self.operation.parameters.push((ParameterIn::Header, field));
        self
    }

    /// What its body holds.
    pub(super) fn body<T: JsonSchema>(mut self) -> Self {
        let required = self.schemas.needs_something::<T>();
        self.operation.body = Some(Body { schema: self.schemas.taken::<T>(), required });
        self
    }

    /// It is answered with a reply of this kind.
    pub(super) fn reply(self, status: u16, kind: &str, description: &'static str) -> Self {
        let schema = self.schemas.reply(kind);
        self.media(status, description, vec![("application/json", schema)])
    }

    /// It is answered with a reply of this kind that only HTTP has.
    pub(super) fn own_reply<T: JsonSchema>(
        self,
        status: u16,
        kind: &str,
        description: &'static str,
    ) -> Self {
        let schema = self.schemas.tagged::<T>(kind);
        self.media(status, description, vec![("application/json", schema)])
    }

    /// It is answered in one of these media types; without one, by its status alone.
    pub(super) fn media(
        mut self,
        status: u16,
        description: &'static str,
        media: Vec<(&'static str, Value)>,
    ) -> Self {
        self.operation.answers.push(Answer { status, description, media });
        self
    }

    /// The schemas, for what no type says.
    pub(super) fn schemas(&mut self) -> &mut Schemas {
        self.schemas
    }
}

impl Operation {
    /// All schemas that it has.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &Value> {
        let fields = self.parameters.iter().map(|(_, field)| &field.schema);
        let answers =
            self.answers.iter().flat_map(|answer| &answer.media).map(|(_, schema)| schema);
        fields.chain(self.body.iter().map(|body| &body.schema)).chain(answers)
    }

    /// The operation as it stands in the document.
    pub(super) fn settled(&self, named: &Named) -> path::Operation {
        let parameters =
            self.parameters.iter().map(|(place, field)| parameter(place, field, named));
        let body = self.body.as_ref().map(|body| {
            let required = if body.required { Required::True } else { Required::False };
            RequestBodyBuilder::new()
                .content("application/json", content(&body.schema, named))
                .required(Some(required))
                .build()
        });
        let operation = OperationBuilder::new()
            .operation_id(Some(self.id))
            .summary(Some(self.summary))
            .tag(self.tag)
            .parameters(Some(parameters))
            .request_body(body);
        let operation = self.answers.iter().fold(operation, |operation, answer| {
            let response = answer.media.iter().fold(
                ResponseBuilder::new().description(answer.description),
                |response, (media, schema)| response.content(*media, content(schema, named)),
            );
            operation.response(answer.status.to_string(), response.build())
        });
        let refused = problems::of(&self.method, &self.path, self.body.is_some());
        refused
            .fold(operation, |operation, problem| {
                operation.response(problem.status.to_string(), problem.reference())
            })
            .build()
    }
}

/// The names in braces.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
}

/// What stands in a path has no slash, not even an encoded one.
fn in_the_path(name: &str) -> Field {
    let (schema, description) = match name {
        "world" => ("WorldId", "The world."),
        "chat" => ("ChatId", "The chat."),
        "prompt" => ("PromptId", "The prompt."),
        "agent" => ("AgentName", "The agent."),
        _ => ("ToolCallId", "The call."),
    };
    Field {
        name: name.into(),
        description: description.into(),
        required: true,
        schema: json!({ "allOf": [refers_to(schema), { "pattern": "^[^/]*$" }] }),
    }
}

fn parameter(place: &ParameterIn, field: &Field, named: &Named) -> Parameter {
    let required = if field.required { Required::True } else { Required::False };
    let description = Some(field.description.clone()).filter(|text| !text.is_empty());
    ParameterBuilder::new()
        .name(&field.name)
        .parameter_in(place.clone())
        .required(required)
        .description(description)
        .schema(Some(named.settled(&field.schema)))
        .build()
}

fn content(schema: &Value, named: &Named) -> Content {
    ContentBuilder::new().schema(Some(named.settled(schema))).build()
}
