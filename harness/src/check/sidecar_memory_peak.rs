use gauntlet_reports::evidence::Finding;

use super::evidence::Evidence;
use super::{Amount, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, MemorySample};

/// Which part of a sidecar's memory is judged by its highest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeakOf {
    /// Resident size as the kernel's own high-water mark has it, the executable's pages included.
    Resident,
    /// What the process asked for itself, by samples: a peak between two samples is not seen.
    Anonymous,
}

/// SC-007: the peak memory of one sidecar. The scope's minimum is the number of planned samples.
///
/// The two parts tell different stories. Most of a resident sidecar is its own executable, mapped
/// and shared by all sidecars of a host; an operator pays for the anonymous part each time. So the
/// claim as it was made is judged on the first, and what we hold ourselves to on the second.
#[derive(Clone, Debug)]
pub struct SidecarMemoryPeak {
    scope: Scope,
    process: String,
    part: PeakOf,
    bars: Bars,
}

impl SidecarMemoryPeak {
    /// `process` as the samples name it, e.g. `daprd-api`.
    pub fn new(
        scope: impl Into<Scope>,
        process: impl Into<String>,
        part: PeakOf,
        bars: Bars,
    ) -> Self {
        Self {
            scope: scope.into(),
            process: process.into(),
            part,
            bars,
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let bytes = |sample: &MemorySample| match self.part {
            PeakOf::Resident => sample.rss_high_water_bytes,
            PeakOf::Anonymous => sample.anonymous_bytes,
        };
        // A sidecar that was restarted starts its high-water mark anew: the highest of all counts.
        let samples = view
            .record()
            .memory
            .iter()
            .filter(|sample| sample.process == self.process);
        let (mut examined, mut peak) = (0, None);
        for sample in samples {
            examined += 1;
            peak = peak.max(Some(bytes(sample)));
        }
        Evidence::maybe(peak.map(Amount::bytes))
            .examined(examined)
            .note(self.process.clone())
    }
}

impl Check for SidecarMemoryPeak {
    fn id(&self) -> &'static str {
        match self.part {
            PeakOf::Resident => "sidecar-memory-resident",
            PeakOf::Anonymous => "sidecar-memory-anonymous",
        }
    }

    fn requirement(&self) -> &'static str {
        "SC-007"
    }

    fn claim(&self) -> String {
        format!("the sidecar {} stays small under load", self.process)
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let of = match self.part {
            PeakOf::Resident => "peak resident",
            PeakOf::Anonymous => "peak anonymous",
        };
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
    use crate::ledger::{LaneRecord, Micros};

    const SAMPLES: u64 = 60;

    fn check(part: PeakOf) -> SidecarMemoryPeak {
        let below = |megabytes| Bar::below(Amount::megabytes(megabytes));
        let scope = Scope::lane(lane()).at_least(SAMPLES);
        SidecarMemoryPeak::new(scope, "daprd-api", part, Bars::new(below(128), below(48)))
    }

    fn sampled(rss: u64, anonymous: u64) -> LaneRecord {
        let mut record = healthy(1);
        record.memory = (0..60)
            .map(|second| MemorySample {
                process: "daprd-api".to_owned(),
                at: Micros(second * 1_000_000),
                rss_bytes: rss,
                rss_high_water_bytes: rss,
                anonymous_bytes: anonymous,
                file_bytes: rss - anonymous,
            })
            .collect();
        record
    }

    #[test]
    fn passes_below_both_bars() {
        assert_both(
            &judge(&check(PeakOf::Resident), sampled(40 << 20, 1)),
            Verdict::Pass,
        );
        assert_both(
            &judge(&check(PeakOf::Anonymous), sampled(200 << 20, 40 << 20)),
            Verdict::Pass,
        );
    }

    #[test]
    fn planted_peak_in_one_sample_is_found() {
        let mut record = sampled(100_000_000, 20_000_000);
        record.memory[30].rss_high_water_bytes = 128_000_000;
        record.memory[31].anonymous_bytes = 50_000_000;
        assert_both(
            &judge(&check(PeakOf::Resident), record.clone()),
            Verdict::Fail,
        );
        let anonymous = judge(&check(PeakOf::Anonymous), record);
        assert_eq!(anonymous.asked.verdict, Verdict::Pass);
        assert_eq!(anonymous.ours.missed_by.as_deref(), Some("2 MB over (4%)"));
    }

    #[test]
    fn too_few_samples_and_other_processes_are_inconclusive() {
        let check = check(PeakOf::Resident);
        let mut few = sampled(1 << 20, 1);
        few.memory.pop();
        assert_both(&judge(&check, few), Verdict::Inconclusive);
        let mut other = sampled(1 << 20, 1);
        for sample in &mut other.memory {
            "daprd-audit".clone_into(&mut sample.process);
        }
        assert_both(&judge(&check, other), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
