use gauntlet_reports::format;

use super::Amount;
use super::evidence::Evidence;
use crate::ledger::{Effect, LaneRecord};

/// Ties samples of a sidecar's memory to what went through its lane meanwhile, as a note; a doubt
/// where that is less than half of what was offered. The memory of an idle sidecar meets any bar and
/// shows nothing.
///
/// Acknowledged changes stand for what the publishing side carried, committed effects for what the
/// consuming side did. Both count on the host's one clock, between the first sample and the last.
pub(super) fn under_load(evidence: Evidence, record: &LaneRecord, process: &str) -> Evidence {
    let moments = || {
        let samples = record.memory.iter();
        samples
            .filter(|sample| sample.process == process)
            .map(|sample| sample.at)
    };
    let (Some(first), Some(last)) = (moments().min(), moments().max()) else {
        return evidence;
    };
    let watched = first..=last;
    let operations = || record.operations.iter();
    let offered = operations().filter(|operation| watched.contains(&operation.intended_at));
    let offered = offered.count() as u64;
    let acknowledged = operations()
        .filter(|operation| {
            operation.acknowledged().is_some() && watched.contains(&operation.done_at)
        })
        .count() as u64;
    let effects = record.effects.iter().map(Effect::at);
    let effects = effects.filter(|at| watched.contains(at)).count() as u64;
    let carried = acknowledged.min(effects);
    let idle = (carried == 0 || carried < offered / 2).then(|| {
        format!("{process} was sampled while its lane carried less than half of the load offered")
    });
    let span = Amount::from(last.since(first));
    evidence.doubts(idle).note(format!(
        "{process}: {} acknowledged and {} committed in the {span} between first and last sample",
        format::plural(acknowledged, "change"),
        format::plural(effects, "effect"),
    ))
}
