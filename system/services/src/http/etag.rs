use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;

use crate::commands::Precondition;

/// The entity tag of a version, e.g. `"3"`.
pub(super) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Reads `If-Match`. The comparison is strong (RFC 9110), so a weak tag matches nothing, and
/// neither does what was never a tag of ours.
pub(super) fn precondition(headers: &HeaderMap) -> Precondition {
    let mut values = headers.get_all(IF_MATCH).iter().peekable();
    if values.peek().is_none() {
        return Precondition::None;
    }
    let mut versions = Vec::new();
    for value in values {
        // Of our tags none holds a comma, so splitting there cannot make one out of another.
        for tag in value.to_str().unwrap_or_default().split(',') {
            if tag.trim() == "*" {
                return Precondition::None;
            }
            versions.extend(version(tag.trim()));
        }
    }
    Precondition::AnyOf(versions)
}

fn version(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let version = digits.parse().ok()?;
    // "+3" and "03" would parse as well.
    (etag(version) == tag).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &'static str) -> Precondition {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, value.parse().unwrap());
        precondition(&headers)
    }

    #[test]
    fn only_strong_tags_of_ours_match() {
        assert_eq!(precondition(&HeaderMap::new()), Precondition::None);
        assert_eq!(of("*"), Precondition::None);
        assert_eq!(of("\"3\""), Precondition::AnyOf(vec![3]));
        assert_eq!(of("\"3\", \"5\""), Precondition::AnyOf(vec![3, 5]));
        for foreign in ["W/\"3\"", "3", "\"03\"", "\"+3\"", "\"x\"", ""] {
            assert_eq!(of(foreign), Precondition::AnyOf(Vec::new()), "{foreign}");
        }
    }
}
