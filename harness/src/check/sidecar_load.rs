use gauntlet_reports::format;

use super::Amount;
use super::evidence::Evidence;
use crate::ledger::{Effect, LaneRecord};

/// Ties samples of a sidecar's memory to what went through its lane meanwhile, as a note; a doubt
/// where nothing did. The memory of an idle sidecar meets any bar and shows nothing.
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
    let operations = record.operations.iter();
    let acknowledged = operations
        .filter(|operation| {
            operation.acknowledged().is_some() && watched.contains(&operation.done_at)
        })
        .count() as u64;
    let effects = record.effects.iter().map(Effect::at);
    let effects = effects.filter(|at| watched.contains(at)).count() as u64;
    let idle = (acknowledged == 0 || effects == 0)
        .then(|| format!("{process} was sampled while its lane carried no load"));
    let span = Amount::from(last.since(first));
    evidence.doubts(idle).note(format!(
        "{process}: {} acknowledged and {} committed in the {span} between first and last sample",
        format::plural(acknowledged, "change"),
        format::plural(effects, "effect"),
    ))
}
