use std::collections::BTreeMap;

use gauntlet_reports::evidence::Figure;

use super::super::sidecar_memory_growth::{Growth, reach};
use crate::ledger::{LaneView, Micros};

/// SC-007, beside the judged peak of it: how fast the resident memory of each sidecar of a lane grew.
///
/// No bar applies: it holds pages of the program's own file too, which come and go with the page cache.
pub fn sidecar_resident(view: LaneView<'_>) -> Vec<Figure> {
    let record = view.record();
    let mut sampled: BTreeMap<&str, Vec<(Micros, u64)>> = BTreeMap::new();
    for sample in &record.memory {
        let of_process = sampled.entry(&sample.process).or_default();
        of_process.push((sample.at, sample.rss_bytes));
    }
    let figures = sampled.into_iter().filter_map(|(process, samples)| {
        let growth = Growth::of(&samples)?;
        let quantity = growth.estimate.quantity();
        Some(Figure {
            lane: record.lane.to_string(),
            name: format!("{process}: resident memory, growth"),
            value: quantity.value,
            unit: quantity.unit,
            note: Some(format!("{}; {}", growth.interval(), reach(&samples))),
        })
    });
    figures.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::testing::{healthy, lane};
    use crate::ledger::{Ledger, MemorySample};

    const MB: u64 = 1_000_000;

    #[test]
    fn planted_growth_is_told_for_ten_minutes_and_each_sidecar() {
        let mut record = healthy(1);
        let began_at = record.began_at();
        for (process, bytes_a_second) in [("daprd-api", 100_000), ("daprd-audit", 0)] {
            record.memory.extend((0..60).map(|second| MemorySample {
                process: process.to_owned(),
                at: began_at.after(Duration::from_secs(second)),
                rss_bytes: 100 * MB + second * bytes_a_second,
                rss_high_water_bytes: 200 * MB,
                anonymous_bytes: 20 * MB,
                file_bytes: 80 * MB,
                cgroup: None,
            }));
        }
        let ledger = Ledger::new("test", vec![record]);
        let figures = sidecar_resident(ledger.lane(&lane()).unwrap());
        let names: Vec<_> = figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "daprd-api: resident memory, growth",
                "daprd-audit: resident memory, growth"
            ]
        );
        assert!((figures[0].value - 60.0).abs() < 1e-6, "{figures:#?}");
        assert!(figures[1].value.abs() < 1e-6, "{figures:#?}");
    }
}
