use std::collections::{HashMap, HashSet};

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{AuditMessage, AuditOutboxRow, Effect, LaneRecord, LaneView, Ledger, ToldLine};

/// Each line of the audit trail has exactly one event on `audit-logs`, which tells it as it stands, and
/// the topic holds nothing else.
///
/// Looked at from both ends. The outbox of the trail has a row for each line and none besides, all sent;
/// and what the topic holds, read from its beginning to its end, has for each row at least one message and
/// none with an event of another id. The same message twice is a delivery that was repeated, which a
/// broker may do, and is counted in the note; it has to say the same to the last character, but for the spans
/// of its attempt.
///
/// Does not show: the states within a message, which a test of the system compares byte by byte with what
/// the query of the trail answers.
#[derive(Clone, Debug)]
pub struct AuditLogsComplete {
    scope: Scope,
}

/// Whose effects are lines of the trail.
const AUDIT: &str = "audit";

impl AuditLogsComplete {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let mut wrong = Collected::new("lines not published once");
        let trail = Trail::of(record, &mut wrong);
        let messages = trail.compare_messages(record, &mut wrong);
        trail.find_silence(view, &messages.told, &mut wrong);
        let lines = trail.lines.len() as u64;
        Evidence::none_tolerated(wrong)
            .examined(lines)
            .expected(lines)
            .doubts(unread(record))
            .note(format!(
                "{} on the topic, {} of them repeated",
                format::plural(record.audit_messages.len() as u64, "message"),
                format::count(messages.repeated)
            ))
    }
}

/// The lines, and the rows that they are published from, by number.
struct Trail<'a> {
    lines: HashMap<i64, &'a Effect>,
    outbox: HashMap<i64, &'a AuditOutboxRow>,
}

#[derive(Default)]
struct Messages {
    /// Numbers of the lines that some message tells.
    told: HashSet<i64>,
    repeated: u64,
}

impl<'a> Trail<'a> {
    fn of(record: &'a LaneRecord, wrong: &mut Collected) -> Self {
        let lines = record.effects.iter();
        let lines = lines.filter(|effect| effect.consumer == AUDIT);
        let lines: HashMap<_, _> = lines.map(|line| (line.seq, line)).collect();
        let mut outbox = HashMap::with_capacity(record.audit_outbox.len());
        for row in &record.audit_outbox {
            let of_line = lines.get(&row.seq);
            if outbox.insert(row.seq, row).is_some() {
                wrong.add(|| about(row.seq, "is in the outbox of the trail twice".to_owned()));
            } else if of_line.is_none_or(|line| line.task_id != row.entity_id) {
                let what = "is in the outbox of the trail, and not in the trail";
                wrong.add(|| about(row.seq, what.to_owned()));
            }
        }
        Self { lines, outbox }
    }

    fn compare_messages(&self, record: &LaneRecord, wrong: &mut Collected) -> Messages {
        let mut messages = Messages::default();
        let mut seen: HashMap<Uuid, &ToldLine> = HashMap::new();
        for message in &record.audit_messages {
            match message {
                AuditMessage::Told(told) => {
                    if let Some(first) = seen.insert(told.event_id, told) {
                        messages.repeated += 1;
                        if first != told {
                            let what = "is told again by its event, and otherwise";
                            wrong.add(|| about(told.seq, what.to_owned()));
                        }
                        continue;
                    }
                    messages.told.insert(told.seq);
                    if let Err(what) = self.compare(told) {
                        wrong.add(|| about(told.seq, what));
                    }
                }
                AuditMessage::Broken { fault, raw } => wrong.add(|| Violation {
                    subject: "message".to_owned(),
                    what: format!("tells of no line: {fault}"),
                    timeline: vec![raw.chars().take(RAW_SHOWN_CHARS).collect()],
                }),
            }
        }
        messages
    }

    /// Says what does not agree.
    fn compare(&self, told: &ToldLine) -> Result<(), String> {
        let Some(line) = self.lines.get(&told.seq) else {
            return Err("is told of, and not in the trail".to_owned());
        };
        if let Some(row) = self.outbox.get(&told.seq) {
            if row.event_id != told.event_id {
                return Err(format!(
                    "is told by another event than its own, {}",
                    told.event_id
                ));
            }
            let stands = (row.entity, row.user_id);
            let is_told = (Some(told.entity), told.user_id);
            // A ledger from before these were kept has neither.
            if row.entity.is_some() && stands != is_told {
                return Err(format!("stands as {stands:?}, and is told as {is_told:?}"));
            }
        }
        let stands = (line.event_id, line.task_id, line.version, &line.action);
        let is_told = (
            told.recorded_event_id,
            told.entity_id,
            told.version,
            &told.action,
        );
        if stands == is_told {
            Ok(())
        } else {
            Err(format!("stands as {stands:?}, and is told as {is_told:?}"))
        }
    }

    /// Lines that were not published, or not so that anybody could read them.
    fn find_silence(&self, view: LaneView<'_>, told: &HashSet<i64>, wrong: &mut Collected) {
        let record = view.record();
        for line in record.effects.iter().filter(|it| it.consumer == AUDIT) {
            let what = match self.outbox.get(&line.seq) {
                None => "is not in the outbox of the trail",
                Some(row) if row.sent_at.is_none() => "was never sent",
                Some(_) if !told.contains(&line.seq) => "was sent, and is not on the topic",
                Some(_) => continue,
            };
            wrong.add(|| Violation {
                timeline: record.timeline_of_event(line.event_id, view.accounting()),
                ..about(line.seq, what.to_owned())
            });
        }
    }
}

/// Enough of a broken message to recognise it.
const RAW_SHOWN_CHARS: usize = 500;

fn about(seq: i64, what: String) -> Violation {
    Violation {
        subject: format!("line {seq}"),
        what,
        timeline: Vec::new(),
    }
}

fn unread(record: &LaneRecord) -> Option<String> {
    let topics = &record.audit_topics;
    if topics.is_empty() {
        return Some("the topic was not read".to_owned());
    }
    let held: u64 = topics.iter().map(|topic| topic.held).sum();
    let read = topics.iter().map(|topic| topic.read.min(topic.held));
    let read: u64 = read.sum();
    (read < held).then(|| {
        let (read, held) = (format::count(read), format::count(held));
        format!("only {read} of the {held} messages on the topic were read")
    })
}

impl Check for AuditLogsComplete {
    fn id(&self) -> &'static str {
        "audit-logs-complete"
    }

    fn requirement(&self) -> &'static str {
        "E1"
    }

    fn claim(&self) -> String {
        "every line of the audit trail is published, once and as it stands".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 lines not published once"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::EntityKind;

    fn check() -> AuditLogsComplete {
        AuditLogsComplete::new(lane())
    }

    #[track_caller]
    fn assert_found(record: LaneRecord, what: &str) {
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1, "{finding:#?}");
        let found = &finding.violations.shown[0].what;
        assert!(found.contains(what), "{found}");
    }

    fn told(record: &mut LaneRecord, position: usize) -> &mut ToldLine {
        match &mut record.audit_messages[position] {
            AuditMessage::Told(told) => told,
            AuditMessage::Broken { .. } => panic!("the sample's messages are whole"),
        }
    }

    #[test]
    fn passes_on_one_event_a_line_however_often_it_was_delivered() {
        let mut record = healthy(10);
        assert_both(&judge(&check(), record.clone()), Verdict::Pass);
        record.audit_messages.reverse();
        record.audit_messages.push(record.audit_messages[3].clone());
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Pass);
        let note = finding.note.unwrap();
        assert_eq!(note, "11 messages on the topic, 1 of them repeated");
    }

    #[test]
    fn planted_line_that_was_not_published_is_found() {
        let mut record = healthy(10);
        record.audit_outbox.remove(3);
        record.audit_messages.remove(3);
        assert_found(record, "not in the outbox of the trail");
        let mut record = healthy(10);
        record.audit_outbox[3].sent_at = None;
        record.audit_messages.remove(3);
        assert_found(record, "never sent");
        let mut record = healthy(10);
        record.audit_messages.remove(3);
        assert_found(record, "not on the topic");
    }

    #[test]
    fn planted_second_event_of_a_line_is_found() {
        let mut record = healthy(10);
        record.audit_messages.push(record.audit_messages[3].clone());
        told(&mut record, 10).event_id = Uuid::from_u128(1);
        assert_found(record, "another event than its own");
        let mut record = healthy(10);
        record.audit_outbox.push(record.audit_outbox[3].clone());
        assert_found(record, "twice");
    }

    #[test]
    fn planted_repetition_that_says_something_else_is_found() {
        let slips: [fn(&mut ToldLine); 2] = [
            |told| told.version = 2,
            // What is read of it is the same, and it is not.
            |told| told.digest = Some("another".to_owned()),
        ];
        for slip in slips {
            let mut record = healthy(10);
            record.audit_messages.push(record.audit_messages[3].clone());
            slip(told(&mut record, 10));
            assert_found(record, "told again by its event");
        }
    }

    #[test]
    fn planted_event_of_no_line_is_found() {
        let mut record = healthy(10);
        record.audit_messages.push(record.audit_messages[3].clone());
        let invented = told(&mut record, 10);
        (invented.seq, invented.event_id) = (99, Uuid::from_u128(1));
        assert_found(record, "told of, and not in the trail");
        let mut record = healthy(10);
        let mut row = record.audit_outbox[3].clone();
        row.seq = 99;
        record.audit_outbox.push(row);
        assert_found(record, "and not in the trail");
        let mut record = healthy(10);
        record.audit_messages.push(AuditMessage::read(b"{}"));
        assert_found(record, "tells of no line");
    }

    #[test]
    fn planted_line_that_is_told_otherwise_is_found() {
        let slips: [fn(&mut ToldLine); 6] = [
            |told| told.version = 2,
            |told| told.action = "deleted".to_owned(),
            |told| told.entity_id = Uuid::from_u128(1),
            |told| told.recorded_event_id = Uuid::from_u128(1),
            |told| told.entity = EntityKind::Tag,
            |told| told.user_id = Some(Uuid::from_u128(1)),
        ];
        for slip in slips {
            let mut record = healthy(10);
            slip(told(&mut record, 3));
            assert_found(record, "stands as");
        }
    }

    #[test]
    fn a_topic_that_was_not_read_to_its_end_is_inconclusive() {
        let mut record = healthy(10);
        record.audit_topics.clear();
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
        let mut record = healthy(10);
        record.audit_topics[0].held = 12;
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
        // Nor does another one make up for it, of which more was read than it held at first.
        let mut record = healthy(10);
        record.audit_topics[0].held = 12;
        record.audit_topics.push(record.audit_topics[0].clone());
        record.audit_topics[1].read = 14;
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
