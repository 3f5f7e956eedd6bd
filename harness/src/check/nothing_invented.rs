use gauntlet_reports::evidence::{Finding, Violation};

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Accounting, Intrusion, LaneRecord, LaneView, Ledger};

/// Each event, effect and task row goes back to an operation that was acknowledged or unknown, to a series
/// that such an operation began, or to what the scenario says it changed by itself. A series creates no
/// instance twice.
///
/// Loss is what people look for; its mirror image is as bad and easier to miss. A refused request
/// that was written all the same, a second event for one version, or an effect of an event that no
/// outbox holds would each be invisible to a check that only follows what was acknowledged.
///
/// Does not show: changes that were made and undone again before the stores were read.
#[derive(Clone, Debug)]
pub struct NothingInvented {
    scope: Scope,
}

impl NothingInvented {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let mut invented = Collected::new("rows that nobody asked for");
        for &intrusion in &accounting.intrusions {
            invented.add(|| describe(intrusion, record, accounting));
        }
        // The ledger cannot know of more rows than it holds; a scenario that does says so by its
        // scope's minimum.
        let rows = record.events.len() + record.effects.len() + record.tasks.len();
        Evidence::none_tolerated(invented)
            .examined(rows as u64)
            .expected(rows as u64)
    }
}

fn describe(intrusion: Intrusion, record: &LaneRecord, accounting: &Accounting) -> Violation {
    match intrusion {
        Intrusion::Event { event } => {
            let event = &record.events[event];
            Violation {
                subject: format!("event {}", event.event_id),
                what: format!("nobody asked for {}", event.names()),
                timeline: record.timeline_of_event(event.event_id, accounting),
            }
        }
        Intrusion::FailedTookEffect { operation } => Violation {
            subject: format!("operation {operation}"),
            what: format!(
                "{:?} was refused and took effect",
                record.operations[operation].key
            ),
            timeline: record.timeline_of_operation(operation, accounting),
        },
        Intrusion::Effect { effect } => {
            let effect = &record.effects[effect];
            Violation {
                subject: format!("effect {} of {}", effect.seq, effect.consumer),
                what: format!("event {} is in no outbox, or owes it none", effect.event_id),
                timeline: record.timeline_of_event(effect.event_id, accounting),
            }
        }
        Intrusion::Task { task } => {
            let row = &record.tasks[task];
            Violation {
                subject: format!("task {}", row.task_id),
                what: format!(
                    "{:?} was not asked for as version {}",
                    row.title, row.version
                ),
                timeline: record.timeline_of_version(row.task_id, row.version),
            }
        }
    }
}

impl Check for NothingInvented {
    fn id(&self) -> &'static str {
        "nothing-invented"
    }

    fn requirement(&self) -> &'static str {
        "H4"
    }

    fn claim(&self) -> String {
        "nothing is stored or takes effect that nobody asked for".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 rows that nobody asked for"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;
    use uuid::Uuid;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{EventKind, OperationKind, OperationOutcome, sample};

    #[track_caller]
    fn assert_found(record: LaneRecord, subject: &str) {
        let finding = judge(&NothingInvented::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1, "{:#?}", finding.violations);
        assert!(finding.violations.shown[0].subject.starts_with(subject));
    }

    #[test]
    fn passes_when_each_row_was_asked_for() {
        assert_both(
            &judge(&NothingInvented::new(lane()), healthy(10)),
            Verdict::Pass,
        );
    }

    #[test]
    fn planted_second_event_of_a_version_is_found() {
        let mut record = healthy(10);
        let mut second = record.events[3].clone();
        second.event_id = Uuid::from_u128(1);
        record.events.push(second);
        assert_found(record, "event ");
    }

    #[test]
    fn planted_tag_that_nobody_made_is_found() {
        let mut record = healthy(10);
        let mut tag = record.events[3].clone();
        (tag.event_id, tag.task_id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        tag.kind = Some(EventKind::TagCreated);
        record.events.push(tag);
        assert_found(record.clone(), "event ");
        record.besides = vec![Uuid::from_u128(2)];
        let finding = judge(&NothingInvented::new(lane()), record);
        assert_both(&finding, Verdict::Pass);
    }

    #[test]
    fn planted_effect_without_event_is_found() {
        let mut record = healthy(10);
        let mut stray = record.effects[3].clone();
        stray.event_id = Uuid::from_u128(1);
        record.effects.push(stray);
        assert_found(record, "effect ");
    }

    #[test]
    fn planted_task_row_is_found() {
        let mut record = healthy(10);
        let mut stray = record.tasks[3].clone();
        stray.task_id = Uuid::from_u128(1);
        "nobody's".clone_into(&mut stray.title);
        record.tasks.push(stray);
        assert_found(record, "task ");
    }

    /// The dual write that an outbox is to prevent: the row was changed, and nobody was told.
    #[test]
    fn planted_row_changed_without_an_event_is_found() {
        let mut record = healthy(10);
        sample::change(&mut record, 3, OperationKind::Complete);
        record.operations[10].outcome = OperationOutcome::Failed {
            reason: "409".to_owned(),
        };
        record.events.pop();
        record.effects.pop();
        assert_found(record, "task ");
    }

    #[test]
    fn planted_effect_of_a_refused_operation_is_found() {
        let mut record = healthy(10);
        record.operations[3].outcome = OperationOutcome::Failed {
            reason: "422".to_owned(),
        };
        assert_found(record, "operation 3");
    }

    #[test]
    fn planted_effect_of_a_consumer_that_owes_none_is_found() {
        let mut record = healthy(10);
        let mut stray = record.effects[3].clone();
        "stranger".clone_into(&mut stray.consumer);
        record.effects.push(stray);
        assert_found(record, "effect ");
    }

    #[test]
    fn too_few_rows_are_inconclusive() {
        let check = NothingInvented::new(Scope::lane(lane()).at_least(31));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
