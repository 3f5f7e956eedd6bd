//! Cursors of keyset pages. To clients they are opaque; the prefix keeps one list's cursor from
//! being taken for another's.

use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gauntlet_contract::task::Page;

/// The lists that have cursors.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    Tasks,
    Tags,
    Categories,
    Audit,
}

impl List {
    fn prefix(self) -> &'static str {
        match self {
            List::Tasks => "tasks:",
            List::Tags => "tags:",
            List::Categories => "categories:",
            List::Audit => "audit:",
        }
    }
}

/// The cursor behind the item with this key.
pub(super) fn encode(list: List, key: impl Display) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{}{key}", list.prefix()))
}

/// The key that a cursor was made of; none if it is no cursor of this list.
pub(super) fn decode<K: FromStr>(list: List, cursor: &str) -> Option<K> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.strip_prefix(list.prefix())?.parse().ok()
}

/// The page that begins `items`, which the store was asked for with a limit of `limit + 1`: the one
/// more tells whether there is a next page. `key` is what the list is ordered by.
pub(super) fn page<T, K: Display>(
    list: List,
    mut items: Vec<T>,
    limit: u32,
    key: impl FnOnce(&T) -> K,
) -> Json<Page<T>> {
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let ends_with = items.last().filter(|_| has_more);
    let next_cursor = ends_with.map(|item| encode(list, key(item)));
    Json(Page { items, next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = encode(List::Audit, 42);
        assert_eq!(decode::<i64>(List::Audit, &cursor), Some(42));
        assert_eq!(decode::<i64>(List::Tasks, &cursor), None);
        assert_eq!(decode::<i64>(List::Audit, "42"), None);
        assert_eq!(decode::<i64>(List::Audit, "%%%"), None);
    }
}
