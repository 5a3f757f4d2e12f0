//! `Exports`: chats taken out over HTTP, in the formats of [`transfer`](crate::transfer).
//!
//! It stands between the door over HTTP, which knows no formats, and `transfer`, which knows no
//! requests.

use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use polychat_core::{CommandError, Fault, FaultKind, Scope, ports::WorldService};
use polychat_transfer::{Export, ExportError};
use polychat_transport::http::{ExportFormat, Exporter};

/// Makes text of chats as [`transfer`](crate::transfer) does: JSON Lines and Markdown.
///
/// ```
/// use std::sync::Arc;
/// use polychat::{Exports, transport::http::HttpOptions};
///
/// let mut options = HttpOptions::default();
/// options.exporter = Some(Arc::new(Exports));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Exports;

impl Exporter for Exports {
    fn export(
        &self,
        world: std::sync::Arc<dyn WorldService>,
        scope: Scope,
        format: ExportFormat,
    ) -> BoxStream<'static, Result<String, CommandError>> {
        let export = match scope {
            Scope::Chat(chat) => Export::chat(world, chat),
            _ => Export::world(world),
        };
        let pieces = match format {
            ExportFormat::Markdown => export.markdown(),
            _ => export.json_lines(),
        };
        pieces.map(|piece| piece.map_err(as_command_error)).boxed()
    }
}

fn as_command_error(error: ExportError) -> CommandError {
    match error {
        ExportError::World(error) => error,
        other => Fault::new(FaultKind::Protocol, &other.to_string()).into(),
    }
}
