//! The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::problem::ApiError;

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Marks an answer that was first given to an earlier request with the same key.
pub(super) const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

pub(super) const KEY_MAX_CHARS: usize = 255;

/// Reads the key: 1–255 visible ASCII characters, as they are or as a string in quotes, which is how the
/// draft has it. Both spellings are the same key.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(refused("given more than once"));
    }
    let text = value.to_str().ok().map(str::trim);
    let key = text.and_then(|text| match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => Some(text.to_owned()),
    });
    let is_allowed = |key: &String| {
        (1..=KEY_MAX_CHARS).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
    };
    match key.filter(is_allowed) {
        Some(key) => Ok(Some(key)),
        None => Err(refused("must be 1 to 255 visible ASCII characters")),
    }
}

/// Tells one request from another: what is to be done, and to what.
pub(super) fn fingerprint(method: &Method, path: &str, body: &[u8]) -> String {
    let mut digest = Context::new(&SHA256);
    // Neither a method nor a path can hold a line break, so no two requests look alike.
    for part in [method.as_str(), "\n", path, "\n"] {
        digest.update(part.as_bytes());
    }
    digest.update(body);
    BASE64_URL_SAFE_NO_PAD.encode(digest.finish())
}

/// The rest of a string (RFC 8941) behind its first quote; none when it is not one.
fn unquoted(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(text),
            '\\' => text.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => text.push(other),
        }
    }
}

fn refused(detail: &str) -> ApiError {
    ApiError::field("Idempotency-Key", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, value.parse().unwrap());
        key(&headers).ok().map(|key| key.expect("there is one"))
    }

    #[test]
    fn quoted_or_not_a_key_is_the_same() {
        assert_eq!(read("a-1").as_deref(), Some("a-1"));
        assert_eq!(read("\"a-1\"").as_deref(), Some("a-1"));
        assert_eq!(read(r#""a\"b\\""#).as_deref(), Some(r#"a"b\"#));
        assert_eq!(read(r"a\b").as_deref(), Some(r"a\b"));
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let longest = "k".repeat(KEY_MAX_CHARS);
        assert_eq!(read(&longest), Some(longest.clone()));
        let too_long = format!("{longest}k");
        for wrong in [
            "", "\"", "\"\"", "a b", "\"a", "\"a\"b", r#""a\""#, r#""\a""#, "a\tb", &too_long,
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(IDEMPOTENCY_KEY, "a".parse().unwrap());
        twice.append(IDEMPOTENCY_KEY, "a".parse().unwrap());
        assert!(key(&twice).is_err());
    }

    #[test]
    fn a_fingerprint_tells_method_path_and_body_apart() {
        let first = fingerprint(&Method::POST, "/a", b"{}");
        assert_eq!(first, fingerprint(&Method::POST, "/a", b"{}"));
        for (method, path, body) in [
            (Method::PATCH, "/a", &b"{}"[..]),
            (Method::POST, "/b", b"{}"),
            (Method::POST, "/a", b"{} "),
        ] {
            assert_ne!(first, fingerprint(&method, path, body));
        }
    }
}
