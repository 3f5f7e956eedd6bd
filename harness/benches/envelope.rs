//! Encoding and decoding of one event envelope: by the system's types, and as the judge reads it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gauntlet_contract::Envelope;
use gauntlet_harness::ledger::{SeenEvent, sample};
use serde_json::Value;

fn envelope(criterion: &mut Criterion) {
    let record = sample::lane("dapr-kafka", 1);
    let text = record.effects[0].envelope.text();
    let decoded: Envelope = serde_json::from_str(text).expect("the sample is a valid envelope");
    let mut group = criterion.benchmark_group("envelope");
    group
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| serde_json::to_vec(black_box(&decoded)));
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| serde_json::from_str::<Envelope>(black_box(text)));
    });
    group.bench_function("decode as the judge", |bencher| {
        bencher.iter(|| {
            let tree: Value = serde_json::from_str(black_box(text)).unwrap_or_default();
            SeenEvent::read(&tree)
        });
    });
    group.finish();
}

criterion_group!(benches, envelope);
criterion_main!(benches);
