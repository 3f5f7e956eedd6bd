use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::case_trace::Traced;

/// Length of a UUID in its usual form.
const UUID_CHARS: usize = 36;

/// Ids of one case, in the order in which they were first seen.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    users: usize,
    known: HashMap<Uuid, usize>,
    learning: Learning,
}

#[derive(Clone, Copy, Debug)]
enum Learning {
    On,
    /// What is not known by now looks like any other.
    Off,
}

impl Ids {
    /// The users are known from the beginning.
    pub(super) fn of_users(users: &[Uuid]) -> Self {
        let known = users.iter().copied().zip(0..).collect();
        Self {
            users: users.len(),
            known,
            learning: Learning::On,
        }
    }

    pub(super) fn leave_unknown(&mut self) {
        self.learning = Learning::Off;
    }

    /// Where the id stood first; behind all others where it was not seen or is none.
    pub(super) fn place_of(&self, id: Option<&Value>) -> usize {
        let id = id.and_then(Value::as_str);
        let id = id.and_then(|text| Uuid::try_parse(text).ok());
        id.and_then(|id| self.known.get(&id).copied())
            .unwrap_or(usize::MAX)
    }

    /// In words, which request of which user began the trace; none for a trace of nobody here.
    pub(super) fn request_of(&self, traced: Traced) -> Option<String> {
        let mut users = self.known.iter();
        let (_, number) = users.find(|(id, number)| {
            **number < self.users && Traced::by(**id, traced.request()) == traced
        })?;
        let request = traced.request();
        Some(format!("‹request {request}, user {}›", number + 1))
    }

    /// The text with a number in the place of each UUID.
    pub(super) fn numbered(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((start, id)) = first_uuid(rest) {
            out.push_str(&rest[..start]);
            out.push_str(&self.name(id));
            rest = &rest[start + UUID_CHARS..];
        }
        out.push_str(rest);
        out
    }

    fn name(&mut self, id: Uuid) -> String {
        let next = self.known.len();
        let number = match self.learning {
            Learning::On => *self.known.entry(id).or_insert(next),
            Learning::Off => match self.known.get(&id) {
                Some(number) => *number,
                None => return "‹id›".to_owned(),
            },
        };
        if number < self.users {
            format!("‹user {}›", number + 1)
        } else {
            format!("‹id {}›", number + 1 - self.users)
        }
    }
}

/// The first UUID in its usual form, and where it begins.
fn first_uuid(text: &str) -> Option<(usize, Uuid)> {
    // The first hyphen of a UUID stands behind eight digits.
    text.match_indices('-').find_map(|(hyphen, _)| {
        let start = hyphen.checked_sub(8)?;
        let id = text.get(start..start + UUID_CHARS)?;
        Some((start, Uuid::try_parse(id).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "01990000-0000-7000-8000-00000000000a";
    const B: &str = "01990000-0000-7000-8000-00000000000b";
    const USER: Uuid = Uuid::from_u128(7);

    #[test]
    fn ids_are_numbered_by_first_appearance_wherever_they_stand() {
        let mut ids = Ids::of_users(&[USER]);
        let text = format!("/api/tasks/{B}/tags/{A}?user={USER}&again={B}");
        assert_eq!(
            ids.numbered(&text),
            "/api/tasks/‹id 1›/tags/‹id 2›?user=‹user 1›&again=‹id 1›"
        );
        assert_eq!(ids.place_of(Some(&Value::String(A.to_owned()))), 2);
        assert_eq!(ids.place_of(None), usize::MAX);
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        let mut ids = Ids::of_users(&[]);
        for text in ["2026-11-30T16:00:00Z", "a-b-c", "ä-ö", "", "12345678-"] {
            assert_eq!(ids.numbered(text), text);
        }
    }

    #[test]
    fn the_unknown_look_alike_where_nothing_is_to_be_learnt() {
        let mut ids = Ids::of_users(&[USER]);
        ids.leave_unknown();
        assert_eq!(ids.numbered(A), ids.numbered(B));
        assert_eq!(ids.numbered(&USER.to_string()), "‹user 1›");
    }
}
