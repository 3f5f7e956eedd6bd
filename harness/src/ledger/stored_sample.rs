//! A lane that was replayed and in which nothing changed, for tests that spoil it.

use super::{LaneRecord, Moment, ReplayedGroup, StoredRow};

/// Messages of each topic of [`replay`].
pub(crate) const HELD: u64 = 3;
/// Where [`replay`] has rows, each with as many as there are messages.
pub(crate) const PLACES: [&str; 2] = ["audit_log", "state_entries"];

/// Two groups read everything once more, and every row stayed as it was.
pub(crate) fn replay(record: &mut LaneRecord) {
    for (group, topic) in [("audit", "task-events"), ("recurring", "task-recurrence")] {
        record.replayed.push(ReplayedGroup {
            group: group.to_owned(),
            topic: topic.to_owned(),
            held: HELD,
            to_go_when_rewound: Some(HELD),
            redelivered: HELD,
            to_go_at_end: Some(0),
        });
    }
    for read in [Moment::Before, Moment::After] {
        for place in PLACES {
            for number in 0..HELD {
                let row = row(read, place, &number.to_string(), "1");
                record.stored.push(row);
            }
        }
    }
}

pub(crate) fn row(read: Moment, place: &str, key: &str, digest: &str) -> StoredRow {
    StoredRow {
        read,
        place: place.to_owned(),
        key: key.to_owned(),
        digest: digest.to_owned(),
        text: None,
    }
}
