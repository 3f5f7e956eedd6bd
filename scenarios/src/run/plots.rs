//! Plots from a closed ledger.

use std::collections::{BTreeMap, BTreeSet};

use gauntlet_harness::ledger::{LaneRecord, Ledger, OperationOutcome, Phase};
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
    micros: fn(&LaneRecord) -> Vec<u64>,
) -> Result<Option<Plot>, LoadError> {
    let mut series = Vec::new();
    for lane in ledger.lanes() {
        let mut histogram = Histogram::new()?;
        for micros in micros(lane.record()) {
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
fn answers(record: &LaneRecord) -> Vec<u64> {
    let measured = record.operations.iter().filter(|operation| {
        operation.phase == Phase::Load
            && !matches!(operation.outcome, OperationOutcome::Failed { .. })
    });
    measured
        .map(|operation| whole_micros(operation.done_at.since(operation.intended_at)))
        .collect()
}

fn publishes(record: &LaneRecord) -> Vec<u64> {
    let warm_up = warm_up_titles(record);
    let measured = record
        .events
        .iter()
        .filter(|event| !is_in(&warm_up, event.title.as_deref()));
    measured.filter_map(|event| event.publish_micros).collect()
}

fn effects(record: &LaneRecord) -> Vec<u64> {
    let warm_up = warm_up_titles(record);
    let inserted: BTreeMap<_, _> = record
        .events
        .iter()
        .map(|event| (event.event_id, event.inserted_at))
        .collect();
    let measured = record
        .effects
        .iter()
        .filter(|effect| !is_in(&warm_up, effect.title.as_deref()));
    measured
        .filter_map(|effect| {
            Some(whole_micros(
                effect.at().since(*inserted.get(&effect.event_id)?),
            ))
        })
        .collect()
}

fn warm_up_titles(record: &LaneRecord) -> BTreeSet<&str> {
    let warm_up = record.operations.iter();
    warm_up
        .filter(|operation| operation.phase == Phase::WarmUp)
        .map(|operation| operation.key.as_str())
        .collect()
}

fn is_in(titles: &BTreeSet<&str>, title: Option<&str>) -> bool {
    title.is_some_and(|title| titles.contains(title))
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
