//! A server's result, in our words.

use polychat_core::{
    Failure, FailureKind, Part,
    content::{BlobSource, Text, text_of},
    tool::ToolOutput,
};
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents, ServerResult};

/// What stands for a media type that the server does not say.
const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// The result of a call, or the failure that it says it is.
pub(super) fn output(answer: ServerResult) -> Result<ToolOutput, Failure> {
    let result = match answer {
        ServerResult::CallToolResult(result) => result,
        // A result that says nothing at all looks like that.
        ServerResult::EmptyResult(_) => CallToolResult::default(),
        ServerResult::InputRequiredResult(_) => {
            return Err(failure("the tool asks for further input, which it cannot be given"));
        }
        _ => return Err(failure("the server's answer is no result of a tool")),
    };
    let mut parts: Vec<Part> = result.content.into_iter().map(part).collect();
    let says_something = parts.iter().any(|part| part.as_text().is_some_and(|it| !it.is_empty()));
    if let Some(structured) = result.structured_content.filter(|_| !says_something) {
        parts.push(Part::text(structured.to_string()));
    }
    if result.is_error == Some(true) {
        let text = text_of(&parts);
        return Err(failure(if text.is_empty() { "the tool failed" } else { &text }));
    }
    Ok(ToolOutput { parts, ..ToolOutput::default() })
}

fn failure(text: &str) -> Failure {
    Failure::new(FailureKind::ToolFailed, text)
}

fn part(block: ContentBlock) -> Part {
    match block {
        ContentBlock::Text(text) => Part::text(text.text),
        ContentBlock::Image(image) => blob(Some(image.mime_type), base64(image.data)),
        ContentBlock::Audio(audio) => blob(Some(audio.mime_type), base64(audio.data)),
        ContentBlock::Resource(resource) => match resource.resource {
            ResourceContents::TextResourceContents { text, .. } => Part::text(text),
            ResourceContents::BlobResourceContents { mime_type, blob: data, .. } => {
                blob(mime_type, base64(data))
            }
            _ => Part::text("(a resource of a kind that is not known)"),
        },
        ContentBlock::ResourceLink(link) => {
            blob(link.mime_type, BlobSource::Uri { uri: link.uri.into() })
        }
        _ => Part::text("(content of a kind that is not known)"),
    }
}

fn base64(data: String) -> BlobSource {
    BlobSource::Base64 { data: data.into() }
}

fn blob(media_type: Option<String>, source: BlobSource) -> Part {
    let media_type = media_type.filter(|it| !it.is_empty());
    let media_type = media_type.map_or_else(|| UNKNOWN_MEDIA_TYPE.into(), Text::from);
    Part::Blob { media_type, source }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(result: Value) -> Result<ToolOutput, Failure> {
        output(serde_json::from_value(result).unwrap())
    }

    fn blob_of(media_type: &str, source: BlobSource) -> Part {
        Part::Blob { media_type: media_type.into(), source }
    }

    // Issue 3: MCP results become parts
    #[test]
    fn every_sort_of_content_becomes_a_part() {
        let output = read(json!({ "content": [
            { "type": "text", "text": "hello" },
            { "type": "image", "data": "AAAA", "mimeType": "image/png" },
            { "type": "audio", "data": "BBBB", "mimeType": "audio/wav" },
            { "type": "resource", "resource": { "uri": "a://b", "text": "inside" } },
            { "type": "resource", "resource": { "uri": "a://c", "blob": "CCCC" } },
            { "type": "resource_link", "uri": "a://d", "name": "d", "mimeType": "text/csv" },
        ] }));
        let uri = BlobSource::Uri { uri: "a://d".into() };
        let expected = vec![
            Part::text("hello"),
            blob_of("image/png", base64("AAAA".into())),
            blob_of("audio/wav", base64("BBBB".into())),
            Part::text("inside"),
            blob_of(UNKNOWN_MEDIA_TYPE, base64("CCCC".into())),
            blob_of("text/csv", uri),
        ];
        assert_eq!(output.unwrap().parts, expected);
    }

    #[test]
    fn structured_content_speaks_only_where_there_is_no_text() {
        let structured = json!({ "sum": 3 });
        let both = json!({ "content": [{ "type": "text", "text": "three" }],
            "structuredContent": structured });
        assert_eq!(read(both).unwrap(), ToolOutput::text("three"));
        let alone = json!({ "content": [], "structuredContent": structured });
        assert_eq!(read(alone).unwrap(), ToolOutput::text(r#"{"sum":3}"#));
    }

    #[test]
    fn a_result_that_says_it_is_an_error_is_a_failure_with_its_words() {
        let failed = json!({ "content": [{ "type": "text", "text": "no such file" }],
            "isError": true });
        let expected = Failure::new(FailureKind::ToolFailed, "no such file");
        assert_eq!(read(failed).unwrap_err(), expected);
        let wordless = read(json!({ "content": [], "isError": true })).unwrap_err();
        assert_eq!(&*wordless.message, "the tool failed");
    }

    #[test]
    fn a_result_that_says_nothing_is_empty_and_what_is_no_result_is_a_failure() {
        assert!(read(json!({})).unwrap().parts.is_empty());
        assert!(read(json!({ "content": [] })).unwrap().parts.is_empty());
        assert!(read(json!({ "tools": [] })).is_err());
        assert!(read(json!("what")).is_err());
    }
}
