//! What the checks' unit tests share: a healthy lane to spoil, and the way to judge it.

use gauntlet_reports::evidence::{Finding, Verdict};

use super::Check;
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
