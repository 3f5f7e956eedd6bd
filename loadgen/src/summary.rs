use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::arrival::Arrival;
use crate::error::LoadError;
use crate::histogram::Histogram;
use crate::lateness::{LATE_LIMIT, Lateness};
use crate::record::{Ending, LoadRecord, Tally};

/// A load in figures, for evidence and for people. The operations themselves are not in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadSummary {
    pub arrival: Arrival,
    pub ending: Ending,
    pub planned: u64,
    pub offered: u64,
    #[serde(flatten)]
    pub tally: Tally,
    pub held_back: u64,
    pub peak_in_flight: usize,
    pub latency: Distribution,
    pub lateness: LatenessSummary,
    /// The empty loop on this machine, where it was measured.
    pub noise: Option<LatenessSummary>,
}

/// A distribution: the usual percentiles to read, and the whole histogram to compute with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Distribution {
    pub count: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
    /// Values beyond the 10 min that the histogram can tell apart.
    pub saturated: u64,
    /// [`Histogram::encode`]: base64 of `HdrHistogram` V2, in microseconds.
    pub hdr_v2_base64: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LatenessSummary {
    /// Operations sent more than 5 ms and `allowed_ms` after their intended time.
    pub late: u64,
    /// What the schedule allows: how long a burst may take to leave, zero for any other load.
    pub allowed_ms: f64,
    /// Operations sent more than 5 ms after their intended time, allowed or not.
    pub beyond_5ms: u64,
    /// Late ones' share of all operations, 0–1.
    pub share: f64,
    /// Beyond this share the load is inconclusive.
    pub limit: f64,
    pub distribution: Distribution,
}

impl Distribution {
    pub fn of(histogram: &Histogram) -> Result<Distribution, LoadError> {
        let at = |percentile| millis(histogram.percentile(percentile));
        Ok(Distribution {
            count: histogram.count(),
            p50_ms: at(50.0),
            p90_ms: at(90.0),
            p95_ms: at(95.0),
            p99_ms: at(99.0),
            p999_ms: at(99.9),
            max_ms: millis(histogram.max()),
            saturated: histogram.saturated(),
            hdr_v2_base64: histogram.encode()?,
        })
    }
}

impl LatenessSummary {
    pub fn of(lateness: &Lateness) -> Result<LatenessSummary, LoadError> {
        Ok(LatenessSummary {
            late: lateness.late(),
            allowed_ms: millis(lateness.allowed()),
            beyond_5ms: lateness.beyond_5ms(),
            share: lateness.share(),
            limit: LATE_LIMIT,
            distribution: Distribution::of(lateness.histogram())?,
        })
    }
}

impl LoadSummary {
    /// `noise` is the empty loop at the same rate, see [`noise_floor`](crate::noise_floor).
    pub fn of(record: &LoadRecord, noise: Option<&Lateness>) -> Result<LoadSummary, LoadError> {
        Ok(LoadSummary {
            arrival: record.arrival,
            ending: record.ending,
            planned: record.planned,
            offered: record.offered(),
            tally: record.tally(),
            held_back: record.held_back,
            peak_in_flight: record.peak_in_flight,
            latency: Distribution::of(&record.latency)?,
            lateness: LatenessSummary::of(&record.lateness)?,
            noise: noise.map(LatenessSummary::of).transpose()?,
        })
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
