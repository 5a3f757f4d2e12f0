//! What messages are made of, on the other side.

use genai::{
    adapter::AdapterKind,
    chat::{Binary, BinarySource, ContentPart},
};
use polychat_core::{Message, Part, content::BlobSource};

/// A part that people can see.
pub(super) fn said(part: &Part) -> Option<ContentPart> {
    match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(ContentPart::from_text(&**text)),
        Part::Blob { media_type, source } => {
            let source = match source {
                BlobSource::Uri { uri } => BinarySource::Url(uri.to_string()),
                BlobSource::Base64 { data } => BinarySource::Base64(data.clone()),
                _ => return None,
            };
            Some(ContentPart::Binary(Binary::new(&**media_type, source, None)))
        }
        _ => None,
    }
}

/// A part that this provider wants back beside what was said; another provider's is not for its
/// eyes. Signatures of calls go back with their calls, see [`signatures`].
pub(super) fn kept(part: &Part, adapter: AdapterKind) -> Option<ContentPart> {
    own(part, adapter).filter(|part| !matches!(part, ContentPart::ToolCall(_)))
}

/// The signatures of the call that the provider gave this id.
pub(super) fn signatures(
    message: &Message,
    provider_call_id: &str,
    adapter: AdapterKind,
) -> Option<Vec<String>> {
    message.parts.iter().find_map(|part| match own(part, adapter)? {
        ContentPart::ToolCall(call) if call.call_id == provider_call_id => call.thought_signatures,
        _ => None,
    })
}

fn own(part: &Part, adapter: AdapterKind) -> Option<ContentPart> {
    match part {
        Part::Opaque { provider, data } if **provider == *adapter.as_lower_str() => {
            serde_json::from_value(data.clone()).ok()
        }
        _ => None,
    }
}

/// What a tool answered, or why it did not, in words: on most wires a result is nothing else.
pub(super) fn result(message: &Message) -> String {
    let mut text = String::new();
    for part in &message.parts {
        match part {
            Part::Text { text: said } => text.push_str(said),
            Part::Blob { media_type, source } => {
                begin_line(&mut text);
                text.push_str(&described(media_type, source));
                text.push('\n');
            }
            _ => {}
        }
    }
    if let Some(failure) = &message.failure {
        begin_line(&mut text);
        text.push_str("error: ");
        text.push_str(&failure.message);
    }
    text
}

fn begin_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

fn described(media_type: &str, source: &BlobSource) -> String {
    match source {
        BlobSource::Uri { uri } => format!("[{media_type} at {uri}]"),
        BlobSource::Base64 { data } => {
            // Four letters stand for three bytes; what pads the end stands for none.
            let bytes = data.trim_end_matches('=').len() * 3 / 4;
            format!("[{media_type}, {bytes} bytes]")
        }
        _ => format!("[{media_type}]"),
    }
}
