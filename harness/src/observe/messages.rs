use serde_json::json;

use crate::component::digest::sha256_hex;
use crate::ledger::{AuditMessage, LaneRecord, Moment, Offset, StoredRow};

/// What a reading of a lane says of its topics: each message of the audit trail's and each dead letter by
/// its id, and of the topics that are consumed how far they reach.
pub fn messages(seen: &LaneRecord, moment: Moment) -> Vec<StoredRow> {
    let trail = seen.audit_topics.first();
    let trail = trail.map_or("audit-logs", |topic| topic.topic.as_str());
    let told = seen.audit_messages.iter().map(|message| {
        let id = match message {
            AuditMessage::Told(told) => Some(told.event_id.to_string()),
            AuditMessage::Broken { .. } => None,
        };
        row(moment, trail, id, json!(message).to_string())
    });
    let dead = seen.dead_letters.iter().map(|letter| {
        let id = letter.event_id.map(|id| id.to_string());
        row(moment, &letter.topic, id, letter.raw.clone())
    });
    let ends = seen.offsets.iter().map(|offset| {
        let (topic, place, end) = match offset {
            Offset::Partition {
                topic,
                partition,
                start,
                end,
                ..
            } => (
                topic,
                format!("partition {partition}"),
                json!({"start": start, "end": end}),
            ),
            Offset::Stream { stream, length, .. } => {
                (stream, "stream".to_owned(), json!({"length": length}))
            }
        };
        row(moment, topic, Some(place), end.to_string())
    });
    told.chain(dead).chain(ends).collect()
}

/// What has no id is known by what it holds.
fn row(read: Moment, topic: &str, key: Option<String>, text: String) -> StoredRow {
    let digest = sha256_hex(text.as_bytes());
    StoredRow {
        read,
        place: format!("topic {topic}"),
        key: key.unwrap_or_else(|| digest.clone()),
        digest,
        text: Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{DeadLetter, both_readings, sample, stored_pairs};

    fn changed(spoil: impl FnOnce(&mut LaneRecord)) -> Vec<String> {
        let mut seen = sample::lane("dapr-kafka", 3);
        let before = messages(&seen, Moment::Before);
        spoil(&mut seen);
        let rows = both_readings(before, messages(&seen, Moment::After));
        let pairs = stored_pairs(&rows).into_iter();
        let changed = pairs.filter(|(_, pair)| !pair.is_same());
        changed
            .map(|((place, key), _)| format!("{place}: {key}"))
            .collect()
    }

    #[test]
    fn the_same_messages_are_the_same_rows() {
        assert_eq!(changed(|_| ()), [""; 0]);
        assert_eq!(changed(|seen| seen.audit_messages.reverse()), [""; 0]);
    }

    #[test]
    fn planted_second_publication_is_seen_under_its_id() {
        let again = changed(|seen| {
            let first = seen.audit_messages[0].clone();
            seen.audit_messages.push(first);
        });
        let id = sample::audit_event_id(0);
        assert_eq!(again, [format!("topic audit-logs: {id}")]);
    }

    #[test]
    fn planted_dead_letters_and_longer_topics_are_seen() {
        let id = sample::event_id(7);
        let parked = changed(|seen| {
            seen.dead_letters.push(DeadLetter {
                topic: "task-events-dlq".to_owned(),
                event_id: Some(id),
                raw: String::new(),
            });
        });
        assert_eq!(parked, [format!("topic task-events-dlq: {id}")]);
        let longer = changed(|seen| {
            if let Some(Offset::Partition { end, .. }) = seen.offsets.first_mut() {
                *end += 1;
            }
        });
        assert_eq!(longer, ["topic task-events: partition 0"]);
    }
}
