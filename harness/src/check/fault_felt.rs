use std::time::Duration;

use gauntlet_reports::evidence::Finding;

use super::evidence::Evidence;
use super::statistics::Distribution;
use super::{Amount, Bar, Bars, Check, Scope};
use crate::ledger::{
    FaultRecord, FaultSide, LaneRecord, LaneView, Ledger, Micros, OperationOutcome, Phase, Stall,
};

/// A gap counts as felt from this many times the baseline's 99th percentile on.
const FELT_TIMES: u32 = 5;
/// Fewer stalls before the fault than this are no baseline.
const BASELINE_AT_LEAST: u64 = 20;

/// A fault that cost nothing tested nothing. Felt is: a stretch in which events waited and none took
/// effect, of five times the 99th percentile of such stretches in the load before the first fault; or an
/// attempt that failed because of the fault. Where what carries series on was hit, effects go on, and the
/// stretches are those in which an instance was settled and no next one came. A fault that was not felt is
/// inconclusive, never a pass and never a fail.
///
/// What else fails meanwhile proves nothing. A request that is refused (4xx) was answered, whatever the
/// fault; and behind a killed consumer neither a request nor a publish fails because of the kill, so
/// that only the gap counts there. A gap that begins after the healing is not the fault's either.
///
/// The scope's minimum is the number of planned faults.
#[derive(Clone, Debug)]
pub struct FaultFelt {
    scope: Scope,
}

impl FaultFelt {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let of_effects = Baseline::of(view, view.stalls());
        let of_series = Baseline::of(view, view.series_stalls());
        let mut doubts = Vec::new();
        let mut notes = vec![of_effects.to_string()];
        if record
            .faults
            .iter()
            .any(|it| it.side == FaultSide::Recurrence)
        {
            notes.push(format!("between instances of series, {of_series}"));
        }
        for (position, fault) in record.faults.iter().enumerate() {
            let name = format!("{} of {}", fault.what.as_str(), fault.target);
            let until = record
                .faults
                .get(position + 1)
                .map_or(Micros(i64::MAX), |next| next.injected_at);
            let until = fault.healed_at.unwrap_or(until).min(until);
            let attempts = fault.failed_attempts + failed_attempts(record, fault, until);
            let baseline = match fault.side {
                FaultSide::Recurrence => &of_series,
                FaultSide::Consumer | FaultSide::Producer => &of_effects,
            };
            let stalls = stalls_felt(view, fault);
            let longest = longest_stall(stalls, fault.injected_at, until);
            let is_gap = baseline.felt_from().is_some_and(|from| longest >= from);
            if attempts == 0 && !is_gap {
                doubts.push(format!("{name} was not felt"));
            }
            let longest = Amount::from(longest);
            notes.push(format!(
                "{name}: {attempts} failed attempts, longest gap {longest}"
            ));
        }
        let mut evidence = Evidence::default()
            .examined(record.faults.len() as u64)
            .doubts(doubts);
        for note in notes {
            evidence = evidence.note(note);
        }
        evidence
    }
}

/// How long work waited while nothing was wrong.
struct Baseline {
    stalls: Distribution,
}

impl Baseline {
    fn of(view: LaneView<'_>, stalls: &[Stall]) -> Self {
        // Later faults have no undisturbed time before them; they share the first one's baseline.
        let first = view.record().faults.iter().map(|fault| fault.injected_at);
        let first = first.min();
        // What was cold says nothing of how long things take.
        let load = view.operations_of(Phase::Load);
        let load = load.map(|operation| operation.intended_at).min();
        let before = stalls.iter().filter(|stall| {
            first.is_some_and(|first| stall.until <= first)
                && load.is_some_and(|load| stall.from >= load)
        });
        let micros = before.map(|stall| stall.lasted().as_micros());
        let micros = micros
            .map(|micros| u64::try_from(micros).unwrap_or(u64::MAX))
            .collect();
        Self {
            stalls: Distribution::of_micros(micros),
        }
    }

    /// None without a baseline.
    fn felt_from(&self) -> Option<Duration> {
        let is_enough = self.stalls.count() >= BASELINE_AT_LEAST;
        self.stalls
            .quantile(990)
            .filter(|_| is_enough)
            .map(|p99| p99 * FELT_TIMES)
    }
}

impl std::fmt::Display for Baseline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.felt_from() {
            Some(from) => write!(f, "a gap is felt from {} on", Amount::from(from)),
            None => write!(
                f,
                "no baseline: {} gaps before the fault",
                self.stalls.count()
            ),
        }
    }
}

/// Attempts that failed because of a fault that ended at `until`, as the stores and the load saw them.
/// Connections that were refused are the driver's to count: the ledger knows them from refusals by
/// their words alone.
fn failed_attempts(record: &LaneRecord, fault: &FaultRecord, until: Micros) -> u64 {
    match fault.side {
        FaultSide::Consumer | FaultSide::Recurrence => return 0,
        FaultSide::Producer => {}
    }
    let is_during = |at: Micros| at >= fault.injected_at && at < until;
    let operations = record.operations.iter().filter(|operation| {
        is_during(operation.sent_at)
            && matches!(operation.outcome, OperationOutcome::Unknown { .. })
    });
    let publishes = record
        .events
        .iter()
        .filter(|event| {
            event.publish_started_at.is_some_and(is_during) || is_during(event.inserted_at)
        })
        .map(|event| u64::from(event.attempts.saturating_sub(1)));
    operations.count() as u64 + publishes.sum::<u64>()
}

/// The stretches that a fault of its side can make longer.
pub(super) fn stalls_felt<'a>(view: LaneView<'a>, fault: &FaultRecord) -> &'a [Stall] {
    match fault.side {
        FaultSide::Recurrence => view.series_stalls(),
        FaultSide::Consumer | FaultSide::Producer => view.stalls(),
    }
}

/// Longest stall between `from` and `until`, or of one that ends later. What had stood still before `from`
/// is not counted: it was the fault before.
pub(super) fn longest_stall(stalls: &[Stall], from: Micros, until: Micros) -> Duration {
    stalls
        .iter()
        .filter(|stall| stall.until > from && stall.from < until)
        .map(|stall| stall.until.since(stall.from.max(from)))
        .max()
        .unwrap_or_default()
}

impl Check for FaultFelt {
    fn id(&self) -> &'static str {
        "fault-felt"
    }

    fn requirement(&self) -> &'static str {
        "H6"
    }

    fn claim(&self) -> String {
        "each fault cost the system something".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let felt =
            "each with a gap of 5 × the baseline p99, or an attempt that failed because of it";
        self.scope.judge(
            self,
            ledger,
            &Bars::both(Bar::Stated(felt)),
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
    use crate::ledger::{EventKind, FaultKind, OperationKind, series_sample};

    const FAULT_AT: usize = 50;

    /// 100 operations with a fault in the middle; what waits for it takes effect `late` afterwards.
    fn with_fault(late: Duration) -> LaneRecord {
        let mut record = healthy(100);
        let injected_at = record.operations[FAULT_AT].intended_at;
        record.faults.push(FaultRecord {
            what: FaultKind::Kill,
            target: "audit".to_owned(),
            side: FaultSide::Consumer,
            injected_at,
            healed_at: None,
            failed_attempts: 0,
        });
        let resumed_at = injected_at.after(late);
        for effect in &mut record.effects[FAULT_AT..] {
            effect.committed_at = effect.committed_at.max(Some(resumed_at));
        }
        record
    }

    #[test]
    fn passes_when_effects_stood_still() {
        let finding = judge(
            &FaultFelt::new(lane()),
            with_fault(Duration::from_millis(200)),
        );
        assert_both(&finding, Verdict::Pass);
        assert!(
            finding
                .note
                .unwrap()
                .contains("kill of audit: 0 failed attempts, longest gap 1")
        );
    }

    #[test]
    fn planted_fault_without_effect_is_inconclusive() {
        let finding = judge(&FaultFelt::new(lane()), with_fault(Duration::ZERO));
        assert_both(&finding, Verdict::Inconclusive);
        assert!(
            finding
                .note
                .unwrap()
                .starts_with("kill of audit was not felt")
        );
    }

    /// A fault on `side` that stopped no effect, during which a publish was tried twice.
    fn seen_by_relay(side: FaultSide) -> LaneRecord {
        let mut record = with_fault(Duration::ZERO);
        record.faults[0].side = side;
        record.events[FAULT_AT].attempts = 2;
        record
    }

    /// And one during which an operation ended so.
    fn seen_by_client(side: FaultSide, outcome: OperationOutcome) -> LaneRecord {
        let mut record = with_fault(Duration::ZERO);
        record.faults[0].side = side;
        record.operations[FAULT_AT].outcome = outcome;
        record
    }

    fn unanswered() -> OperationOutcome {
        let reason = "no answer in time".to_owned();
        OperationOutcome::Unknown { reason }
    }

    #[test]
    fn one_attempt_that_failed_because_of_the_fault_is_enough() {
        let check = FaultFelt::new(lane());
        let mut seen_by_driver = with_fault(Duration::ZERO);
        seen_by_driver.faults[0].failed_attempts = 1;
        assert_both(&judge(&check, seen_by_driver), Verdict::Pass);
        let relay = seen_by_relay(FaultSide::Producer);
        assert_both(&judge(&check, relay), Verdict::Pass);
        let client = seen_by_client(FaultSide::Producer, unanswered());
        assert_both(&judge(&check, client), Verdict::Pass);
    }

    #[test]
    fn planted_failures_on_the_other_side_do_not_make_a_consumers_kill_felt() {
        let check = FaultFelt::new(lane());
        let relay = seen_by_relay(FaultSide::Consumer);
        assert_both(&judge(&check, relay), Verdict::Inconclusive);
        let client = seen_by_client(FaultSide::Consumer, unanswered());
        assert_both(&judge(&check, client), Verdict::Inconclusive);
    }

    #[test]
    fn planted_refusal_is_no_sign_of_any_fault() {
        for side in [FaultSide::Consumer, FaultSide::Producer] {
            let reason = "404: no such task".to_owned();
            let record = seen_by_client(side, OperationOutcome::Failed { reason });
            let finding = judge(&FaultFelt::new(lane()), record);
            assert_both(&finding, Verdict::Inconclusive);
        }
    }

    #[test]
    fn planted_gap_that_began_after_the_healing_is_not_the_faults() {
        let mut record = with_fault(Duration::from_millis(200));
        let check = FaultFelt::new(lane());
        record.faults[0].healed_at = Some(record.faults[0].injected_at);
        assert_both(&judge(&check, record.clone()), Verdict::Inconclusive);
        record.faults[0].healed_at = Some(
            record.faults[0]
                .injected_at
                .after(Duration::from_millis(150)),
        );
        assert_both(&judge(&check, record), Verdict::Pass);
    }

    /// Sixty instances settled one after the other, and in the middle a kill of what carries series on: the
    /// instances after those that were settled from then on come `late`.
    fn with_recurrence_killed(late: Duration) -> LaneRecord {
        let mut record = series_sample::lane(lane().as_str(), 2, 30);
        let half = record.operations.len() / 2;
        let injected_at = record.operations[half].intended_at;
        record.faults.push(FaultRecord {
            what: FaultKind::Kill,
            target: "recurring".to_owned(),
            side: FaultSide::Recurrence,
            injected_at,
            healed_at: Some(injected_at.after(late)),
            failed_attempts: 0,
        });
        for event in &mut record.events {
            if event.kind == Some(EventKind::Task(OperationKind::Create))
                && event.inserted_at > injected_at
            {
                event.inserted_at = event.inserted_at.max(injected_at.after(late));
            }
        }
        record
    }

    #[test]
    fn a_kill_of_what_carries_series_on_is_felt_by_the_instances_that_wait() {
        let check = FaultFelt::new(lane());
        let finding = judge(&check, with_recurrence_killed(Duration::from_millis(200)));
        assert_both(&finding, Verdict::Pass);
        let note = finding.note.unwrap();
        assert!(
            note.contains("between instances of series, a gap is felt from 50 ms on"),
            "{note}"
        );
    }

    #[test]
    fn planted_kill_of_what_carries_series_on_that_held_up_no_instance_is_inconclusive() {
        let check = FaultFelt::new(lane());
        let mut record = with_recurrence_killed(Duration::ZERO);
        assert_both(&judge(&check, record.clone()), Verdict::Inconclusive);
        // Effects that stand still are somebody else's doing.
        let injected_at = record.faults[0].injected_at;
        for effect in &mut record.effects {
            if effect.committed_at > Some(injected_at) {
                let resumed_at = injected_at.after(Duration::from_secs(1));
                effect.committed_at = effect.committed_at.max(Some(resumed_at));
            }
        }
        assert_both(&judge(&check, record), Verdict::Inconclusive);
    }

    #[test]
    fn what_was_slow_in_the_warm_up_is_no_measure() {
        let mut record = with_fault(Duration::from_millis(200));
        for (operation, effect) in record
            .operations
            .iter_mut()
            .zip(&mut record.effects)
            .take(10)
        {
            operation.phase = Phase::WarmUp;
            effect.committed_at = effect
                .committed_at
                .map(|at| at.after(Duration::from_millis(45)));
        }
        assert_both(&judge(&FaultFelt::new(lane()), record), Verdict::Pass);
    }

    #[test]
    fn what_failed_before_the_fault_is_not_its_doing() {
        let mut record = with_fault(Duration::ZERO);
        record.faults[0].side = FaultSide::Producer;
        record.events[FAULT_AT - 5].attempts = 9;
        assert_both(
            &judge(&FaultFelt::new(lane()), record),
            Verdict::Inconclusive,
        );
    }

    #[test]
    fn a_gap_without_a_baseline_is_inconclusive() {
        let mut record = with_fault(Duration::from_millis(200));
        record.faults[0].injected_at = record.began_at();
        assert_both(
            &judge(&FaultFelt::new(lane()), record),
            Verdict::Inconclusive,
        );
    }

    #[test]
    fn fewer_faults_than_planned_are_inconclusive() {
        let check = FaultFelt::new(Scope::lane(lane()).at_least(2));
        let finding = judge(&check, with_fault(Duration::from_millis(200)));
        assert_both(&finding, Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
