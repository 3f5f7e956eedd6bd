//! What the checks' unit tests share: a healthy lane to spoil, and the way to judge it.

use std::time::Duration;

use gauntlet_reports::evidence::{Finding, Verdict};

use super::{
    AuditLogsComplete, Bar, Bars, BurstCompleteWithin, Check, CommitToEffect, ConsumerDrained,
    ContentIntact, EffectsInOrder, GeneratorOnTime, NoEffectTwice, NoHealthyDeadLetter,
    NothingInvented, NothingLost, PublishLatency, UnknownsSettled,
};
use crate::ledger::{Lane, LaneRecord, Ledger, sample};

pub(super) fn lane() -> Lane {
    Lane::new("dapr-kafka")
}

/// A lane of `count` creations in which all went well.
pub(super) fn healthy(count: usize) -> LaneRecord {
    sample::lane(lane().as_str(), count)
}

pub(super) fn judge(check: &dyn Check, record: LaneRecord) -> Finding {
    check.judge(&Ledger::new("test", vec![record]))
}

/// Both verdicts, which most checks give alike.
#[track_caller]
pub(super) fn assert_both(finding: &Finding, verdict: Verdict) {
    assert_eq!(
        (finding.asked.verdict, finding.ours.verdict),
        (verdict, verdict),
        "{finding:#?}"
    );
}

/// What was measured, as a person reads it.
pub(super) fn measured(finding: &Finding) -> String {
    finding
        .measured
        .as_ref()
        .map(gauntlet_reports::format::quantity)
        .unwrap_or_default()
}

/// A run without the lane, and a lane without rows: a check must never pass on either.
#[track_caller]
pub(super) fn assert_inconclusive_on_nothing(check: &dyn Check) {
    let no_lane = check.judge(&Ledger::new("test", Vec::new()));
    assert_both(&no_lane, Verdict::Inconclusive);
    let no_rows = judge(check, LaneRecord::new(lane(), &[sample::CONSUMER]));
    assert_both(&no_rows, Verdict::Inconclusive);
    assert_eq!((no_lane.examined, no_rows.examined), (0, 0));
}

/// What the bench judges is a load in which all went well: with a check that fails or gives up early it
/// would measure something else.
#[test]
fn a_lane_of_changes_passes_every_check_of_the_bench() {
    let bars = Bars::both(Bar::at_most(Duration::from_hours(1)));
    let checks: [Box<dyn Check>; 13] = [
        Box::new(NothingLost::new(lane())),
        Box::new(NoEffectTwice::new(lane())),
        Box::new(EffectsInOrder::new(lane())),
        Box::new(NoHealthyDeadLetter::new(lane())),
        Box::new(NothingInvented::new(lane())),
        Box::new(UnknownsSettled::new(lane())),
        Box::new(ContentIntact::new(lane())),
        Box::new(AuditLogsComplete::new(lane())),
        Box::new(ConsumerDrained::new(lane())),
        Box::new(GeneratorOnTime::new(lane())),
        Box::new(BurstCompleteWithin::new(lane(), bars)),
        Box::new(PublishLatency::new(lane(), bars)),
        Box::new(CommitToEffect::new(lane(), bars)),
    ];
    let record = sample::lane_of_changes(lane().as_str(), 1_037);
    let ledger = Ledger::new("test", vec![record]);
    for check in checks {
        assert_both(&check.judge(&ledger), Verdict::Pass);
    }
}
