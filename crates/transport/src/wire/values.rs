//! How many values a piece of JSON holds, found out without reading them.
//!
//! A value of two bytes, read into a tree, takes up to ninety of memory. A bound on bytes alone
//! would let a small piece of JSON take much; this is the other bound.

/// What one value takes at most beside its text.
#[cfg(feature = "ipc")]
const VALUE_BYTES_MAX: usize = 90;

/// Whether this JSON holds more values than `max`; what is no JSON may be taken for more or less.
pub(crate) fn more_than(max: usize, json: &[u8]) -> bool {
    // Each value needs a byte, and one that parts it from the next.
    json.len() / 2 >= max && count(json) > max
}

/// What this JSON takes of memory at most, in bytes, as it came and read into values.
#[cfg(feature = "ipc")]
pub(crate) fn bytes_taken(json: &[u8]) -> usize {
    json.len().saturating_add(count(json).saturating_mul(VALUE_BYTES_MAX))
}

/// Values, keys not counted: each but the outermost follows a bracket, a brace or a comma. What is
/// empty counts for one more.
fn count(json: &[u8]) -> usize {
    let mut values = 1;
    let mut rest = json.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'[' | b'{' | b',' => values += 1,
            b'"' => skip_string(&mut rest),
            _ => {}
        }
    }
    values
}

fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            // Whatever is escaped, a quote or a backslash, ends nothing.
            b'\\' => drop(rest.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_what_stands_in_strings_is_not() {
        for (json, values) in [
            ("1", 1),
            ("[1,2,3]", 4),
            (r#"{"a":1,"b":[2,{"c":3}]}"#, 6),
            (r#""[,{,\",[""#, 1),
            (r#"["\\",1]"#, 3),
        ] {
            assert_eq!(count(json.as_bytes()), values, "{json}");
        }
    }

    // law 7
    #[test]
    fn the_bound_is_exact_for_a_list() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2)).into_bytes();
        assert!(!more_than(100, &list(100)));
        assert!(more_than(100, &list(101)));
    }
}
