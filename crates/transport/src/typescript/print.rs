//! Declarations as people like to read them: one field per line, comments where they belong.
//!
//! It knows no more of TypeScript than braces, strings and comments, which is all that `ts_rs`
//! writes beside names.

use std::{iter::Peekable, str::Chars};

/// A block that is longer than this stands on several lines, in characters.
const LINE_MAX: usize = 90;

/// A piece of a type.
enum Piece {
    /// Anything between blocks.
    Text(String),
    /// What stands in braces.
    Block(Vec<Field>),
}

/// A field with what is said of it.
struct Field {
    docs: Vec<String>,
    pieces: Vec<Piece>,
}

/// One declaration, laid out.
pub(super) fn declaration(source: &str) -> String {
    let field = field(&mut source.chars().peekable());
    let mut out = String::new();
    write_docs(&field.docs, 0, &mut out);
    write_pieces(&field.pieces, 0, &mut out);
    out.truncate(out.trim_end_matches(';').len());
    out.push_str(";\n");
    out
}

type Source<'a> = Peekable<Chars<'a>>;

/// Reads up to the end of a field, which is a comma or the end of its block.
fn field(source: &mut Source<'_>) -> Field {
    let (mut docs, mut pieces, mut text) = (Vec::new(), Vec::new(), String::new());
    // Commas within `<>`, `()` and `[]` end nothing.
    let mut nested = 0_usize;
    while let Some(&next) = source.peek() {
        match next {
            '}' => break,
            ',' if nested == 0 => break,
            '{' => {
                source.next();
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Block(block(source)));
                continue;
            }
            '"' => {
                text.push_str(&string(source));
                continue;
            }
            '<' | '(' | '[' => nested += 1,
            '>' | ')' | ']' => nested = nested.saturating_sub(1),
            _ => {}
        }
        source.next();
        match (next, source.peek()) {
            ('/', Some('*')) => docs.extend(comment(source)),
            (next, _) if next.is_whitespace() => {
                let begins = text.is_empty() && pieces.is_empty();
                if !begins && !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            _ => text.push(next),
        }
    }
    pieces.push(Piece::Text(text));
    Field { docs, pieces: tidy(pieces) }
}

/// Reads the fields of a block, and its end.
fn block(source: &mut Source<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    loop {
        let field = field(source);
        if !field.pieces.is_empty() {
            fields.push(field);
        }
        if source.next() != Some(',') {
            return fields;
        }
    }
}

/// Reads a string; none of ours holds a quote.
fn string(source: &mut Source<'_>) -> String {
    let mut quotes = 0;
    let mut text = String::new();
    while quotes < 2 {
        let Some(next) = source.next() else { break };
        quotes += usize::from(next == '"');
        text.push(next);
    }
    text
}

/// Reads a comment whose first slash is gone: its lines, without what only rustdoc understands.
fn comment(source: &mut Source<'_>) -> Vec<String> {
    let mut text = String::new();
    for next in source.by_ref() {
        text.push(next);
        if text.len() > 2 && text.ends_with("*/") {
            break;
        }
    }
    let text = text.trim_start_matches('*').trim_end_matches("*/").to_owned();
    let mut code = false;
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim().trim_start_matches('*').trim();
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        let is_second_gap = line.is_empty() && lines.last().is_none_or(String::is_empty);
        if !code && !is_second_gap {
            lines.push(without_links(line));
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Links lead into the Rust documentation, so only their texts stay.
fn without_links(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        plain.push_str(before);
        plain.push('`');
        plain.push_str(name);
        plain.push('`');
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain.push_str(rest);
    plain.replace("`None`", "`undefined`")
}

/// Names without quotes, and no `null` for what is left out instead.
fn tidy(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let optional = match pieces.first_mut() {
        Some(Piece::Text(first)) => {
            *first = unquoted(first.trim_start());
            first.split_once(':').is_some_and(|(key, _)| key.ends_with('?'))
        }
        _ => false,
    };
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        let end = last.trim_end();
        let end = if optional { end.strip_suffix(" | null").unwrap_or(end) } else { end };
        *last = end.to_owned();
    }
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
    pieces
}

/// A field whose name needs no quotes, without them.
fn unquoted(field: &str) -> String {
    let quoted = field.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    match quoted {
        Some((name, rest))
            if rest.starts_with([':', '?']) && name.chars().all(char::is_alphanumeric) =>
        {
            format!("{name}{rest}")
        }
        _ => field.to_owned(),
    }
}

fn write_docs(docs: &[String], depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match docs {
        [] => {}
        [line] => out.push_str(&format!("{indent}/** {line} */\n")),
        lines => {
            out.push_str(&format!("{indent}/**\n"));
            for line in lines {
                out.push_str(format!("{indent} * {line}").trim_end());
                out.push('\n');
            }
            out.push_str(&format!("{indent} */\n"));
        }
    }
}

fn write_pieces(pieces: &[Piece], depth: usize, out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) if depth == 0 && text.len() > LINE_MAX => {
                out.push_str(&text.replace(" = \"", "\n  = \"").replace(" | \"", "\n  | \""));
            }
            Piece::Text(text) => out.push_str(text),
            Piece::Block(fields) => match on_one_line(fields) {
                Some(line) if line.len() <= LINE_MAX => out.push_str(&line),
                _ => write_fields(fields, depth, out),
            },
        }
    }
}

fn write_fields(fields: &[Field], depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    out.push_str("{\n");
    for field in fields {
        write_docs(&field.docs, depth + 1, out);
        out.push_str(&indent);
        write_pieces(&field.pieces, depth + 1, out);
        out.push_str(";\n");
    }
    out.push_str(&"  ".repeat(depth));
    out.push('}');
}

/// The block on one line; `None` when something in it is commented.
fn on_one_line(fields: &[Field]) -> Option<String> {
    let mut texts = Vec::new();
    for Field { docs, pieces } in fields {
        if !docs.is_empty() {
            return None;
        }
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Block(fields) => text.push_str(&on_one_line(fields)?),
            }
        }
        texts.push(text);
    }
    Some(format!("{{ {} }}", texts.join(", ")))
}
