use gauntlet_reports::evidence::{Finding, Violation};

use super::evidence::{Collected, Evidence, generator_doubts};
use super::{Amount, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, Micros, OperationOutcome, Phase};

/// SC-004: from the first intended send of a burst to the commit of the last effect of one of its
/// events. Each operation of the burst must be acknowledged: 980 of 1000 are not 1000.
///
/// The clock starts with the schedule and not with the first answer, so that a system that lets
/// callers queue does not win by it. It stops at a commit, because an effect that could still be
/// rolled back has not happened. Warm-up is left out.
///
/// Does not show: how the system does when the burst is repeated at once.
#[derive(Clone, Debug)]
pub struct BurstCompleteWithin {
    scope: Scope,
    bars: Bars,
}

impl BurstCompleteWithin {
    /// The scope's minimum is the size of the burst.
    pub fn new(scope: impl Into<Scope>, bars: Bars) -> Self {
        Self {
            scope: scope.into(),
            bars,
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let mut refused = Collected::new("operations not acknowledged");
        let (mut offered, mut began_at) = (0, None::<Micros>);
        for (position, operation) in record.operations.iter().enumerate() {
            if operation.phase != Phase::Load {
                continue;
            }
            offered += 1;
            let intended_at = operation.intended_at;
            began_at = Some(began_at.map_or(intended_at, |began| began.min(intended_at)));
            if let OperationOutcome::Failed { reason } | OperationOutcome::Unknown { reason } =
                &operation.outcome
            {
                refused.add(|| Violation {
                    subject: format!("operation {position}"),
                    what: format!("{:?} was not acknowledged: {reason}", operation.key),
                    timeline: record.timeline_of_operation(position, accounting),
                });
            }
        }
        let done: Vec<Micros> = view
            .pairs_of(Phase::Load)
            .map(|(effect, _)| effect.at())
            .collect();
        // No effect at all leaves no time to measure, and no pass.
        let mut evidence = Evidence::default();
        if let (Some(began_at), Some(&ended_at)) = (began_at, done.iter().max()) {
            evidence = Evidence::measured(ended_at.since(began_at));
        }
        evidence
            .broken_by(refused)
            .examined(done.len() as u64)
            .expected(offered * record.consumers.len() as u64)
            .doubts(generator_doubts(record))
    }
}

impl Check for BurstCompleteWithin {
    fn id(&self) -> &'static str {
        "burst-complete-within"
    }

    fn requirement(&self) -> &'static str {
        "SC-004"
    }

    fn claim(&self) -> String {
        let size = Amount::count(self.scope.minimum(), "concurrent creates");
        format!("{size} are as many effects, all within the bar")
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        self.scope
            .judge(self, ledger, &self.bars, "last effect", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::Bar;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane, measured,
    };

    /// 100 operations at 200/s, the last effect 9 ms after its intended send: 504 ms.
    const SIZE: usize = 100;

    fn check() -> BurstCompleteWithin {
        let bars = Bars::new(
            Bar::at_most(Duration::from_secs(10)),
            Bar::at_most(Duration::from_secs(2)),
        );
        BurstCompleteWithin::new(Scope::lane(lane()).at_least(SIZE as u64), bars)
    }

    #[test]
    fn passes_when_the_last_effect_is_in_time() {
        let finding = judge(&check(), healthy(SIZE));
        assert_both(&finding, Verdict::Pass);
        assert_eq!(measured(&finding), "504 ms");
        assert_eq!(finding.ours.bar, "last effect ≤ 2 s");
    }

    #[test]
    fn planted_late_effect_misses_ours_then_both() {
        let mut record = healthy(SIZE);
        let began_at = record.began_at();
        record.effects[7].committed_at = Some(began_at.after(Duration::from_millis(2_500)));
        let finding = judge(&check(), record.clone());
        assert_eq!(finding.asked.verdict, Verdict::Pass);
        assert_eq!(finding.ours.verdict, Verdict::Fail);
        assert_eq!(finding.ours.missed_by.as_deref(), Some("500 ms over (25%)"));
        record.effects[7].committed_at = Some(began_at.after(Duration::from_secs(11)));
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn planted_refusal_fails_however_fast_the_rest_was() {
        let mut record = healthy(SIZE);
        record.operations[3].outcome = OperationOutcome::Failed {
            reason: "503".to_owned(),
        };
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn a_missing_effect_leaves_the_end_open() {
        let mut record = healthy(SIZE);
        record.effects.pop();
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn warm_up_is_not_part_of_the_burst() {
        let mut record = healthy(SIZE + 1);
        record.operations[0].phase = Phase::WarmUp;
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Pass);
        assert_eq!(
            (finding.examined, measured(&finding).as_str()),
            (100, "504 ms")
        );
    }

    #[test]
    fn a_late_generator_is_inconclusive() {
        let mut record = healthy(SIZE);
        record.generator.as_mut().unwrap().late = 2;
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn a_smaller_burst_is_inconclusive() {
        assert_both(&judge(&check(), healthy(SIZE - 1)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
