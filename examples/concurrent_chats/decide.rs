//! What a person says to a tool call that waits.

use polychat::{PendingApproval, event::ApprovalKind, tool::ApprovalDecision};

use crate::{line::Says, tool_calls::number};

/// Why the model hears that its call was denied, when the person gave no reason.
const NO_REASON: &str = "the user does not want it";

/// The call with this number, or else the oldest one that this can be said to; the error is a hint.
pub(crate) fn choose<'a>(
    waiting: &'a [PendingApproval],
    call: Option<u16>,
    says: Says<'_>,
) -> Result<&'a PendingApproval, String> {
    let is_meant = |at: &&PendingApproval| call.is_none_or(|n| n == number(at.tool_call_id.index));
    let mut meant = waiting.iter().filter(is_meant);
    if let Some(fitting) = meant.clone().find(|waiting| fits(waiting.kind, says)) {
        return Ok(fitting);
    }
    Err(match (meant.next(), call) {
        (Some(PendingApproval { name, kind: ApprovalKind::Question, .. }), _) => {
            format!("{name} is a question: /answer TEXT, or /deny WHY")
        }
        (Some(PendingApproval { name, .. }), _) => {
            format!("{name} asks for no answer: /allow, /allow-chat, or /deny WHY")
        }
        (None, Some(number)) => format!("no call #{number} waits for you"),
        (None, None) => "nothing waits for you".to_owned(),
    })
}

/// What the chat is told.
pub(crate) fn decision(says: Says<'_>) -> ApprovalDecision {
    match says {
        Says::Allow => ApprovalDecision::AllowOnce,
        Says::AllowInChat => ApprovalDecision::AllowForChat,
        Says::Deny("") => ApprovalDecision::Deny { reason: NO_REASON.into() },
        Says::Deny(why) => ApprovalDecision::Deny { reason: why.into() },
        Says::Answer(text) => ApprovalDecision::Answer { data: text.into() },
    }
}

fn fits(kind: ApprovalKind, says: Says<'_>) -> bool {
    match says {
        Says::Deny(_) => true,
        Says::Answer(_) => kind == ApprovalKind::Question,
        Says::Allow | Says::AllowInChat => kind == ApprovalKind::Permission,
    }
}
