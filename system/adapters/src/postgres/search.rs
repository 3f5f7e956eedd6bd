//! Full-text search in Postgres's terms. What is a word is decided by [`words`] alone: the server's
//! parsers and dictionaries, which depend on its locale, are not asked.

use std::fmt::Write as _;

use gauntlet_contract::UserId;
use gauntlet_ports::words;

/// A `tsvector` literal of a task's words with their places; those of the title weigh more.
pub(super) fn vector(user_id: UserId, title: &str, description: Option<&str>) -> String {
    let mine = mark(user_id);
    let title = words(title).map(|word| (word, 'A'));
    let description = words(description.unwrap_or_default()).map(|word| (word, 'B'));
    let mut literal = String::new();
    for (place, (word, weight)) in (1_u32..).zip(title.chain(description)) {
        // Postgres merges repetitions, and counts far places as the last that it has.
        let _ = write!(literal, "'{mine}{}':{place}{weight} ", quoted(&word));
    }
    literal
}

/// A `tsquery` literal: each word begins some word of the task.
pub(super) fn query(user_id: UserId, text: &[String]) -> String {
    let mine = mark(user_id);
    let terms: Vec<_> = text
        .iter()
        .map(|word| format!("'{mine}{}':*", quoted(word)))
        .collect();
    terms.join(" & ")
}

/// The end of the user's id, before each word in the index. It keeps a search from reading what other
/// users wrote; two users with the same end are still told apart by the statement.
fn mark(user_id: UserId) -> String {
    let id = user_id.to_string();
    id[id.len() - 8..].to_owned()
}

/// No word of ours has either character. A caller's that has stays one word, though one that is not found.
fn quoted(word: &str) -> String {
    word.replace('\\', "\\\\").replace('\'', "''")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> UserId {
        "01890000-0000-7000-8000-00000000abcd".parse().unwrap()
    }

    #[test]
    fn a_vector_has_places_and_weights() {
        assert_eq!(
            vector(somebody(), "Käse, it's", Some("KÄSE!")),
            "'0000abcdkäse':1A '0000abcdit':2A '0000abcds':3A '0000abcdkäse':4B "
        );
        assert_eq!(vector(somebody(), "?!", None), "");
    }

    #[test]
    fn a_query_cannot_be_broken_out_of() {
        let text = ["kä".to_owned(), "x':* | 'y\\".to_owned()];
        assert_eq!(
            query(somebody(), &text),
            "'0000abcdkä':* & '0000abcdx'':* | ''y\\\\':*"
        );
    }
}
