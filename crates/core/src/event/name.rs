//! What events are called, on the wire and in the store.

use super::Event;

impl Event {
    /// The name of the event on the wire and in the store.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ChatCreated { .. } => "chat.created",
            Self::ChatUpdated { .. } => "chat.updated",
            Self::ChatClosed {} => "chat.closed",
            Self::ChatReopened {} => "chat.reopened",
            Self::ChatDeleted {} => "chat.deleted",
            Self::MessageImported { .. } => "message.imported",
            Self::PromptAccepted { .. } => "prompt.accepted",
            Self::PromptEdited { .. } => "prompt.edited",
            Self::PromptWithdrawn { .. } => "prompt.withdrawn",
            Self::PromptJoined { .. } => "prompt.joined",
            Self::TurnStarted { .. } => "turn.started",
            Self::TurnHandedOff { .. } => "turn.handed_off",
            Self::TurnEnded { .. } => "turn.ended",
            Self::MessageStart { .. } => "message.start",
            Self::MessageCheckpoint { .. } => "message.checkpoint",
            Self::MessageEnd { .. } => "message.end",
            Self::MessageError { .. } => "message.error",
            Self::ToolStart { .. } => "tool.start",
            Self::ToolResult { .. } => "tool.result",
            Self::ToolError { .. } => "tool.error",
            Self::ApprovalRequested { .. } => "approval.requested",
            Self::ApprovalResolved { .. } => "approval.resolved",
            Self::HistoryTruncated { .. } => "history.truncated",
        }
    }
}
