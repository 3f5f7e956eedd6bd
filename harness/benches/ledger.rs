//! The fold of a lane, from ten thousand to a million events: the time an event must stay the same.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gauntlet_harness::ledger::sample;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

fn fold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ledger/fold");
    // A million events take about a second a pass: few samples, or the bench takes minutes.
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    for size in SIZES {
        let record = sample::lane("dapr-kafka", size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(
            BenchmarkId::from_parameter(size),
            &record,
            |bencher, record| {
                bencher.iter(|| record.account());
            },
        );
    }
    group.finish();
}

criterion_group!(benches, fold);
criterion_main!(benches);
