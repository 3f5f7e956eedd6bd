use std::time::Duration;

use gauntlet_reports::evidence::Finding;

use super::amount::real;
use super::evidence::Evidence;
use super::sidecar_load::under_load;
use super::statistics::{nearest_rank, theil_sen};
use super::{Amount, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, MemorySample};

/// The bars speak of growth in this time.
const PER: Duration = Duration::from_mins(10);
/// Samples are thinned to this many medians of equal stretches of time: neighbours are alike, and
/// counting each of them as news would make the interval too narrow. It also bounds the work.
const POINTS_AT_MOST: usize = 120;

/// SC-007: how fast a sidecar's anonymous memory grows, as a Theil–Sen slope with its 95 %
/// interval. A run much shorter than the ten minutes of the bar has a wide interval: where that
/// lies across the bar, the verdict is inconclusive and a longer run has to tell.
///
/// The scope's minimum is the number of planned samples. A lane without load meanwhile is
/// inconclusive: what does nothing does not grow.
#[derive(Clone, Debug)]
pub struct SidecarMemorySlope {
    scope: Scope,
    process: String,
    bars: Bars,
}

impl SidecarMemorySlope {
    /// `process` as the samples name it, e.g. `daprd-api`.
    pub fn new(scope: impl Into<Scope>, process: impl Into<String>, bars: Bars) -> Self {
        Self {
            scope: scope.into(),
            process: process.into(),
            bars,
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let mut samples: Vec<&MemorySample> = view
            .record()
            .memory
            .iter()
            .filter(|sample| sample.process == self.process)
            .collect();
        samples.sort_by_key(|sample| sample.at);
        let points = medians(&samples);
        let watched = match (samples.first(), samples.last()) {
            (Some(first), Some(last)) => last.at.since(first.at),
            _ => Duration::ZERO,
        };
        let evidence = match theil_sen(&points) {
            Some(slope) => {
                let growth = |bytes: f64| Amount::bytes_per_ten_minutes(bytes * PER.as_secs_f64());
                let (low, high) = (growth(slope.low), growth(slope.high));
                Evidence::measured(growth(slope.estimate))
                    .interval(low, high)
                    .note(format!("95% interval {low} to {high}, Theil–Sen"))
            }
            None => Evidence::default().doubt("too few samples for a slope"),
        };
        let span = Amount::from(watched);
        let reach = if watched < PER {
            format!("extrapolated from {span} to 10 min")
        } else {
            format!("watched for {span}")
        };
        let evidence = evidence.examined(samples.len() as u64).note(reach);
        under_load(evidence, view.record(), &self.process)
    }
}

/// Seconds and bytes: the median of each of at most [`POINTS_AT_MOST`] equal stretches of time.
fn medians(samples: &[&MemorySample]) -> Vec<(f64, f64)> {
    let Some(first) = samples.first() else {
        return Vec::new();
    };
    let mut points = Vec::with_capacity(POINTS_AT_MOST);
    for stretch in samples.chunks(samples.len().div_ceil(POINTS_AT_MOST)) {
        let mut bytes: Vec<u64> = stretch
            .iter()
            .map(|sample| sample.anonymous_bytes)
            .collect();
        bytes.sort_unstable();
        let at = stretch[stretch.len() / 2].at.since(first.at).as_secs_f64();
        // Two samples of one instant have no slope between them.
        if points.last().is_none_or(|&(before, _)| at > before) {
            points.extend(nearest_rank(&bytes, 500).map(|median| (at, real(median))));
        }
    }
    points
}

impl Check for SidecarMemorySlope {
    fn id(&self) -> &'static str {
        "sidecar-memory-slope"
    }

    fn requirement(&self) -> &'static str {
        "SC-007"
    }

    fn claim(&self) -> String {
        format!("the sidecar {} does not grow", self.process)
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let of = "anonymous growth";
        self.scope
            .judge(self, ledger, &self.bars, of, |view| self.search(view))
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::Bar;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{LaneRecord, OperationOutcome};

    const MB: i64 = 1_000_000;

    fn check(samples: u64) -> SidecarMemorySlope {
        let limit = Amount::bytes_per_ten_minutes(1e6);
        let bars = Bars::new(Bar::NotAsked, Bar::at_most(limit));
        SidecarMemorySlope::new(Scope::lane(lane()).at_least(samples), "daprd-api", bars)
    }

    /// A sample a second, `bytes` by the second.
    fn sampled(seconds: i64, bytes: impl Fn(i64) -> i64) -> LaneRecord {
        let mut record = healthy(1);
        let began_at = record.began_at();
        let sample = |second: i64| MemorySample {
            process: "daprd-api".to_owned(),
            at: began_at.after(Duration::from_secs(second.unsigned_abs())),
            rss_bytes: 0,
            rss_high_water_bytes: 0,
            anonymous_bytes: bytes(second).unsigned_abs(),
            file_bytes: 0,
        };
        record.memory = (0..seconds).map(sample).collect();
        record
    }

    /// A heap that fills and is collected every 17 s.
    fn sawtooth(second: i64) -> i64 {
        20 * MB + second % 17 * MB / 10
    }

    #[test]
    fn passes_on_a_heap_that_is_collected() {
        let finding = judge(&check(3_600), sampled(3_600, sawtooth));
        assert_both(&finding, Verdict::Pass);
        assert!(finding.note.unwrap().contains("watched for 3,599 s"));
    }

    #[test]
    fn planted_leak_is_found() {
        // 3 MB in ten minutes.
        let leak = |second| sawtooth(second) + second * 5_000;
        let finding = judge(&check(3_600), sampled(3_600, leak));
        assert_eq!(finding.asked.verdict, Verdict::Pass);
        assert_eq!(finding.ours.verdict, Verdict::Fail, "{finding:#?}");
    }

    #[test]
    fn planted_idle_sidecar_is_inconclusive() {
        let mut idle = sampled(3_600, sawtooth);
        idle.operations[0].outcome = OperationOutcome::Failed {
            reason: "503".to_owned(),
        };
        idle.effects.clear();
        let finding = judge(&check(3_600), idle);
        assert_both(&finding, Verdict::Inconclusive);
        let note = finding.note.unwrap();
        assert!(note.starts_with("daprd-api was sampled while"), "{note}");
    }

    #[test]
    fn a_short_noisy_run_leaves_the_slope_open() {
        let finding = judge(&check(60), sampled(60, sawtooth));
        assert_eq!(finding.ours.verdict, Verdict::Inconclusive, "{finding:#?}");
        assert!(
            finding
                .note
                .unwrap()
                .contains("extrapolated from 59 s to 10 min")
        );
    }

    #[test]
    fn too_few_samples_are_inconclusive() {
        assert_both(
            &judge(&check(61), sampled(60, |_| MB)),
            Verdict::Inconclusive,
        );
        assert_both(&judge(&check(2), sampled(2, |_| MB)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check(1));
    }
}
