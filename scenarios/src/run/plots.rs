//! Plots from a closed ledger.

use std::collections::BTreeMap;

use gauntlet_harness::ledger::{LaneView, Ledger, MemorySample, OperationOutcome, Phase};
use gauntlet_loadgen::{Histogram, LoadError};
use gauntlet_reports::evidence::{Plot, Series};

/// Everything that the ledger can draw; empty plots are left out.
pub fn plots(ledger: &Ledger) -> Result<Vec<Plot>, LoadError> {
    let plots = [
        latency(ledger, "API latency from the intended send time", answers)?,
        latency(ledger, "Publish latency, first byte to answer", publishes)?,
        latency(ledger, "Outbox insert to effect committed", effects)?,
        memory(ledger, "Sidecar memory, resident", |sample| {
            Some(sample.rss_bytes)
        }),
        memory(ledger, "Sidecar memory, anonymous part", |sample| {
            Some(sample.anonymous_bytes)
        }),
        memory(ledger, "Sidecar memory, cgroup working set", |sample| {
            sample.cgroup.map(|cgroup| cgroup.working_set_bytes)
        }),
    ];
    Ok(plots.into_iter().flatten().collect())
}

fn latency(
    ledger: &Ledger,
    title: &str,
    micros: fn(LaneView<'_>) -> Vec<u64>,
) -> Result<Option<Plot>, LoadError> {
    let mut series = Vec::new();
    for lane in ledger.lanes() {
        let mut histogram = Histogram::new()?;
        for micros in micros(lane) {
            histogram.record_micros(micros);
        }
        if histogram.count() > 0 {
            series.push(histogram.to_latency_series(lane.record().lane.as_str()));
        }
    }
    let title = title.to_owned();
    Ok((!series.is_empty()).then_some(Plot::Latency { title, series }))
}

/// Operations that were sent; one that never found a connection would flatter the distribution.
fn answers(view: LaneView<'_>) -> Vec<u64> {
    let measured = view
        .operations_of(Phase::Load)
        .filter(|operation| !matches!(operation.outcome, OperationOutcome::Failed { .. }));
    measured
        .map(|operation| whole_micros(operation.done_at.since(operation.intended_at)))
        .collect()
}

fn publishes(view: LaneView<'_>) -> Vec<u64> {
    let measured = view.events_of(Phase::Load);
    measured.filter_map(|event| event.publish_micros).collect()
}

fn effects(view: LaneView<'_>) -> Vec<u64> {
    let measured = view.pairs_of(Phase::Load);
    measured
        .map(|(effect, event)| whole_micros(effect.at().since(event.inserted_at)))
        .collect()
}

/// A line a process, of the samples that have the value.
fn memory(ledger: &Ledger, title: &str, bytes: fn(&MemorySample) -> Option<u64>) -> Option<Plot> {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for lane in ledger.lanes() {
        let samples = &lane.record().memory;
        let Some(began) = samples.first().map(|sample| sample.at) else {
            continue;
        };
        for sample in samples {
            let Some(bytes) = bytes(sample) else {
                continue;
            };
            let point = (sample.at.since(began).as_secs_f64(), megabytes(bytes));
            lines.entry(&sample.process).or_default().push(point);
        }
    }
    let series: Vec<Series> = lines
        .into_iter()
        .map(|(name, points)| Series {
            name: name.to_owned(),
            points,
        })
        .collect();
    (!series.is_empty()).then(|| Plot::Time {
        title: title.to_owned(),
        unit: "MB".to_owned(),
        series,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a plot shows three digits")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn whole_micros(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::ledger::{CgroupMemory, LaneRecord, Micros, sample};

    use super::*;

    const WORKING_SET: &str = "Sidecar memory, cgroup working set";

    fn sampled(second: i64, cgroup: Option<CgroupMemory>) -> MemorySample {
        MemorySample {
            process: "daprd-api".to_owned(),
            at: Micros(second * 1_000_000),
            rss_bytes: 100_000_000,
            rss_high_water_bytes: 100_000_000,
            anonymous_bytes: 20_000_000,
            file_bytes: 80_000_000,
            cgroup,
        }
    }

    fn lines(memory: Vec<MemorySample>) -> BTreeMap<String, Vec<Series>> {
        let record = LaneRecord {
            memory,
            ..sample::lane("dapr-kafka", 1)
        };
        let plots = plots(&Ledger::new("test", vec![record])).unwrap();
        let lines = plots.into_iter().filter_map(|plot| match plot {
            Plot::Time { title, series, .. } => Some((title, series)),
            Plot::Latency { .. } => None,
        });
        lines.collect()
    }

    #[test]
    fn a_cgroup_s_working_set_is_drawn_from_the_samples_that_have_it() {
        let cgroup = CgroupMemory {
            usage_bytes: 60_000_000,
            working_set_bytes: 42_000_000,
            anonymous_bytes: 20_000_000,
            peak_bytes: None,
            limit_bytes: None,
        };
        let samples = vec![sampled(10, None), sampled(11, Some(cgroup))];
        let lines = lines(samples);
        assert_eq!(lines["Sidecar memory, resident"][0].points.len(), 2);
        // Its time counts from the first sample of any kind, as in the plots beside it.
        let expected = Series {
            name: "daprd-api".to_owned(),
            points: vec![(1.0, 42.0)],
        };
        assert_eq!(lines[WORKING_SET], [expected]);
    }

    #[test]
    fn planted_samples_without_a_cgroup_draw_no_line_of_zeros() {
        let lines = lines(vec![sampled(10, None), sampled(11, None)]);
        let titles: Vec<&str> = lines.keys().map(String::as_str).collect();
        let expected = ["Sidecar memory, anonymous part", "Sidecar memory, resident"];
        assert_eq!(titles, expected);
    }
}
