//! Finds out whom a message is for that is too large to be kept.
//!
//! Without this, the call whose answer is too large would wait in vain. The bytes are looked at as
//! they pass, and none of them is kept but the `id`.

use rmcp::model::RequestId;

/// More than any `id` or key that we look for.
const TOKEN_BYTES_MAX: usize = 64;

/// The outermost level of a JSON object, seen byte by byte.
#[derive(Default)]
pub(super) struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string or number at the outermost level.
    token: Vec<u8>,
    token_is_string: bool,
    key: Vec<u8>,
    id: Option<RequestId>,
    has_method: bool,
}

impl Scan {
    /// Looks at the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.byte(*byte);
        }
    }

    /// The request that the message answers, if it is an answer.
    pub(super) fn answers(self) -> Option<RequestId> {
        self.id.filter(|_| !self.has_method)
    }

    fn byte(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            if self.in_string {
                self.keep(byte);
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.begin_token(true);
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_value();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => {
                self.key = std::mem::take(&mut self.token);
                self.token_is_string = false;
            }
            b',' if self.depth == 1 => self.end_value(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.keep(byte),
        }
    }

    fn begin_token(&mut self, is_string: bool) {
        if self.depth == 1 {
            self.token.clear();
            self.token_is_string = is_string;
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.token.len() <= TOKEN_BYTES_MAX {
            self.token.push(byte);
        }
    }

    fn end_value(&mut self) {
        let key = std::mem::take(&mut self.key);
        let token = std::mem::take(&mut self.token);
        match &*key {
            b"method" => self.has_method = true,
            b"id" if token.len() <= TOKEN_BYTES_MAX => {
                self.id = String::from_utf8(token).ok().and_then(|token| {
                    if self.token_is_string {
                        Some(RequestId::String(token.into()))
                    } else {
                        token.parse().ok().map(RequestId::Number)
                    }
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(json: &str) -> Option<RequestId> {
        // Byte by byte: where a read ends must not matter.
        let mut scan = Scan::default();
        for byte in json.as_bytes() {
            scan.feed(&[*byte]);
        }
        scan.answers()
    }

    // Law 6: an answer that is too large fails the call that it answers, and no other
    #[test]
    fn the_id_of_an_answer_is_found_wherever_it_stands() {
        let seven = Some(RequestId::Number(7));
        for json in [
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            r#"{"result":{"content":[{"id":8,"text":"}\",\"id\":9"}]},"jsonrpc":"2.0","id":7}"#,
            r#"{ "id" : 7 , "error" : { "id" : 1, "code" : [ 1, { "id" : 2 } ] } }"#,
            "{\"result\":\"\\\\\",\"id\":7}\r",
        ] {
            assert_eq!(answers(json), seven, "{json}");
        }
        assert_eq!(answers(r#"{"id":"a-7","result":1}"#), Some(RequestId::String("a-7".into())));
    }

    #[test]
    fn what_is_no_answer_has_none() {
        for json in [
            r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#,
            r#"{"method":"notifications/message","params":{"id":7}}"#,
            r#"{"result":{"id":7}}"#,
            r#"[{"id":7,"result":1}]"#,
            r#"{"id":null,"result":1}"#,
            r#"{"id":7.5,"result":1}"#,
            r#"{"identity":7,"xid":8}"#,
            "garbage, \"id\":7",
            "}}}]]",
            "",
        ] {
            assert_eq!(answers(json), None, "{json}");
        }
        let long = format!(r#"{{"id":"{}","result":1}}"#, "x".repeat(100));
        assert_eq!(answers(&long), None);
    }
}
