//! Chats taken out as text, by whoever knows the formats.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use polychat_core::{ChatId, CommandError, Refusal, Scope, ports::WorldService};
use serde::Deserialize;

use super::{
    extract::{Path, Query},
    params::{ChatPath, ExportQuery},
};
use crate::{
    error::RejectedCommand,
    http::{problem::Problem, state::Caller},
};

/// In which form chats are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ExportFormat {
    /// JSON Lines, for machines: `?format=jsonl`.
    #[default]
    Jsonl,
    /// Markdown, for people: `?format=markdown`.
    Markdown,
}

impl ExportFormat {
    /// The media type, and the ending of a file's name.
    fn media(self) -> (&'static str, &'static str) {
        match self {
            Self::Jsonl => ("application/x-ndjson; charset=utf-8", "jsonl"),
            Self::Markdown => ("text/markdown; charset=utf-8", "md"),
        }
    }
}

/// Makes text of chats. Formats are not known here; a program brings them.
///
/// ```
/// use std::sync::Arc;
///
/// use futures_core::stream::BoxStream;
/// use polychat_core::{CommandError, Scope, ports::WorldService};
/// use polychat_transport::http::{ExportFormat, Exporter, HttpOptions};
///
/// struct Titles;
///
/// impl Exporter for Titles {
///     fn export(
///         &self,
///         world: Arc<dyn WorldService>,
///         scope: Scope,
///         format: ExportFormat,
///     ) -> BoxStream<'static, Result<String, CommandError>> {
///         # let _ = (world, scope, format);
///         Box::pin(futures_util::stream::iter([Ok(String::from("# Tea\n"))]))
///     }
/// }
///
/// let mut options = HttpOptions::default();
/// options.exporter = Some(Arc::new(Titles));
/// ```
pub trait Exporter: Send + Sync {
    /// One chat, or all chats of the world as its caller may see it, piece by piece. Each piece is
    /// asked for when the one before has been taken: a slow reader holds one.
    ///
    /// # Errors
    ///
    /// The stream ends with the world's refusal or fault. As the first item it becomes the answer;
    /// later the answer breaks off, so that nobody takes a part for the whole.
    fn export(
        &self,
        world: Arc<dyn WorldService>,
        scope: Scope,
        format: ExportFormat,
    ) -> BoxStream<'static, Result<String, CommandError>>;
}

/// `GET /export`: all chats that may be seen.
pub(super) async fn world(
    caller: Caller,
    Query(ExportQuery { format }): Query<ExportQuery>,
) -> Result<Response, Problem> {
    exported(&caller, Scope::World, format).await
}

/// `GET /chats/{chat}/export`
pub(super) async fn chat(
    caller: Caller,
    Path(ChatPath { chat }): Path<ChatPath>,
    Query(ExportQuery { format }): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let chat = ChatId::new(chat).map_err(|error| RejectedCommand::field("chatId", error))?;
    exported(&caller, Scope::Chat(chat), format).await
}

async fn exported(
    caller: &Caller,
    scope: Scope,
    format: ExportFormat,
) -> Result<Response, Problem> {
    let Some(exporter) = &caller.options().exporter else {
        return Err(Refusal::Unsupported { what: "export".into() }.into());
    };
    let (media, ending) = format.media();
    let name = match scope {
        Scope::Chat(_) => "chat",
        _ => "world",
    };
    let mut pieces = exporter.export(caller.world(), scope, format);
    // What cannot be read at all is a problem, and not a file that ends at once.
    let first = match pieces.next().await {
        Some(Err(error)) => return Err(error.into()),
        first => first,
    };
    let headers: [(HeaderName, String); 3] = [
        (header::CONTENT_TYPE, media.into()),
        (header::CACHE_CONTROL, "no-store".into()),
        // The name says nothing of the chat: whatever its id holds, it is in no header.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{ending}\"")),
    ];
    Ok((headers, Body::from_stream(stream::iter(first).chain(pieces))).into_response())
}
