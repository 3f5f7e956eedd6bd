use std::time::Duration;

use rand::Rng as _;

/// Waits that double up to a cap, each shortened by up to half at random, so that tasks that
/// failed together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, max: Duration) -> Self {
        Self { next: first, max }
    }

    /// The longest wait bounds how long a healed bus goes unnoticed.
    pub(super) fn next_wait(&mut self) -> Duration {
        let full = self.next.min(self.max);
        self.next = full.saturating_mul(2);
        full.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_stay_within_their_half() {
        let first = Duration::from_millis(20);
        let max = Duration::from_millis(100);
        let mut backoff = Backoff::new(first, max);
        for full in [20, 40, 80, 100, 100, 100].map(Duration::from_millis) {
            let wait = backoff.next_wait();
            assert!(wait <= full && wait >= full / 2, "{wait:?} of {full:?}");
        }
    }
}
