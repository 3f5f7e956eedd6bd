use std::collections::BTreeMap;

use gauntlet_reports::evidence::Figure;
use gauntlet_reports::format;

use super::super::Amount;
use super::super::sidecar_memory_growth::{Growth, reach};
use crate::ledger::{CgroupMemory, LaneView, Micros};

/// SC-007, beside the judged peaks: what the cgroup of each sidecar of a lane held. Its working set as
/// a peak and as growth, and the kernel's own peak of all that the cgroup was charged.
///
/// No bar applies: the claim is judged on the resident high-water mark, which exists without a
/// container too. Samples without a cgroup give no figure, and no zero either.
pub fn sidecar_cgroup(view: LaneView<'_>) -> Vec<Figure> {
    let record = view.record();
    let mut sampled: BTreeMap<&str, Vec<(Micros, CgroupMemory)>> = BTreeMap::new();
    for sample in &record.memory {
        if let Some(memory) = sample.cgroup {
            let of_process = sampled.entry(&sample.process).or_default();
            of_process.push((sample.at, memory));
        }
    }
    let figures = sampled.into_iter().flat_map(|(process, samples)| {
        let figures = [
            working_set_peak(&samples),
            working_set_growth(&samples),
            charged_peak(&samples),
        ];
        figures.into_iter().flatten().map(move |number| {
            let quantity = number.amount.quantity();
            Figure {
                lane: record.lane.to_string(),
                name: format!("{process}: {}", number.what),
                value: quantity.value,
                unit: quantity.unit,
                note: Some(number.note),
            }
        })
    });
    figures.collect()
}

/// A figure before it has a lane and a process.
struct Number {
    what: &'static str,
    amount: Amount,
    note: String,
}

/// The kernel keeps no mark of it: a peak between two samples is not seen.
fn working_set_peak(samples: &[(Micros, CgroupMemory)]) -> Option<Number> {
    let all = samples.iter().map(|(_, memory)| memory);
    let highest = all.max_by_key(|memory| memory.working_set_bytes)?;
    Some(Number {
        what: "cgroup working set, peak",
        amount: Amount::bytes(highest.working_set_bytes),
        note: format!(
            "highest of {}; {} of it anonymous; usage without inactive file pages",
            format::plural(samples.len() as u64, "sample"),
            Amount::bytes(highest.anonymous_bytes),
        ),
    })
}

fn working_set_growth(samples: &[(Micros, CgroupMemory)]) -> Option<Number> {
    let sets: Vec<(Micros, u64)> = samples
        .iter()
        .map(|(at, memory)| (*at, memory.working_set_bytes))
        .collect();
    let growth = Growth::of(&sets)?;
    let note = format!("{}; {}", growth.interval(), reach(&sets));
    Some(Number {
        what: "cgroup working set, growth",
        amount: growth.estimate,
        note,
    })
}

/// Of a sidecar that was made anew the highest counts.
fn charged_peak(samples: &[(Micros, CgroupMemory)]) -> Option<Number> {
    let all = || samples.iter().map(|(_, memory)| memory);
    let peak = all().filter_map(|memory| memory.peak_bytes).max()?;
    let limit = all().filter_map(|memory| memory.limit_bytes).min();
    let limit = limit.map_or("no limit".to_owned(), |limit| {
        format!("limit {}", Amount::bytes(limit))
    });
    Some(Number {
        what: "cgroup usage, peak",
        amount: Amount::bytes(peak),
        note: format!("the kernel's mark since the cgroup was made, page cache included; {limit}"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::testing::{healthy, lane};
    use crate::ledger::{LaneRecord, Ledger, MemorySample};

    const MB: u64 = 1_000_000;

    fn memory(working_set_bytes: u64) -> CgroupMemory {
        CgroupMemory {
            usage_bytes: working_set_bytes + 7 * MB,
            working_set_bytes,
            anonymous_bytes: 20 * MB,
            peak_bytes: Some(90 * MB),
            limit_bytes: Some(256 * MB),
        }
    }

    /// A sample a second of one sidecar, by the second.
    fn sampled(
        record: &mut LaneRecord,
        process: &str,
        cgroup: impl Fn(u64) -> Option<CgroupMemory>,
    ) {
        let began_at = record.began_at();
        record.memory.extend((0..60).map(|second| MemorySample {
            process: process.to_owned(),
            at: began_at.after(Duration::from_secs(second)),
            rss_bytes: 100 * MB,
            rss_high_water_bytes: 100 * MB,
            anonymous_bytes: 20 * MB,
            file_bytes: 80 * MB,
            cgroup: cgroup(second),
        }));
    }

    fn figures(record: LaneRecord) -> Vec<Figure> {
        let ledger = Ledger::new("test", vec![record]);
        sidecar_cgroup(ledger.lane(&lane()).unwrap())
    }

    fn found<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
        let mut named = figures.iter().filter(|figure| figure.name == name);
        named.next().unwrap_or_else(|| panic!("{figures:#?}"))
    }

    #[test]
    fn planted_peak_in_one_sample_is_shown() {
        let mut record = healthy(1);
        sampled(&mut record, "daprd-api", |second| {
            let mut now = memory(if second == 30 { 70 * MB } else { 40 * MB });
            now.peak_bytes = Some(if second < 40 { 80 * MB } else { 90 * MB });
            Some(now)
        });
        let figures = figures(record);
        assert_eq!(figures.len(), 3);
        let set = found(&figures, "daprd-api: cgroup working set, peak");
        assert_eq!((set.value, set.unit.as_str()), (70.0, "MB"));
        let note = set.note.as_deref().unwrap();
        assert!(
            note.starts_with("highest of 60 samples; 20 MB of it anonymous"),
            "{note}"
        );
        let usage = found(&figures, "daprd-api: cgroup usage, peak");
        assert_eq!((usage.value, usage.unit.as_str()), (90.0, "MB"));
        assert!(usage.note.as_deref().unwrap().ends_with("limit 256 MB"));
    }

    #[test]
    fn planted_growth_is_shown_with_its_reach() {
        let mut record = healthy(1);
        // 3 MB in ten minutes.
        let growing = |second| Some(memory(40 * MB + second * 5_000));
        sampled(&mut record, "daprd-api", growing);
        let figures = figures(record);
        let growth = found(&figures, "daprd-api: cgroup working set, growth");
        assert!((growth.value - 3.0).abs() < 1e-6, "{growth:?}");
        assert_eq!(growth.unit, "MB in 10 min");
        let note = growth.note.as_deref().unwrap();
        assert!(note.starts_with("95% interval 3 MB in 10 min"), "{note}");
        assert!(note.ends_with("extrapolated from 59 s to 10 min"), "{note}");
    }

    #[test]
    fn planted_samples_without_a_cgroup_are_not_zeros() {
        let mut record = healthy(1);
        sampled(&mut record, "daprd-api", |_| None);
        assert_eq!(figures(record.clone()), []);
        // The other sidecar has one, and its last samples were taken when it was gone.
        sampled(&mut record, "daprd-audit", |second| {
            (second < 50).then(|| memory(40 * MB))
        });
        let figures = figures(record);
        let of_audit = |figure: &Figure| figure.name.starts_with("daprd-audit: ");
        assert!(figures.iter().all(of_audit), "{figures:#?}");
        let growth = found(&figures, "daprd-audit: cgroup working set, growth");
        assert!(growth.value.abs() < f64::EPSILON, "{growth:?}");
        let set = found(&figures, "daprd-audit: cgroup working set, peak");
        let note = set.note.as_deref().unwrap();
        assert!(note.starts_with("highest of 50 samples"), "{note}");
    }

    #[test]
    fn a_kernel_that_keeps_no_peak_gives_no_figure_of_it() {
        let mut record = healthy(1);
        sampled(&mut record, "daprd-api", |_| {
            Some(CgroupMemory {
                peak_bytes: None,
                limit_bytes: None,
                ..memory(40 * MB)
            })
        });
        let figures = figures(record);
        assert_eq!(figures.len(), 2, "{figures:#?}");
        assert!(!figures.iter().any(|figure| figure.name.contains("usage")));
    }

    #[test]
    fn two_samples_have_a_peak_and_no_growth() {
        let mut record = healthy(1);
        sampled(&mut record, "daprd-api", |_| Some(memory(40 * MB)));
        record.memory.truncate(2);
        let figures = figures(record);
        assert_eq!(figures.len(), 2, "{figures:#?}");
        assert!(!figures.iter().any(|figure| figure.name.contains("growth")));
    }
}
