//! How long a provider wants us to wait.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Reads `Retry-After`: seconds, or a date.
///
/// A date is counted from the `Date` of the same response, so that neither our clock nor the
/// difference to theirs matters. Without one, or when it cannot be read, there is no answer.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    // A date that has passed means now.
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

    use super::of;

    #[test]
    fn seconds_and_dates_are_understood_and_nonsense_is_no_answer() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let table = [
            (Some("7"), None, Some(7)),
            (Some(" 0 "), None, Some(0)),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), date, Some(30)),
            (Some("Sun, 06 Nov 1994 08:49:07 GMT"), date, Some(0)),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), None, None),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), Some("today"), None),
            (Some("-3"), date, None),
            (Some("soon"), date, None),
            (None, date, None),
        ];
        for (retry_after, date, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in [(RETRY_AFTER, retry_after), (DATE, date)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(of(&headers), expected.map(Duration::from_secs), "{retry_after:?} {date:?}");
        }
    }
}
