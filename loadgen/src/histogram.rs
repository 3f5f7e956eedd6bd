use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gauntlet_reports::evidence::LatencySeries;
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use crate::clock::whole_micros;
use crate::error::{LoadError, LoadErrorKind};

const LOWEST_MICROS: u64 = 1;
const HIGHEST_MICROS: u64 = 10 * 60 * 1_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Each half of the remaining distance to 100 % gets this many points, the usual spacing of
/// percentile plots: dense where the tail is.
const POINTS_PER_HALVING: u32 = 5;
/// Up to 99.999 %: further points would repeat the maximum in loads of this size.
const HALVINGS: u32 = 17;

/// A distribution of durations from 1 µs to 10 min at three significant digits.
///
/// Shorter values count as 1 µs, longer ones as 10 min and as saturated.
#[derive(Clone)]
pub struct Histogram {
    micros: Hdr<u64>,
    saturated: u64,
}

impl Histogram {
    pub fn new() -> Result<Histogram, LoadError> {
        let micros = Hdr::new_with_bounds(LOWEST_MICROS, HIGHEST_MICROS, SIGNIFICANT_DIGITS)
            .map_err(|error| LoadError::caused(LoadErrorKind::Histogram, error))?;
        Ok(Histogram {
            micros,
            saturated: 0,
        })
    }

    pub fn record(&mut self, duration: Duration) {
        self.record_micros(whole_micros(duration));
    }

    pub fn record_micros(&mut self, micros: u64) {
        if micros > HIGHEST_MICROS {
            self.saturated += 1;
        }
        // Clamped here, because saturation alone would clamp to the end of the last bucket, which
        // lies well beyond the bound. What is left to saturate is nothing.
        let clamped = micros.clamp(LOWEST_MICROS, HIGHEST_MICROS);
        self.micros.saturating_record(clamped);
    }

    pub fn count(&self) -> u64 {
        self.micros.len()
    }

    /// How many values were longer than the longest that can be told apart.
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The value at `percentile` (0–100); zero when nothing was recorded.
    pub fn percentile(&self, percentile: f64) -> Duration {
        Duration::from_micros(self.micros.value_at_percentile(percentile))
    }

    pub fn max(&self) -> Duration {
        Duration::from_micros(self.micros.max())
    }

    /// How many values were at least `duration`, to the histogram's precision.
    pub fn count_at_least(&self, duration: Duration) -> u64 {
        self.micros
            .count_between(whole_micros(duration), HIGHEST_MICROS)
    }

    /// Adds all of `other`'s values.
    pub fn merge(&mut self, other: &Histogram) -> Result<(), LoadError> {
        self.micros
            .add(&other.micros)
            .map_err(|error| LoadError::caused(LoadErrorKind::Histogram, error))?;
        self.saturated += other.saturated;
        Ok(())
    }

    /// The distribution as the report plots it, in milliseconds.
    pub fn to_latency_series(&self, name: impl Into<String>) -> LatencySeries {
        let mut points: Vec<(f64, f64)> = Vec::new();
        if !self.micros.is_empty() {
            let steps = POINTS_PER_HALVING * HALVINGS;
            let spaced = (0..=steps).map(|step| {
                100.0 * (1.0 - 0.5_f64.powf(f64::from(step) / f64::from(POINTS_PER_HALVING)))
            });
            points = spaced
                .chain(std::iter::once(100.0))
                .map(|percentile| (percentile, self.percentile(percentile).as_secs_f64() * 1e3))
                .collect();
        }
        LatencySeries {
            name: name.into(),
            count: self.count(),
            points,
        }
    }

    /// The whole histogram in microseconds, as base64 of the V2 format that all tools of the
    /// `HdrHistogram` family read.
    pub fn encode(&self) -> Result<String, LoadError> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.micros, &mut bytes)
            .map_err(|error| LoadError::caused(LoadErrorKind::Histogram, error))?;
        Ok(STANDARD.encode(bytes))
    }

    /// Reads what [`encode`](Histogram::encode) wrote. How many values were saturated is not in the
    /// format; they are the ones at the top.
    pub fn decode(text: &str) -> Result<Histogram, LoadError> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| LoadError::caused(LoadErrorKind::Histogram, error))?;
        let micros = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| LoadError::caused(LoadErrorKind::Histogram, error))?;
        Ok(Histogram {
            micros,
            saturated: 0,
        })
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count())
            .field("p50", &self.percentile(50.0))
            .field("p99", &self.percentile(99.0))
            .field("max", &self.max())
            .field("saturated", &self.saturated)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_millis(millis: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new().expect("bounds");
        for value in millis {
            histogram.record(Duration::from_millis(value));
        }
        histogram
    }

    /// Three significant digits.
    fn close(measured: Duration, expected: Duration) -> bool {
        measured.abs_diff(expected) <= expected / 1_000
    }

    #[test]
    fn percentiles_hold_to_three_digits() {
        let histogram = of_millis(1..=1_000);
        assert!(close(
            histogram.percentile(50.0),
            Duration::from_millis(500)
        ));
        assert!(close(
            histogram.percentile(99.0),
            Duration::from_millis(990)
        ));
        assert!(close(histogram.max(), Duration::from_secs(1)));
        assert_eq!(histogram.count_at_least(Duration::from_millis(901)), 100);
    }

    #[test]
    fn what_is_too_long_is_saturated_and_counted() {
        let histogram = of_millis([1, 601_000, u64::MAX / 1_000_000]);
        assert_eq!((histogram.count(), histogram.saturated()), (3, 2));
        assert!(histogram.max() < Duration::from_secs(601));
    }

    #[test]
    fn merged_histograms_hold_the_values_of_both() {
        let mut fast = of_millis(1..=500);
        fast.merge(&of_millis(501..=1_000)).expect("same bounds");
        assert_eq!(fast.encode().ok(), of_millis(1..=1_000).encode().ok());
    }

    #[test]
    fn encoding_keeps_the_distribution() {
        let histogram = of_millis((1..=5_000).map(|value| value * value % 977));
        let decoded = Histogram::decode(&histogram.encode().expect("encoded")).expect("decoded");
        assert_eq!(decoded.count(), histogram.count());
        for percentile in [0.0, 50.0, 95.0, 99.9, 100.0] {
            assert_eq!(
                decoded.percentile(percentile),
                histogram.percentile(percentile)
            );
        }
        Histogram::decode("not base64!").expect_err("garbage");
    }

    #[test]
    fn a_series_ascends_to_the_maximum() {
        let series = of_millis(1..=1_000).to_latency_series("create");
        assert_eq!(series.count, 1_000);
        assert!(series.points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        let (percentile, millis) = *series.points.last().expect("points");
        assert!((percentile - 100.0).abs() < f64::EPSILON && (millis - 1_000.0).abs() <= 1.0);
        assert!(of_millis([]).to_latency_series("none").points.is_empty());
    }
}
