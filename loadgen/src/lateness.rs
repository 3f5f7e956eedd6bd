use std::time::Duration;

use crate::error::LoadError;
use crate::histogram::Histogram;

/// Beyond this an operation did not start when it was meant to.
pub const LATE: Duration = Duration::from_millis(5);
/// Largest share of late operations at which a load still is the load that was asked for.
pub const LATE_LIMIT: f64 = 0.01;

/// The generator's own fault: how long after its intended time each operation was sent.
///
/// The distribution is of that time as it was. What counts as late leaves out the time that the
/// schedule itself allows, see [`Arrival::leaving`](crate::arrival::Arrival::leaving).
#[derive(Clone, Debug)]
pub struct Lateness {
    histogram: Histogram,
    allowed: Duration,
    late_beyond_5ms: u64,
}

impl Lateness {
    pub(crate) fn new(allowed: Duration) -> Result<Lateness, LoadError> {
        Ok(Lateness {
            histogram: Histogram::new()?,
            allowed,
            late_beyond_5ms: 0,
        })
    }

    pub(crate) fn record(&mut self, late: Duration) {
        self.histogram.record(late);
        if late > self.allowed + LATE {
            self.late_beyond_5ms += 1;
        }
    }

    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    pub fn late_beyond_5ms(&self) -> u64 {
        self.late_beyond_5ms
    }

    /// Share of operations that were late, 0–1; zero when there were none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count loses precision only beyond 2^53 operations"
    )]
    pub fn share(&self) -> f64 {
        let count = self.histogram.count().max(1);
        self.late_beyond_5ms as f64 / count as f64
    }

    /// Whether so much was late that figures of the load say more about the generator than about
    /// the target: the run is inconclusive.
    pub fn is_beyond_limit(&self) -> bool {
        self.share() > LATE_LIMIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_is_still_within_the_limit() {
        let mut lateness = Lateness::new(Duration::ZERO).expect("bounds");
        for _ in 0..99 {
            lateness.record(Duration::from_millis(5));
        }
        lateness.record(Duration::from_millis(6));
        assert_eq!(lateness.late_beyond_5ms(), 1);
        assert!(!lateness.is_beyond_limit());

        lateness.record(Duration::from_millis(6));
        assert!(lateness.is_beyond_limit());
    }

    #[test]
    fn what_the_schedule_allows_is_not_late() {
        let mut lateness = Lateness::new(Duration::from_millis(50)).expect("bounds");
        lateness.record(Duration::from_millis(55));
        assert_eq!(lateness.late_beyond_5ms(), 0);
        lateness.record(Duration::from_millis(56));
        assert_eq!(lateness.late_beyond_5ms(), 1);
        assert!(lateness.histogram().max() > Duration::from_millis(50));
    }
}
