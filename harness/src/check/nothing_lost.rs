use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;

use super::amount::real;
use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger};

/// The accounting identity: each acknowledged operation ends as an effect, as a dead letter, or
/// dropped on purpose, and each task stands at the version that was acknowledged.
///
/// An inbox row that says *done* does not place an event: a consumer that marks first and works
/// later would look perfect. Only the effect itself counts. Each loss comes with its whole
/// timeline, because "1 of 100,000" without a trail cannot be mended.
///
/// Does not show: losses of stores that were healthy throughout but would lose on a crash of the
/// host. The bound in the note is about this run's kind of run alone.
#[derive(Clone, Debug)]
pub struct NothingLost {
    scope: Scope,
}

impl NothingLost {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let mut lost = Collected::new("lost");
        for operation in accounting.unplaced() {
            lost.add(|| Violation {
                subject: format!("operation {operation}"),
                what: format!(
                    "{:?} was acknowledged, and is neither effect nor dead letter nor dropped",
                    record.operations[operation].key
                ),
                timeline: record.timeline_of_operation(operation, accounting),
            });
        }
        for change in &accounting.lost_changes {
            lost.add(|| Violation {
                subject: format!("task {}", change.task_id),
                what: match change.stands_at {
                    Some(version) => format!(
                        "stands at version {version}, {} was acknowledged",
                        change.acknowledged
                    ),
                    None => format!("is gone, version {} was acknowledged", change.acknowledged),
                },
                timeline: record.timeline_of_version(change.task_id, change.acknowledged),
            });
        }
        // What was acknowledged is examined in full by construction; a run that acknowledged too
        // little to claim anything is caught by the scope's minimum.
        let identity = accounting.identity;
        let note = bound(lost.total(), identity.acknowledged);
        let parts = format!(
            "{} acknowledged = {} effects + {} dead-lettered + {} dropped on purpose + {} unplaced",
            identity.acknowledged,
            identity.effects,
            identity.dead_lettered,
            identity.dropped,
            identity.unplaced
        );
        Evidence::none_tolerated(lost)
            .examined(identity.acknowledged)
            .expected(identity.acknowledged)
            .note(note)
            .note(parts)
    }
}

/// Zero losses do not show that none are possible: by the rule of three, the true rate is below
/// 3/N with 95 % confidence.
fn bound(lost: u64, acknowledged: u64) -> String {
    let of = format::count(acknowledged);
    if lost > 0 || acknowledged == 0 {
        return format!("{} of {of} lost", format::count(lost));
    }
    let percent = format::number(300.0 / real(acknowledged));
    format!("0 of {of} lost, 95% bound 3/{of} = {percent}%")
}

impl Check for NothingLost {
    fn id(&self) -> &'static str {
        "nothing-lost"
    }

    fn requirement(&self) -> &'static str {
        "H4"
    }

    fn claim(&self) -> String {
        "every acknowledged change reaches its effect or is accounted for".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        self.scope.judge(
            self,
            ledger,
            &Bars::both(Bar::Stated("0 lost")),
            "",
            Self::search,
        )
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{OperationOutcome, sample};

    fn check() -> NothingLost {
        NothingLost::new(lane())
    }

    #[test]
    fn passes_when_all_is_placed_and_says_how_sure_that_is() {
        let finding = judge(&check(), healthy(1_000));
        assert_both(&finding, Verdict::Pass);
        let note = finding.note.unwrap();
        assert!(
            note.starts_with("0 of 1,000 lost, 95% bound 3/1,000 = 0.3%"),
            "{note}"
        );
    }

    #[test]
    fn planted_loss_of_an_effect_is_found_with_its_timeline() {
        let mut record = healthy(10);
        record.effects.remove(4);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
        let violation = &finding.violations.shown[0];
        assert_eq!(violation.subject, "operation 4");
        let event = sample::event_id(4).to_string();
        assert!(violation.timeline.iter().any(|line| line.contains(&event)));
        assert_eq!(finding.asked.missed_by.as_deref(), Some("1 lost"));
    }

    #[test]
    fn planted_loss_of_the_event_itself_is_found() {
        let mut record = healthy(10);
        record.effects.remove(4);
        record.events.remove(4);
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn planted_missing_row_and_older_row_are_found() {
        let mut record = healthy(10);
        record.tasks.remove(3);
        record.tasks[5].version = 0;
        let finding = judge(&check(), record);
        assert_eq!(finding.violations.total, 2);
        assert_both(&finding, Verdict::Fail);
    }

    #[test]
    fn planted_second_acknowledgement_of_one_version_is_a_lost_change() {
        let mut record = healthy(3);
        let twice = OperationOutcome::Ok {
            task_id: sample::task_id(0),
            version: 1,
        };
        record.operations[1].outcome = twice;
        record.operations[1].kind = crate::ledger::OperationKind::Update;
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn too_few_acknowledged_are_inconclusive() {
        let check = NothingLost::new(Scope::lane(lane()).at_least(11));
        let finding = judge(&check, healthy(10));
        assert_both(&finding, Verdict::Inconclusive);
        assert!(finding.note.unwrap().contains("examined 10 of 11 expected"));
    }

    #[test]
    fn nothing_is_inconclusive() {
        assert_inconclusive_on_nothing(&check());
    }
}
