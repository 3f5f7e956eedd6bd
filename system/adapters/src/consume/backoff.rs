use std::time::Duration;

/// How long to wait after the n-th failure of the same thing.
///
/// The first failures are answered evenly, because a poison event gets three handled failures that
/// far apart before it is dead-lettered. After them the wait doubles, so that a database that is
/// away for a minute is not asked ten times a second by every consumer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    ceiling: Duration,
}

/// Failures that are answered with the first wait before it starts to double.
const EVEN_FAILURES: u32 = 3;

impl Backoff {
    /// For an event whose handling ended in a retry.
    pub(crate) const HANDLING: Self = Self {
        first: Duration::from_millis(100),
        ceiling: Duration::from_secs(5),
    };
    /// For a broker that cannot be reached. The ceiling bounds the gap after it has come back.
    #[cfg(feature = "redis")]
    pub(crate) const RECONNECT: Self = Self {
        first: Duration::from_millis(50),
        ceiling: Duration::from_secs(1),
    };

    /// The wait after `failures` failures in a row, from 1.
    pub(crate) fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(EVEN_FAILURES);
        let factor = 2_u32.saturating_pow(doublings);
        self.first.saturating_mul(factor).min(self.ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_then_doubling_then_capped() {
        let waits: Vec<u128> = (1..=10)
            .map(|failures| Backoff::HANDLING.after(failures).as_millis())
            .collect();
        assert_eq!(
            waits,
            [100, 100, 100, 200, 400, 800, 1600, 3200, 5000, 5000]
        );
        assert_eq!(Backoff::HANDLING.after(u32::MAX), Duration::from_secs(5));
    }
}
