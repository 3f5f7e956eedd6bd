use std::time::Duration;

use gauntlet_reports::evidence::Figure;

use super::super::Amount;
use super::super::fault_felt::longest_stall;
use crate::ledger::{LaneView, Micros};

/// How long effects stood still because of each fault of a lane, though events were waiting; and
/// how long after its healing the next effect came. Without any effect afterwards the second figure
/// is left out: the accounting then says what is missing.
///
/// No bar applies to the crash of a consumer. The figures show what its users would have noticed,
/// and they do not depend on when the harness itself believed the process to be back.
pub fn recovery(view: LaneView<'_>) -> Vec<Figure> {
    let (record, stalls) = (view.record(), view.stalls());
    let mut figures = Vec::new();
    for (position, fault) in record.faults.iter().enumerate() {
        // Up to the next fault: what that one costs is its own figure.
        let next = record.faults.get(position + 1);
        let until = next.map_or(Micros(i64::MAX), |next| next.injected_at);
        let name = format!("{} of {}", fault.what.as_str(), fault.target);
        let figure = |what: &str, time: Duration, note: &str| {
            let quantity = Amount::from(time).quantity();
            Figure {
                lane: record.lane.to_string(),
                name: format!("{what} {name}"),
                value: quantity.value,
                unit: quantity.unit,
                note: Some(note.to_owned()),
            }
        };
        let longest = longest_stall(stalls, fault.injected_at, until);
        let note = "events were waiting and none took effect";
        figures.push(figure("longest effect gap after", longest, note));
        let resumed_at = |healed_at: Micros| {
            stalls
                .iter()
                .map(|stall| stall.until)
                .filter(|until| *until >= healed_at)
                .min()
        };
        if let Some(healed_at) = fault.healed_at
            && let Some(resumed_at) = resumed_at(healed_at)
        {
            let note = "from the end of the fault to the next effect";
            figures.push(figure("recovery from", resumed_at.since(healed_at), note));
        }
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{healthy, lane};
    use crate::ledger::{FaultKind, FaultRecord, FaultSide, Ledger};

    #[test]
    fn a_gap_is_measured_from_the_last_effect_to_the_next() {
        let mut record = healthy(100);
        let injected_at = record.operations[50].intended_at;
        record.faults.push(FaultRecord {
            what: FaultKind::Kill,
            target: "audit".to_owned(),
            side: FaultSide::Consumer,
            injected_at,
            healed_at: Some(injected_at.after(Duration::from_millis(100))),
            failed_attempts: 0,
        });
        let resumed_at = injected_at.after(Duration::from_millis(130));
        for effect in &mut record.effects[50..] {
            effect.committed_at = effect.committed_at.max(Some(resumed_at));
        }
        let ledger = Ledger::new("test", vec![record]);
        let figures = recovery(ledger.lane(&lane()).unwrap());
        // The event of operation 50 enters the outbox 2 ms after the fault; the effect of the one
        // before it comes 4 ms after it.
        assert_eq!(figures[0].name, "longest effect gap after kill of audit");
        assert_eq!((figures[0].value, figures[0].unit.as_str()), (126.0, "ms"));
        assert_eq!(figures[1].name, "recovery from kill of audit");
        assert_eq!((figures[1].value, figures[1].unit.as_str()), (30.0, "ms"));
    }

    #[test]
    fn no_fault_gives_no_figure() {
        let ledger = Ledger::new("test", vec![healthy(10)]);
        assert!(recovery(ledger.lane(&lane()).unwrap()).is_empty());
    }
}
