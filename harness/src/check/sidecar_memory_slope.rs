use gauntlet_reports::evidence::Finding;

use super::evidence::Evidence;
use super::sidecar_load::under_load;
use super::sidecar_memory_growth::{Growth, reach};
use super::{Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, Micros};

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
        let samples = view.record().memory.iter();
        let anonymous: Vec<(Micros, u64)> = samples
            .filter(|sample| sample.process == self.process)
            .map(|sample| (sample.at, sample.anonymous_bytes))
            .collect();
        let evidence = match Growth::of(&anonymous) {
            Some(growth) => Evidence::measured(growth.estimate)
                .interval(growth.low, growth.high)
                .note(growth.interval()),
            None => Evidence::default().doubt("too few samples for a slope"),
        };
        let evidence = evidence
            .examined(anonymous.len() as u64)
            .note(reach(&anonymous));
        under_load(evidence, view.record(), &self.process)
    }
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
    use std::time::Duration;

    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::check::{Amount, Bar};
    use crate::ledger::{LaneRecord, MemorySample, OperationOutcome};

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
            cgroup: None,
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
