//! All checks that a scenario runs over one lane of changes, up to five versions of a task, with the
//! fold of the ledger and on one that is already folded: judging must grow linearly up to a million
//! events.
//!
//! Measured on 2026-11-21 on 2 cores, with nothing beside it; fold and all twelve checks, mean of
//! ten:
//!
//! | events | time | a second | time an event |
//! |--:|--:|--:|--:|
//! | 10,000 | 42.6 ms | 235,000 | 4.3 µs |
//! | 100,000 | 445 ms | 225,000 | 4.5 µs |
//! | 1,000,000 | 4.70 s | 213,000 | 4.7 µs |
//!
//! A hundred times the events took 110 times as long. The checks alone, on a folded ledger, took 42.8 ms,
//! 445 ms and 4.41 s.

use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use gauntlet_harness::check::{
    AuditLogsComplete, Bar, Bars, BurstCompleteWithin, Check, CommitToEffect, ConsumerDrained,
    ContentIntact, EffectsInOrder, GeneratorOnTime, NoEffectTwice, NoHealthyDeadLetter,
    NothingInvented, NothingLost, PublishLatency, Scope, UnknownsSettled,
};
use gauntlet_harness::ledger::{Lane, LaneRecord, Ledger, sample};
use gauntlet_reports::evidence::Verdict;

const LANE: &str = "dapr-kafka";
const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn checks() -> Vec<Box<dyn Check>> {
    let scope = || Scope::lane(Lane::new(LANE));
    let bars = Bars::both(Bar::at_most(Duration::from_hours(10)));
    vec![
        Box::new(NothingLost::new(scope())),
        Box::new(NoEffectTwice::new(scope())),
        Box::new(EffectsInOrder::new(scope())),
        Box::new(NoHealthyDeadLetter::new(scope())),
        Box::new(NothingInvented::new(scope())),
        Box::new(UnknownsSettled::new(scope())),
        Box::new(ContentIntact::new(scope())),
        Box::new(AuditLogsComplete::new(scope())),
        Box::new(ConsumerDrained::new(scope())),
        Box::new(GeneratorOnTime::new(scope())),
        Box::new(BurstCompleteWithin::new(scope(), bars)),
        Box::new(PublishLatency::new(scope(), bars)),
        Box::new(CommitToEffect::new(scope(), bars)),
    ]
}

fn close(record: LaneRecord) -> Ledger {
    Ledger::new("bench", vec![record])
}

fn judge(checks: &[Box<dyn Check>], ledger: &Ledger) -> usize {
    let findings = checks.iter().map(|check| check.judge(ledger));
    findings
        .filter(|finding| finding.asked.verdict == Verdict::Pass)
        .count()
}

fn judgement(criterion: &mut Criterion) {
    let checks = checks();
    let mut group = criterion.benchmark_group("judgement");
    group
        .sample_size(10)
        // One pass over a million events takes seconds: growing samples would take minutes.
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let record = sample::lane_of_changes(LANE, size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(
            BenchmarkId::new("fold and all checks", size),
            &record,
            |bencher, record| {
                bencher.iter_batched_ref(
                    || close(record.clone()),
                    |ledger| judge(&checks, ledger),
                    BatchSize::PerIteration,
                );
            },
        );
        let ledger = close(record);
        // A bench of checks that bail out would measure nothing.
        assert_eq!(judge(&checks, &ledger), checks.len());
        group.bench_with_input(
            BenchmarkId::new("all checks", size),
            &ledger,
            |bencher, ledger| {
                bencher.iter(|| judge(&checks, ledger));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, judgement);
criterion_main!(benches);
