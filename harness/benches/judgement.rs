//! All checks that a scenario runs over one lane, on a ledger that is already folded, and again with
//! the fold: judging must grow linearly up to a million events.

use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gauntlet_harness::check::{
    Bar, Bars, BurstCompleteWithin, Check, CommitToEffect, ConsumerDrained, ContentIntact,
    EffectsInOrder, GeneratorOnTime, NoEffectTwice, NoHealthyDeadLetter, NothingInvented,
    NothingLost, PublishLatency, Scope, UnknownsSettled,
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
        .warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let ledger = close(sample::lane(LANE, size));
        // A bench of checks that bail out would measure nothing.
        assert_eq!(judge(&checks, &ledger), checks.len());
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(
            BenchmarkId::new("all checks", size),
            &ledger,
            |bencher, ledger| {
                bencher.iter(|| judge(&checks, ledger));
            },
        );
    }
    let record = sample::lane(LANE, SIZES[1]);
    group.throughput(Throughput::Elements(SIZES[1] as u64));
    group.bench_function(
        BenchmarkId::new("fold and all checks", SIZES[1]),
        |bencher| {
            bencher.iter_batched(
                || close(record.clone()),
                |ledger| judge(&checks, &ledger),
                BatchSize::PerIteration,
            );
        },
    );
    group.finish();
}

criterion_group!(benches, judgement);
criterion_main!(benches);
