use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, Placement, UnknownFate};

/// An operation without an answer may have taken effect or not, but never by half: a row without
/// its event, an event without its row, or an event that ends nowhere.
///
/// A client that timed out may try again or give up, and both are right only if the first attempt
/// is a whole thing. This is what the one transaction of row and outbox promises.
///
/// Examined are all operations, so that a run in which every answer came is a pass and not a void, and its
/// note says that nothing had to be settled. A scenario whose claim is about unanswered requests says how
/// many it needs, and with fewer the check is inconclusive.
#[derive(Clone, Debug)]
pub struct UnknownsSettled {
    scope: Scope,
    /// Nothing where the scenario's claim is not about them.
    unanswered: u64,
}

impl UnknownsSettled {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
            unanswered: 0,
        }
    }

    /// With fewer operations that got no answer the check is inconclusive.
    #[must_use]
    pub fn of_unanswered(self, at_least: u64) -> Self {
        Self {
            unanswered: at_least,
            ..self
        }
    }

    fn search(view: LaneView<'_>, wanted: u64) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let mut half = Collected::new("half-done operations");
        for (operation, placement) in accounting.placements.iter().enumerate() {
            if let Placement::Unknown {
                fate: UnknownFate::Half,
                ..
            } = placement
            {
                half.add(|| Violation {
                    subject: format!("operation {operation}"),
                    what: format!(
                        "{:?} got no answer and is done by half",
                        record.operations[operation].key
                    ),
                    timeline: record.timeline_of_operation(operation, accounting),
                });
            }
        }
        let identity = accounting.identity;
        let (done, not_done) = (identity.unknown_took_effect, identity.unknown_did_not);
        let unanswered = done + not_done + half.total();
        let note = match unanswered {
            0 => "every operation was answered: nothing had to be settled".to_owned(),
            _ => format!("unanswered: {done} took effect, {not_done} did not"),
        };
        let too_few = (unanswered < wanted).then(|| {
            let (unanswered, wanted) = (format::count(unanswered), format::count(wanted));
            format!("only {unanswered} of the {wanted} unanswered operations that a verdict needs")
        });
        let operations = record.operations.len() as u64;
        Evidence::none_tolerated(half)
            .examined(operations)
            .expected(operations)
            .doubts(too_few)
            .note(note)
    }
}

impl Check for UnknownsSettled {
    fn id(&self) -> &'static str {
        "unknowns-settled"
    }

    fn requirement(&self) -> &'static str {
        "H4"
    }

    fn claim(&self) -> String {
        "a change that got no answer is wholly done or wholly not done".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 half-done operations"));
        self.scope.judge(self, ledger, &bars, "", |view| {
            Self::search(view, self.unanswered)
        })
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{LaneRecord, OperationKind, OperationOutcome, sample};

    fn with_unanswered(position: usize) -> LaneRecord {
        let mut record = healthy(10);
        record.operations[position].outcome = OperationOutcome::Unknown {
            reason: "timeout".to_owned(),
        };
        record
    }

    #[test]
    fn passes_when_each_is_settled_either_way() {
        let check = UnknownsSettled::new(lane());
        let done = judge(&check, with_unanswered(3));
        assert_both(&done, Verdict::Pass);
        assert_eq!(
            done.note.as_deref(),
            Some("unanswered: 1 took effect, 0 did not")
        );
        let mut record = with_unanswered(3);
        record.effects.remove(3);
        record.events.remove(3);
        record.tasks.remove(3);
        let not_done = judge(&check, record);
        assert_both(&not_done, Verdict::Pass);
        assert_eq!(
            not_done.note.as_deref(),
            Some("unanswered: 0 took effect, 1 did not")
        );
    }

    #[test]
    fn a_claim_about_unanswered_operations_needs_some() {
        let check = UnknownsSettled::new(lane()).of_unanswered(2);
        let all_answered = judge(&check, healthy(10));
        assert_both(&all_answered, Verdict::Inconclusive);
        let note = all_answered.note.unwrap();
        assert_eq!(
            note,
            "only 0 of the 2 unanswered operations that a verdict needs; \
             every operation was answered: nothing had to be settled"
        );
        let mut record = with_unanswered(3);
        assert_both(&judge(&check, record.clone()), Verdict::Inconclusive);
        record.operations[5].outcome = record.operations[3].outcome.clone();
        assert_both(&judge(&check, record), Verdict::Pass);
        let any = UnknownsSettled::new(lane());
        assert_both(&judge(&any, healthy(10)), Verdict::Pass);
    }

    #[test]
    fn planted_half_done_operation_is_a_fail_however_few_there_are() {
        let mut record = with_unanswered(3);
        record.effects.remove(3);
        let check = UnknownsSettled::new(lane()).of_unanswered(2);
        assert_both(&judge(&check, record), Verdict::Fail);
    }

    #[test]
    fn planted_event_without_effect_is_found() {
        let mut record = with_unanswered(3);
        record.effects.remove(3);
        assert_both(&judge(&UnknownsSettled::new(lane()), record), Verdict::Fail);
    }

    #[test]
    fn planted_row_without_event_is_found() {
        let mut record = with_unanswered(3);
        record.effects.remove(3);
        record.events.remove(3);
        let finding = judge(&UnknownsSettled::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
    }

    #[test]
    fn planted_event_that_the_row_does_not_show_is_found() {
        let mut record = healthy(10);
        let before = record.tasks.clone();
        sample::change(&mut record, 3, OperationKind::Update);
        record.operations[10].outcome = OperationOutcome::Unknown {
            reason: "timeout".to_owned(),
        };
        let check = UnknownsSettled::new(lane());
        assert_both(&judge(&check, record.clone()), Verdict::Pass);
        record.tasks = before;
        let finding = judge(&check, record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
    }

    #[test]
    fn too_few_operations_are_inconclusive() {
        let check = UnknownsSettled::new(Scope::lane(lane()).at_least(11));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
