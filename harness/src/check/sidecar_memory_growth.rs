//! How fast a series of memory samples grows, for the check with a bar and the figures without one.

use std::time::Duration;

use super::Amount;
use super::amount::real;
use super::statistics::{nearest_rank, theil_sen};
use crate::ledger::Micros;

/// The bars speak of growth in this time.
const PER: Duration = Duration::from_mins(10);
/// Samples are thinned to this many medians of equal stretches of time: neighbours are alike, and
/// counting each of them as news would make the interval too narrow. It also bounds the work.
const POINTS_AT_MOST: usize = 120;

/// A Theil–Sen slope with its 95 % interval, per ten minutes.
pub(super) struct Growth {
    pub(super) estimate: Amount,
    pub(super) low: Amount,
    pub(super) high: Amount,
}

impl Growth {
    /// None for fewer than three moments. `samples` are bytes, in any order.
    pub(super) fn of(samples: &[(Micros, u64)]) -> Option<Self> {
        let mut samples = samples.to_vec();
        samples.sort_by_key(|(at, _)| *at);
        let slope = theil_sen(&medians(&samples))?;
        let growth = |bytes: f64| Amount::bytes_per_ten_minutes(bytes * PER.as_secs_f64());
        Some(Self {
            estimate: growth(slope.estimate),
            low: growth(slope.low),
            high: growth(slope.high),
        })
    }

    pub(super) fn interval(&self) -> String {
        let Self { low, high, .. } = self;
        format!("95% interval {low} to {high}, Theil–Sen")
    }
}

/// From the first sample to the last, and whether that is as long as growth is told for.
pub(super) fn reach(samples: &[(Micros, u64)]) -> String {
    let moments = || samples.iter().map(|(at, _)| *at);
    let watched = match (moments().min(), moments().max()) {
        (Some(first), Some(last)) => last.since(first),
        _ => Duration::ZERO,
    };
    let span = Amount::from(watched);
    if watched < PER {
        format!("extrapolated from {span} to 10 min")
    } else {
        format!("watched for {span}")
    }
}

/// Seconds and bytes: the median of each of at most [`POINTS_AT_MOST`] equal stretches of time.
fn medians(samples: &[(Micros, u64)]) -> Vec<(f64, f64)> {
    let Some((first, _)) = samples.first() else {
        return Vec::new();
    };
    let mut points = Vec::with_capacity(POINTS_AT_MOST);
    for stretch in samples.chunks(samples.len().div_ceil(POINTS_AT_MOST)) {
        let mut bytes: Vec<u64> = stretch.iter().map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        let (middle, _) = stretch[stretch.len() / 2];
        let at = middle.since(*first).as_secs_f64();
        // Two samples of one instant have no slope between them.
        if points.last().is_none_or(|&(before, _)| at > before) {
            points.extend(nearest_rank(&bytes, 500).map(|median| (at, real(median))));
        }
    }
    points
}
