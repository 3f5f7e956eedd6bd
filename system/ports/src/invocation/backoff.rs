use std::time::Duration;

use rand::Rng;

/// Waits that double from `first` up to `ceiling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    /// Bounds how long a callee that has healed goes unnoticed.
    pub ceiling: Duration,
}

impl Backoff {
    /// The longest wait after `failures` failures in a row, from 1.
    pub fn longest(self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.ceiling)
    }

    /// Anything up to the longest wait ("full jitter"), so that callers that failed together do not
    /// come back together.
    pub fn jittered(self, failures: u32, rng: &mut impl Rng) -> Duration {
        self.longest(failures).mul_f64(rng.random_range(0.0..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_millis(50),
        ceiling: Duration::from_millis(300),
    };

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let longest = |failures| BACKOFF.longest(failures).as_millis();
        assert_eq!([1, 2, 3, 4, 5].map(longest), [50, 100, 200, 300, 300]);
        assert_eq!(BACKOFF.longest(u32::MAX), BACKOFF.ceiling);
    }

    #[test]
    fn jitter_uses_the_whole_range_and_never_exceeds_it() {
        let mut rng = StdRng::seed_from_u64(7);
        let waits: Vec<_> = (0..1_000).map(|_| BACKOFF.jittered(2, &mut rng)).collect();
        let longest = BACKOFF.longest(2);
        assert!(waits.iter().all(|wait| *wait <= longest));
        for tenth in 0..10 {
            let within = longest / 10 * tenth..longest / 10 * (tenth + 1);
            assert!(waits.iter().any(|wait| within.contains(wait)), "{within:?}");
        }
    }
}
