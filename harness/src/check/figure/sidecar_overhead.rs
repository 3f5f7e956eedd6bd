//! What the sidecar adds to a publish, by comparing two lanes that took turns.

use gauntlet_reports::evidence::Figure;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::Amount;
use super::super::statistics::{nearest_rank, nearest_rank_index};
use crate::ledger::{Lane, LaneView, Ledger, Phase};

/// Resamples: enough that the ends of a 95 % interval rest on 25 values each.
const RESAMPLES: usize = 1_000;
/// Fewer pairs of blocks than this do not show how much blocks differ.
const BLOCKS_AT_LEAST: usize = 4;

/// Which publish latency is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverheadOf {
    P50,
    P95,
}

impl OverheadOf {
    const ALL: [OverheadOf; 2] = [OverheadOf::P50, OverheadOf::P95];

    fn per_mille(self) -> u32 {
        match self {
            OverheadOf::P50 => 500,
            OverheadOf::P95 => 950,
        }
    }

    fn name(self) -> &'static str {
        match self {
            OverheadOf::P50 => "sidecar overhead, publish p50",
            OverheadOf::P95 => "sidecar overhead, publish p95",
        }
    }
}

/// The difference of the publish latency's p50 and p95, `sidecar` minus `direct`, each with a 95 %
/// interval.
///
/// Method: a seeded percentile bootstrap in two stages. The load ran in interleaved blocks, block
/// `i` of one lane beside block `i` of the other. Each resample first draws pairs of blocks with
/// replacement, which keeps what both lanes of a pair had in common (a busy host) out of the
/// difference and what differs between pairs in it; then it draws samples with replacement within
/// each block, lane by lane. The same ledger and seed give the same figures.
///
/// No figure where a lane is missing or fewer than four blocks were run on both.
pub fn sidecar_overhead(ledger: &Ledger, sidecar: &Lane, direct: &Lane, seed: u64) -> Vec<Figure> {
    let (Some(with), Some(without)) = (ledger.lane(sidecar), ledger.lane(direct)) else {
        return Vec::new();
    };
    let pairs: Vec<Pair> = std::iter::zip(blocks(with), blocks(without))
        .filter(|(with, without)| !with.is_empty() && !without.is_empty())
        .map(|(with, without)| Pair { with, without })
        .collect();
    if pairs.len() < BLOCKS_AT_LEAST {
        return Vec::new();
    }
    let measured = Pools::of_all(&pairs).differences();
    let mut resampled = resample(&pairs, seed);
    OverheadOf::ALL
        .into_iter()
        .map(|of| {
            resampled.sort_unstable_by_key(|differences| differences.of(of));
            let at = |per_mille| {
                let found = nearest_rank(&resampled, per_mille);
                Amount::micros(found.map_or(0, |differences| differences.of(of)))
            };
            let quantity = Amount::micros(measured.of(of)).quantity();
            Figure {
                lane: sidecar.to_string(),
                name: of.name().to_owned(),
                value: quantity.value,
                unit: quantity.unit,
                note: Some(format!(
                    "{sidecar} minus {direct}, 95% interval {} to {}; bootstrap over {} pairs of \
                     blocks, {RESAMPLES} resamples, seed {seed}",
                    at(25),
                    at(975),
                    pairs.len()
                )),
            }
        })
        .collect()
}

/// Publish times of one block on both lanes, in microseconds.
struct Pair {
    with: Vec<u64>,
    without: Vec<u64>,
}

/// Publish times of a lane's load, by block.
fn blocks(view: LaneView<'_>) -> Vec<Vec<u64>> {
    let mut blocks: Vec<Vec<u64>> = Vec::new();
    for (operation, event) in view.operations_with_events(Phase::Load) {
        let block = operation.block as usize;
        if blocks.len() <= block {
            blocks.resize_with(block + 1, Vec::new);
        }
        blocks[block].extend(event.publish_micros);
    }
    blocks
}

/// The samples of both lanes, pooled over blocks.
#[derive(Default)]
struct Pools {
    with: Vec<u64>,
    without: Vec<u64>,
}

impl Pools {
    fn of_all(pairs: &[Pair]) -> Self {
        let mut pools = Pools::default();
        for pair in pairs {
            pools.with.extend(&pair.with);
            pools.without.extend(&pair.without);
        }
        pools
    }

    /// Reorders the samples.
    fn differences(&mut self) -> Differences {
        let mut between = |per_mille| {
            quantile(&mut self.with, per_mille) - quantile(&mut self.without, per_mille)
        };
        Differences {
            p50_micros: between(OverheadOf::P50.per_mille()),
            p95_micros: between(OverheadOf::P95.per_mille()),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Differences {
    p50_micros: i64,
    p95_micros: i64,
}

impl Differences {
    fn of(self, of: OverheadOf) -> i64 {
        match of {
            OverheadOf::P50 => self.p50_micros,
            OverheadOf::P95 => self.p95_micros,
        }
    }
}

/// By nearest rank, without sorting all: this runs four times a resample.
fn quantile(samples: &mut [u64], per_mille: u32) -> i64 {
    let Some(index) = nearest_rank_index(samples.len(), per_mille) else {
        return 0;
    };
    let (_, found, _) = samples.select_nth_unstable(index);
    i64::try_from(*found).unwrap_or(i64::MAX)
}

fn resample(pairs: &[Pair], seed: u64) -> Vec<Differences> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pools = Pools::default();
    let mut draw = |pools: &mut Pools| {
        pools.with.clear();
        pools.without.clear();
        for _ in pairs {
            let pair = &pairs[random.random_range(0..pairs.len())];
            for (samples, pool) in [
                (&pair.with, &mut pools.with),
                (&pair.without, &mut pools.without),
            ] {
                let drawn = samples
                    .iter()
                    .map(|_| samples[random.random_range(0..samples.len())]);
                pool.extend(drawn);
            }
        }
    };
    (0..RESAMPLES)
        .map(|_| {
            draw(&mut pools);
            pools.differences()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{LaneRecord, sample};

    const COUNT: usize = 400;

    /// A lane of eight blocks, each with a drift of its own, whose publishes take `base` and spread.
    fn lane(name: &str, base: u64) -> LaneRecord {
        let mut record = sample::lane(name, COUNT);
        for position in 0..COUNT {
            let block = position / 50;
            record.operations[position].block = u32::try_from(block).unwrap();
            let spread = (position as u64).wrapping_mul(7919) % 100;
            record.events[position].publish_micros = Some(base + spread + 40 * (block as u64 % 3));
        }
        record
    }

    fn overhead(sidecar: LaneRecord, direct: LaneRecord) -> Vec<Figure> {
        let ledger = Ledger::new("test", vec![sidecar, direct]);
        sidecar_overhead(&ledger, &Lane::new("dapr"), &Lane::new("direct"), 7)
    }

    #[test]
    fn planted_difference_is_measured_with_its_interval() {
        let figures = overhead(lane("dapr", 2_500), lane("direct", 1_000));
        assert_eq!(figures.len(), 2);
        for figure in &figures {
            assert_eq!((figure.value, figure.unit.as_str()), (1.5, "ms"));
            let note = figure.note.as_deref().unwrap();
            assert!(
                note.starts_with("dapr minus direct, 95% interval 1.4"),
                "{note}"
            );
            assert!(
                note.contains("8 pairs of blocks, 1000 resamples, seed 7"),
                "{note}"
            );
        }
    }

    #[test]
    fn no_difference_has_an_interval_across_zero() {
        let figures = overhead(lane("dapr", 1_000), lane("direct", 1_000));
        let note = figures[0].note.as_deref().unwrap();
        assert!(figures[0].value.abs() < f64::EPSILON);
        assert!(note.contains("interval -"), "{note}");
    }

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        let once = overhead(lane("dapr", 2_500), lane("direct", 1_000));
        assert_eq!(once, overhead(lane("dapr", 2_500), lane("direct", 1_000)));
    }

    #[test]
    fn too_few_blocks_or_lanes_give_no_figure() {
        let mut short = lane("dapr", 1_000);
        for operation in &mut short.operations {
            operation.block %= 3;
        }
        assert!(overhead(short, lane("direct", 1_000)).is_empty());
        assert!(overhead(lane("dapr", 1_000), lane("other", 1_000)).is_empty());
    }
}
