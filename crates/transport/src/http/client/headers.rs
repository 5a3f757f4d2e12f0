//! Who asks: headers that go with every request.

use hyper::{HeaderMap, header};

pub use hyper::header::{HeaderName, HeaderValue};

/// Headers that go with every request, such as who asks. What they hold is never shown.
#[derive(Clone, Default)]
pub struct Headers(HeaderMap);

/// A token that cannot stand in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token cannot stand in a header")]
pub struct RejectedToken;

impl Headers {
    /// No header.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `Authorization: Bearer …`.
    ///
    /// # Errors
    ///
    /// [`RejectedToken`] when there are bytes in it that no header takes; they are not repeated.
    pub fn bearer(token: &str) -> Result<Self, RejectedToken> {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| RejectedToken)?;
        Ok(Self::new().with(header::AUTHORIZATION, value))
    }

    /// This header, too; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.0.insert(name, value);
        self
    }

    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        headers.extend(self.0.clone());
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_holds_is_not_shown_and_breaks_no_line() {
        let headers = Headers::bearer("t0ken").unwrap();
        assert_eq!(format!("{headers:?}"), r#"{"authorization"}"#);
        let rejected = Headers::bearer("t0ken\r\nhost: elsewhere").unwrap_err();
        assert!(!rejected.to_string().contains("t0ken"));
    }
}
