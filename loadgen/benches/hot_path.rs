//! What the generator itself costs an operation: computing its moment and booking its end.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gauntlet_loadgen::Histogram;
use gauntlet_loadgen::arrival::{Arrival, Ramp, Rate};

const PER_SECOND: u32 = 5_000;
const LASTING: Duration = Duration::from_secs(2);

fn schedules(criterion: &mut Criterion) {
    let rate = Rate::try_per_second(PER_SECOND).expect("not zero");
    let steady = Arrival::steady(rate, LASTING);
    let ramp = Arrival::Ramp(Ramp {
        from: Rate::try_per_second(1).expect("not zero"),
        to: rate,
        lasting: LASTING,
    });
    let mut group = criterion.benchmark_group("schedule");
    for (name, arrival) in [("steady", steady), ("ramp", ramp)] {
        group.throughput(Throughput::Elements(arrival.count()));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(arrival).offsets().map(black_box).count());
        });
    }
    group.finish();
}

fn recording(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("histogram");
    let mut histogram = Histogram::new().expect("bounds");
    group.throughput(Throughput::Elements(1));
    let mut micros = 1_u64;
    group.bench_function("record", |bencher| {
        bencher.iter(|| {
            // Wanders over the whole range, so that one cached bucket does not flatter the figure.
            micros = micros.wrapping_mul(6_364_136_223_846_793_005) % 10_000_019;
            histogram.record_micros(black_box(micros));
        });
    });
    // Paid a hundred times a second by the live progress.
    group.bench_function("p95", |bencher| {
        bencher.iter(|| black_box(&histogram).percentile(95.0));
    });
    group.finish();
}

criterion_group!(benches, schedules, recording);
criterion_main!(benches);
