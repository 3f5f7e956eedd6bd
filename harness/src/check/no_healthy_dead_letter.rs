use std::collections::HashSet;

use gauntlet_reports::evidence::{Finding, Violation};
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger};

/// Only planted poison is ever dead-lettered. Duplicate dead letters of poison are legal.
///
/// A dead letter keeps the accounting straight, and yet a healthy event there is a loss until
/// somebody redrives it: retry policies that count a refused connection as a failure of the event
/// park good events within a third of a second of a crash.
///
/// Examined are the lane's events and the messages read from its dead-letter topics; a topic that
/// was not read to its end leaves the claim open.
#[derive(Clone, Debug)]
pub struct NoHealthyDeadLetter {
    scope: Scope,
}

impl NoHealthyDeadLetter {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let poison: HashSet<Uuid> = record.poison.iter().copied().collect();
        let mut healthy = Collected::new("healthy dead letters");
        for letter in &record.dead_letters {
            match letter.event_id {
                Some(event_id) if poison.contains(&event_id) => {}
                Some(event_id) => healthy.add(|| Violation {
                    subject: format!("event {event_id}"),
                    what: format!("is in {} and was not planted as poison", letter.topic),
                    timeline: record.timeline_of_event(event_id, accounting),
                }),
                // Whatever it was, the load did not send it: the load sends valid events.
                None => healthy.add(|| Violation {
                    subject: format!("message in {}", letter.topic),
                    what: "cannot be read as an event".to_owned(),
                    timeline: vec![letter.raw.chars().take(RAW_SHOWN_CHARS).collect()],
                }),
            }
        }
        let events = record.events.len() as u64;
        let topics = &record.dead_letter_topics;
        let read: u64 = topics.iter().map(|topic| topic.read).sum();
        // What came to one topic while it was read does not make up for another one.
        let examined = topics.iter().map(|topic| topic.read.min(topic.held));
        let examined: u64 = examined.sum();
        let held: u64 = topics.iter().map(|topic| topic.held).sum();
        let unread = topics
            .is_empty()
            .then(|| "no dead-letter topic was read".to_owned());
        Evidence::none_tolerated(healthy)
            .examined(events + examined)
            .expected(events + held)
            .doubts(unread)
            .note(format!(
                "{read} dead letters read, {} planted as poison",
                poison.len()
            ))
    }
}

/// Enough of an unreadable message to recognise it.
const RAW_SHOWN_CHARS: usize = 500;

impl Check for NoHealthyDeadLetter {
    fn id(&self) -> &'static str {
        "no-healthy-dead-letter"
    }

    fn requirement(&self) -> &'static str {
        "SC-010"
    }

    fn claim(&self) -> String {
        "only planted poison is ever dead-lettered".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 healthy dead letters"));
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
    use crate::ledger::{DeadLetter, LaneRecord, sample};

    fn with_letter(event_id: Option<Uuid>) -> LaneRecord {
        let mut record = healthy(10);
        record.dead_letters.push(DeadLetter {
            topic: "task-events-dlq".to_owned(),
            event_id,
            raw: "{".to_owned(),
        });
        record.dead_letter_topics[0].held = 1;
        record.dead_letter_topics[0].read = 1;
        record
    }

    #[test]
    fn passes_without_dead_letters_and_with_poison_alone() {
        let check = NoHealthyDeadLetter::new(lane());
        assert_both(&judge(&check, healthy(10)), Verdict::Pass);
        let mut poisoned = with_letter(Some(sample::event_id(3)));
        poisoned.poison.push(sample::event_id(3));
        assert_both(&judge(&check, poisoned), Verdict::Pass);
    }

    #[test]
    fn planted_healthy_and_unreadable_letters_are_found() {
        let check = NoHealthyDeadLetter::new(lane());
        for event_id in [Some(sample::event_id(3)), None] {
            let finding = judge(&check, with_letter(event_id));
            assert_both(&finding, Verdict::Fail);
            assert_eq!(finding.violations.total, 1);
        }
    }

    #[test]
    fn a_topic_that_was_not_read_is_inconclusive() {
        let check = NoHealthyDeadLetter::new(lane());
        let mut unread = healthy(10);
        unread.dead_letter_topics.clear();
        assert_both(&judge(&check, unread), Verdict::Inconclusive);
        let mut half_read = healthy(10);
        half_read.dead_letter_topics[0].held = 5;
        assert_both(&judge(&check, half_read.clone()), Verdict::Inconclusive);
        // Nor does another one make up for it, of which more was read than it held at first.
        let topics = &mut half_read.dead_letter_topics;
        topics.push(topics[0].clone());
        topics[1].read = 10;
        assert_both(&judge(&check, half_read), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
