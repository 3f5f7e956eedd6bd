use gauntlet_reports::evidence::Finding;

use super::evidence::Evidence;
use super::sidecar_load::under_load;
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

/// SC-007: the peak memory of one sidecar under load; a lane without load while it was sampled is
/// inconclusive. The scope's minimum is the number of planned samples.
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
        let evidence = Evidence::maybe(peak.map(Amount::bytes)).examined(examined);
        under_load(evidence, view.record(), &self.process)
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
    use std::time::Duration;

    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::Bar;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::LaneRecord;

    const SAMPLES: u64 = 60;

    fn check(part: PeakOf) -> SidecarMemoryPeak {
        let below = |megabytes| Bar::below(Amount::megabytes(megabytes));
        let scope = Scope::lane(lane()).at_least(SAMPLES);
        SidecarMemoryPeak::new(scope, "daprd-api", part, Bars::new(below(128), below(48)))
    }

    /// A sample a second from the first send on.
    fn sampled(rss: u64, anonymous: u64) -> LaneRecord {
        let mut record = healthy(1);
        let began_at = record.began_at();
        record.memory = (0..60)
            .map(|second| MemorySample {
                process: "daprd-api".to_owned(),
                at: began_at.after(Duration::from_secs(second)),
                rss_bytes: rss,
                rss_high_water_bytes: rss,
                anonymous_bytes: anonymous,
                file_bytes: rss - anonymous,
                cgroup: None,
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
    fn the_load_stands_beside_the_figure() {
        let finding = judge(&check(PeakOf::Resident), sampled(1 << 20, 1));
        let told = "1 change acknowledged and 1 effect committed in the 59 s";
        assert!(
            finding.note.as_ref().unwrap().contains(told),
            "{finding:#?}"
        );
    }

    #[test]
    fn planted_idle_sidecar_is_inconclusive() {
        // All was over before the first sample, or nothing came out at the other end meanwhile.
        let mut before = sampled(1 << 20, 1);
        for sample in &mut before.memory {
            sample.at = sample.at.after(Duration::from_secs(1));
        }
        let mut stuck = sampled(1 << 20, 1);
        stuck.effects.clear();
        // The first of ten came through, and then nothing more.
        let mut broken = sampled(1 << 20, 1);
        broken.operations = healthy(10).operations;
        for idle in [before, stuck, broken] {
            let finding = judge(&check(PeakOf::Resident), idle);
            assert_both(&finding, Verdict::Inconclusive);
            let note = finding.note.unwrap();
            assert!(note.contains("less than half of the load"), "{note}");
        }
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
