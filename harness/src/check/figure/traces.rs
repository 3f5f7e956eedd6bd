use gauntlet_reports::evidence::Figure;
use gauntlet_reports::format;

use super::super::Amount;
use crate::ledger::{EventTraces, LaneView};

/// What came to a lane's collector, and how many of the traces that have to be whole are. A lane of which no
/// traces were collected has none.
pub fn traces(view: LaneView<'_>) -> Vec<Figure> {
    let Some(intake) = view.record().trace_intake else {
        return Vec::new();
    };
    let traces = EventTraces::of(view);
    let whole = traces.events().iter();
    let whole = whole.filter(|event| traces.follow(event).is_ok()).count() as u64;
    let expected = traces.expected();
    let mut figures = vec![
        figure(
            "spans received",
            Amount::count(intake.spans, "spans"),
            format!(
                "in {}; {} of what came could not be read",
                format::plural(intake.requests, "request"),
                format::count(intake.unreadable)
            ),
        ),
        figure(
            "spans dropped",
            Amount::count(intake.dropped, "spans"),
            "by the collector, for lack of room".to_owned(),
        ),
    ];
    if expected > 0 {
        let of = format::plural(expected, "event");
        figures.push(figure(
            "whole traces",
            Amount::share(whole, expected),
            format!("{} of {of}", format::count(whole)),
        ));
    }
    for figure in &mut figures {
        figure.lane = view.record().lane.to_string();
    }
    figures
}

fn figure(name: &str, amount: Amount, note: String) -> Figure {
    let quantity = amount.quantity();
    Figure {
        lane: String::new(),
        name: name.to_owned(),
        value: quantity.value,
        unit: quantity.unit,
        note: Some(note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{healthy, lane};
    use crate::ledger::{Ledger, trace_sample};

    #[test]
    fn the_share_of_whole_traces_counts_those_that_broke() {
        let mut record = healthy(4);
        trace_sample::trace(&mut record);
        record.spans.remove(0);
        let ledger = Ledger::new("test", vec![record, healthy(1)]);
        let figures = traces(ledger.lane(&lane()).unwrap());
        let told: Vec<String> = figures
            .iter()
            .map(|figure| format!("{} {} {}", figure.name, figure.value, figure.unit))
            .collect();
        assert_eq!(
            told,
            [
                "spans received 16 spans",
                "spans dropped 0 spans",
                "whole traces 75 %"
            ]
        );
        assert!(figures.iter().all(|figure| figure.lane == "dapr-kafka"));
    }

    #[test]
    fn a_lane_without_a_collector_has_no_figures() {
        let ledger = Ledger::new("test", vec![healthy(4)]);
        assert_eq!(traces(ledger.lane(&lane()).unwrap()), []);
    }
}
