//! What the stores of a lane held at two moments of one run, row by row, and how far its consumer groups
//! were set back in between.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// On which side of the replay something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    Before,
    After,
}

/// A row of a table, an entry of a state store or a message of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRow {
    pub read: Moment,
    /// Table, prefix of keys, or topic.
    pub place: String,
    /// Unique in its place, but for messages that were published more than once and rows of a table
    /// without a primary key.
    pub key: String,
    /// SHA-256 of all that it holds, but for what is [`MASKED`](MASKED_COLUMNS), in hexadecimal.
    pub digest: String,
    /// All that it holds, as JSON; none where the same stood there on both sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A column that may change though nothing was replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedStored {
    pub table: &'static str,
    pub column: &'static str,
    pub because: &'static str,
}

const fn lease(table: &'static str, column: &'static str) -> MaskedStored {
    MaskedStored {
        table,
        column,
        because: "a relay renews its lease as long as it lives, and takes a new one when it starts",
    }
}

/// All that is left out of the comparison of a lane with itself.
pub const MASKED_COLUMNS: [MaskedStored; 7] = [
    lease("relay_lease", "holder"),
    lease("relay_lease", "epoch"),
    lease("relay_lease", "expires_at"),
    lease("audit_relay_lease", "holder"),
    lease("audit_relay_lease", "epoch"),
    lease("audit_relay_lease", "expires_at"),
    MaskedStored {
        table: "dapr_metadata",
        column: "value",
        because: "the sidecar notes there when it last deleted expired entries",
    },
];

/// An entry of a state store of which only that it is there is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedEntry {
    /// How its key ends. What stands before names the owner, in each store in its own way.
    pub key: &'static str,
    pub because: &'static str,
}

/// All entries whose values are left out of the comparison of a lane with itself.
pub const MASKED_ENTRIES: [MaskedEntry; 1] = [MaskedEntry {
    key: "recurring:last_pass",
    because: "recurring notes when it last looked at the schedule, which it does by the clock",
}];

/// Where entries of state are, beside the tables that belong to nobody but one role.
pub const STATE_TABLES: [&str; 2] = ["state_entries", "dapr_state"];

impl MaskedEntry {
    /// The rule for an entry of a state store, if there is one.
    pub fn of(key: &str) -> Option<Self> {
        let mut rules = MASKED_ENTRIES.into_iter();
        rules.find(|rule| key.ends_with(rule.key))
    }

    /// The rule for a row of a table, if the table holds state and there is one.
    pub fn of_row(table: &str, key: &str) -> Option<Self> {
        STATE_TABLES
            .contains(&table)
            .then(|| Self::of(key))
            .flatten()
    }
}

/// A consumer group that was set back to the beginning of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedGroup {
    pub group: String,
    pub topic: String,
    /// Messages that the topic held.
    pub held: u64,
    /// Messages that the group had yet to read when it was set back; none where that was not known.
    pub to_go_when_rewound: Option<u64>,
    /// Deliveries since then that the consumer settled for good, by its own count.
    pub redelivered: u64,
    /// Messages that it had yet to read when the stores were read again; none where that was not known.
    pub to_go_at_end: Option<u64>,
}

impl ReplayedGroup {
    /// Messages that certainly came again.
    pub fn came_again(&self) -> u64 {
        let was_rewound = self.to_go_when_rewound == Some(self.held);
        if was_rewound {
            self.redelivered.min(self.held)
        } else {
            0
        }
    }
}

/// What stood under one name before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredPair<'a> {
    pub before: Vec<&'a StoredRow>,
    pub after: Vec<&'a StoredRow>,
}

impl StoredPair<'_> {
    /// The same rows, however they are ordered.
    pub fn is_same(&self) -> bool {
        let [before, after] = [&self.before, &self.after].map(|rows| {
            let mut digests: Vec<&str> = rows.iter().map(|row| row.digest.as_str()).collect();
            digests.sort_unstable();
            digests
        });
        before == after
    }
}

/// The rows by place and key, in the order of these.
pub fn stored_pairs(rows: &[StoredRow]) -> BTreeMap<(&str, &str), StoredPair<'_>> {
    let mut pairs: BTreeMap<_, StoredPair<'_>> = BTreeMap::new();
    for row in rows {
        let pair = pairs.entry((row.place.as_str(), row.key.as_str()));
        let pair = pair.or_default();
        match row.read {
            Moment::Before => pair.before.push(row),
            Moment::After => pair.after.push(row),
        }
    }
    pairs
}

/// Both readings in one, without the texts of what is the same in them.
pub fn both_readings(before: Vec<StoredRow>, after: Vec<StoredRow>) -> Vec<StoredRow> {
    let mut rows = before;
    rows.extend(after);
    let differs = |pair: &StoredPair<'_>| !pair.is_same();
    let different: BTreeSet<(String, String)> = stored_pairs(&rows)
        .into_iter()
        .filter(|(_, pair)| differs(pair))
        .map(|((place, key), _)| (place.to_owned(), key.to_owned()))
        .collect();
    for row in &mut rows {
        let name = (row.place.clone(), row.key.clone());
        if !different.contains(&name) {
            row.text = None;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(read: Moment, key: &str, digest: &str) -> StoredRow {
        StoredRow {
            read,
            place: "tasks".to_owned(),
            key: key.to_owned(),
            digest: digest.to_owned(),
            text: Some(format!("{{\"id\":\"{key}\"}}")),
        }
    }

    #[test]
    fn only_what_differs_keeps_its_text() {
        let before = ["a", "b", "c"].map(|key| row(Moment::Before, key, "1"));
        let after = [("a", "1"), ("b", "2")].map(|(key, digest)| row(Moment::After, key, digest));
        let rows = both_readings(before.to_vec(), after.to_vec());
        let with_text: Vec<&str> = rows
            .iter()
            .filter(|row| row.text.is_some())
            .map(|row| row.key.as_str())
            .collect();
        assert_eq!(with_text, ["b", "c", "b"]);
    }

    #[test]
    fn only_state_has_masked_entries_however_their_owner_is_named() {
        for key in [
            "recurring recurring:last_pass",
            "recurring||recurring:last_pass",
        ] {
            assert!(MaskedEntry::of(key).is_some(), "{key}");
            assert!(MaskedEntry::of_row("dapr_state", key).is_some(), "{key}");
            assert_eq!(MaskedEntry::of_row("tasks", key), None);
        }
        let inbox = "recurring inbox:recurring:todo:0199b3a0";
        assert_eq!(MaskedEntry::of_row("state_entries", inbox), None);
    }

    #[test]
    fn rows_of_one_name_are_the_same_in_any_order_and_not_in_another_number() {
        let row = |digest| row(Moment::Before, "a", digest);
        let rows = [row("1"), row("2")];
        let mut pair = StoredPair {
            before: vec![&rows[0], &rows[1]],
            after: vec![&rows[1], &rows[0]],
        };
        assert!(pair.is_same());
        pair.after.push(&rows[0]);
        assert!(!pair.is_same());
    }

    #[test]
    fn what_came_again_counts_only_where_the_group_was_seen_at_the_beginning() {
        let group = |to_go_when_rewound, redelivered| ReplayedGroup {
            group: "audit".to_owned(),
            topic: "task-events".to_owned(),
            held: 7,
            to_go_when_rewound,
            redelivered,
            to_go_at_end: Some(0),
        };
        assert_eq!(group(Some(7), 7).came_again(), 7);
        assert_eq!(group(Some(7), 9).came_again(), 7);
        assert_eq!(group(Some(7), 3).came_again(), 3);
        assert_eq!(group(Some(0), 7).came_again(), 0);
        assert_eq!(group(None, 7).came_again(), 0);
    }
}
