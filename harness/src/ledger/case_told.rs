//! What the topic `audit-logs` told of the users of a case.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::{AuditMessage, CaseRecord, EffectRow, LaneRecord, ToldLine};

/// The name that messages have among a case's rows.
const TOPIC: &str = "audit-logs";

/// The cases of a lane with a row for each message about one of their users. A message that was delivered
/// twice is one, as long as it says the same; a case whose rows were not read has none of these either.
pub fn cases_as_told(record: &LaneRecord) -> Vec<CaseRecord> {
    let mut seen = HashSet::new();
    let mut of_user: HashMap<Uuid, Vec<&ToldLine>> = HashMap::new();
    for message in &record.audit_messages {
        if let AuditMessage::Told(told) = message
            && let Some(user) = told.user_id
            && seen.insert(told)
        {
            of_user.entry(user).or_default().push(told);
        }
    }
    let cases = record.cases.iter().cloned();
    cases
        .map(|mut case| {
            if let Some(rows) = &mut case.rows {
                let told = case.users.iter().filter_map(|user| of_user.get(user));
                rows.extend(told.flatten().map(|told| row(told)));
            }
            case
        })
        .collect()
}

fn row(told: &ToldLine) -> EffectRow {
    // Ids and times are in it, which each lane draws by itself.
    let told = ToldLine {
        digest: None,
        ..told.clone()
    };
    EffectRow {
        table: TOPIC.to_owned(),
        // A struct of names and numbers always encodes.
        row: serde_json::to_value(told).unwrap_or(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::case_sample::lane_of_cases;
    use crate::ledger::{first_difference, mask};

    fn told(lane: &str) -> LaneRecord {
        lane_of_cases(lane, &["a", "b"])
    }

    fn second_case(record: &LaneRecord) -> Vec<crate::ledger::MaskedLine> {
        mask(&cases_as_told(record)[1])
    }

    #[test]
    fn each_case_has_the_messages_about_its_users_once() {
        let mut record = told("direct-redis");
        record.audit_messages.push(record.audit_messages[1].clone());
        let lines = second_case(&record);
        assert_eq!(lines, second_case(&told("dapr-kafka")));
        let messages = lines.iter().filter(|line| line.table() == Some(TOPIC));
        assert_eq!(messages.count(), 1);
    }

    #[test]
    fn planted_message_that_one_lane_has_not_or_tells_otherwise_is_seen() {
        let reference = second_case(&told("dapr-kafka"));
        let spoils: [fn(&mut LaneRecord); 3] = [
            |record| drop(record.audit_messages.remove(1)),
            |record| {
                let mut again = record.audit_messages[1].clone();
                if let AuditMessage::Told(told) = &mut again {
                    told.digest = Some("another".to_owned());
                }
                record.audit_messages.push(again);
            },
            |record| {
                if let AuditMessage::Told(told) = &mut record.audit_messages[1] {
                    told.action = "deleted".to_owned();
                }
            },
        ];
        for spoil in spoils {
            let mut record = told("direct-redis");
            spoil(&mut record);
            let difference = first_difference(&reference, &second_case(&record)).unwrap();
            assert!(difference.place.contains(TOPIC), "{difference:?}");
        }
    }
}
