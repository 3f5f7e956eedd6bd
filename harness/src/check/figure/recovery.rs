use std::time::Duration;

use gauntlet_reports::evidence::Figure;

use super::super::Amount;
use super::super::fault_felt::{longest_stall, stalls_felt};
use crate::ledger::{FaultSide, LaneView, Micros};

/// How long effects stood still because of each fault of a lane, though events were waiting; and
/// how long after its healing the next effect came. Without any effect afterwards the second figure
/// is left out: the accounting then says what is missing. Where what carries series on was hit, it is the
/// next instances that stood still.
///
/// No bar applies to a crash. The figures show what its users would have noticed,
/// and they do not depend on when the harness itself believed the process to be back.
pub fn recovery(view: LaneView<'_>) -> Vec<Figure> {
    let record = view.record();
    let mut figures = Vec::new();
    for (position, fault) in record.faults.iter().enumerate() {
        // Up to the next fault: what that one costs is its own figure.
        let next = record.faults.get(position + 1);
        let stalls = stalls_felt(view, fault);
        let words = Words::of(fault.side);
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
        figures.push(figure(words.gap, longest, words.waiting));
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
            let recovery = resumed_at.since(healed_at);
            figures.push(figure("recovery from", recovery, words.resumed));
        }
    }
    figures
}

/// What stood still, in words.
struct Words {
    gap: &'static str,
    waiting: &'static str,
    resumed: &'static str,
}

impl Words {
    fn of(side: FaultSide) -> Self {
        match side {
            FaultSide::Consumer | FaultSide::Producer => Self {
                gap: "longest effect gap after",
                waiting: "events were waiting and none took effect",
                resumed: "from the end of the fault to the next effect",
            },
            FaultSide::Recurrence => Self {
                gap: "longest gap between instances after",
                waiting: "instances were settled and no next one came",
                resumed: "from the end of the fault to the next instance",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{healthy, lane};
    use crate::ledger::{FaultKind, FaultRecord, Ledger, series_sample};

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
    fn where_series_stood_still_the_gap_is_between_instances() {
        let mut record = series_sample::lane(lane().as_str(), 1, 4);
        let injected_at = record.operations.last().unwrap().intended_at;
        record.faults.push(FaultRecord {
            what: FaultKind::Kill,
            target: "recurring".to_owned(),
            side: FaultSide::Recurrence,
            injected_at,
            healed_at: Some(injected_at),
            failed_attempts: 0,
        });
        let ledger = Ledger::new("test", vec![record]);
        let figures = recovery(ledger.lane(&lane()).unwrap());
        assert_eq!(
            figures[0].name,
            "longest gap between instances after kill of recurring"
        );
        assert_eq!((figures[0].value, figures[0].unit.as_str()), (10.0, "ms"));
        assert_eq!((figures[1].value, figures[1].unit.as_str()), (10.0, "ms"));
    }

    #[test]
    fn no_fault_gives_no_figure() {
        let ledger = Ledger::new("test", vec![healthy(10)]);
        assert!(recovery(ledger.lane(&lane()).unwrap()).is_empty());
    }
}
