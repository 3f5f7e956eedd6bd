//! Statistics with their definitions. All are exact on the samples given and free of randomness.

use std::time::Duration;

use super::amount::real;

/// Quantile `per_mille`/1000 by nearest rank: the smallest sample that at least that share of the
/// samples does not exceed. It is always a value that occurred, never one between two.
///
/// `sorted` ascends; none for no samples.
pub fn nearest_rank<T: Copy>(sorted: &[T], per_mille: u32) -> Option<T> {
    nearest_rank_index(sorted.len(), per_mille).map(|index| sorted[index])
}

/// Position of [`nearest_rank`]'s sample among `len` ascending ones; none for no samples.
pub(super) fn nearest_rank_index(len: usize, per_mille: u32) -> Option<usize> {
    let rank = (len as u128 * u128::from(per_mille)).div_ceil(1_000);
    let rank = usize::try_from(rank).unwrap_or(usize::MAX);
    (len > 0).then(|| rank.clamp(1, len) - 1)
}

/// Exact quantiles of a set of durations.
#[derive(Clone, Debug, Default)]
pub(super) struct Distribution {
    sorted_micros: Vec<u64>,
}

impl Distribution {
    pub(super) fn of_micros(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        Self {
            sorted_micros: micros,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.sorted_micros.len() as u64
    }

    /// By nearest rank; none for no samples.
    pub(super) fn quantile(&self, per_mille: u32) -> Option<Duration> {
        nearest_rank(&self.sorted_micros, per_mille).map(Duration::from_micros)
    }

    /// The distribution in a line, for a note.
    pub(super) fn summary(&self) -> String {
        let at = |per_mille| {
            self.quantile(per_mille).map_or("–".to_owned(), |time| {
                super::Amount::from(time).to_string()
            })
        };
        format!(
            "p50 {}, p95 {}, p99 {}, max {} (nearest rank)",
            at(500),
            at(950),
            at(990),
            at(1_000)
        )
    }
}

/// Half-width of a 95 % interval in standard deviations of a normal distribution.
const Z_95: f64 = 1.959_964;

/// A slope with its 95 % confidence interval, in units of `y` per unit of `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Theil–Sen slope (the median of the slopes of all pairs) with Sen's confidence interval from the
/// variance of Kendall's statistic. A few outliers, such as the heap just before a collection, do
/// not move it. Quadratic in the points, so that callers thin them first; `x` must ascend strictly.
///
/// None for fewer than three points: two have a slope, but nothing that says how sure it is.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < 3 {
        return None;
    }
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (index, &(x0, y0)) in points.iter().enumerate() {
        slopes.extend(
            points[index + 1..]
                .iter()
                .map(|&(x1, y1)| (y1 - y0) / (x1 - x0)),
        );
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let n = real(points.len() as u64);
    let spread = Z_95 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let pairs = real(slopes.len() as u64);
    let at = |rank: f64| slopes[index_near(rank, slopes.len())];
    Some(Slope {
        estimate: f64::midpoint(at(((pairs - 1.0) / 2.0).floor()), at((pairs / 2.0).floor())),
        low: at(((pairs - spread) / 2.0).floor() - 1.0),
        high: at(f64::midpoint(pairs, spread).ceil()),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the rank is clamped to the positions of a slice"
)]
fn index_near(rank: f64, len: usize) -> usize {
    (rank.max(0.0) as usize).min(len - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_is_a_sample_that_occurred() {
        let samples = [10, 20, 30, 40];
        assert_eq!(nearest_rank(&samples, 500), Some(20));
        assert_eq!(nearest_rank(&samples, 501), Some(30));
        assert_eq!(nearest_rank(&samples, 950), Some(40));
        assert_eq!(nearest_rank(&samples, 0), Some(10));
        assert_eq!(nearest_rank::<u64>(&[], 950), None);
    }

    #[test]
    fn p95_of_a_hundred_is_the_ninety_fifth() {
        let samples: Vec<u64> = (1..=100).collect();
        assert_eq!(nearest_rank(&samples, 950), Some(95));
        assert_eq!(nearest_rank(&samples, 990), Some(99));
    }

    fn line(per_step: f64, noise: impl Fn(u32) -> f64) -> Vec<(f64, f64)> {
        (0..60)
            .map(|i| (f64::from(i), per_step * f64::from(i) + noise(i)))
            .collect()
    }

    #[test]
    fn a_straight_line_has_its_slope_and_no_doubt() {
        let slope = theil_sen(&line(2.0, |_| 0.0)).unwrap();
        assert_eq!((slope.estimate, slope.low, slope.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn outliers_do_not_move_the_slope() {
        let spikes = |i| if i % 20 == 7 { 500.0 } else { f64::from(i % 3) };
        let slope = theil_sen(&line(2.0, spikes)).unwrap();
        assert!((slope.estimate - 2.0).abs() < 0.1, "{slope:?}");
        assert!(slope.low <= 2.0 && slope.high >= 2.0, "{slope:?}");
    }

    #[test]
    fn noise_without_growth_leaves_the_sign_open() {
        let slope = theil_sen(&line(0.0, |i| f64::from(i * 7919 % 31))).unwrap();
        assert!(slope.low < 0.0 && slope.high > 0.0, "{slope:?}");
    }

    #[test]
    fn two_points_say_nothing() {
        assert_eq!(theil_sen(&[(0.0, 0.0), (1.0, 1.0)]), None);
    }
}
