//! Plots from a closed ledger.

use std::collections::BTreeMap;

use gauntlet_harness::ledger::{LaneView, Ledger, OperationOutcome, Phase};
use gauntlet_loadgen::{Histogram, LoadError};
use gauntlet_reports::evidence::{Plot, Series};

/// Everything that the ledger can draw; empty plots are left out.
pub fn plots(ledger: &Ledger) -> Result<Vec<Plot>, LoadError> {
    let plots = [
        latency(ledger, "API latency from the intended send time", answers)?,
        latency(ledger, "Publish latency, first byte to answer", publishes)?,
        latency(ledger, "Outbox insert to effect committed", effects)?,
        memory(ledger, "Sidecar memory, resident", |sample| {
            sample.rss_bytes
        }),
        memory(ledger, "Sidecar memory, anonymous part", |sample| {
            sample.anonymous_bytes
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

fn memory(
    ledger: &Ledger,
    title: &str,
    bytes: fn(&gauntlet_harness::ledger::MemorySample) -> u64,
) -> Option<Plot> {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for lane in ledger.lanes() {
        let samples = &lane.record().memory;
        let Some(began) = samples.first().map(|sample| sample.at) else {
            continue;
        };
        for sample in samples {
            let point = (
                sample.at.since(began).as_secs_f64(),
                megabytes(bytes(sample)),
            );
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
