use std::time::Duration;

use crate::error::LoadError;
use crate::histogram::Histogram;

/// What any send is given: a timer on a shared core is not more exact than this.
pub const LATE: Duration = Duration::from_millis(5);
/// Largest share of late operations at which a load still is the load that was asked for.
pub const LATE_LIMIT: f64 = 0.01;

/// The generator's own fault: how long after its intended time each operation was sent.
///
/// The distribution is of that time as it was. What counts as late is beyond [`LATE`] and the time
/// that the schedule itself allows, see [`Arrival::leaving`](crate::arrival::Arrival::leaving); what
/// is beyond [`LATE`] alone is counted beside it, so that an allowance hides nothing.
#[derive(Clone, Debug)]
pub struct Lateness {
    histogram: Histogram,
    allowed: Duration,
    late: u64,
    beyond_5ms: u64,
}

impl Lateness {
    pub(crate) fn new(allowed: Duration) -> Result<Lateness, LoadError> {
        Ok(Lateness {
            histogram: Histogram::new()?,
            allowed,
            late: 0,
            beyond_5ms: 0,
        })
    }

    pub(crate) fn record(&mut self, late: Duration) {
        self.histogram.record(late);
        self.late += u64::from(late > self.late_after());
        self.beyond_5ms += u64::from(late > LATE);
    }

    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// What the schedule allows on top of [`LATE`]; zero but for bursts.
    pub fn allowed(&self) -> Duration {
        self.allowed
    }

    /// From how long after its intended time on a send counts as late.
    pub fn late_after(&self) -> Duration {
        self.allowed + LATE
    }

    /// Operations sent later than [`Lateness::late_after`].
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Operations sent more than 5 ms after their intended time, whatever the schedule allows.
    pub fn beyond_5ms(&self) -> u64 {
        self.beyond_5ms
    }

    /// Share of operations that were late, 0–1; zero when there were none.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count loses precision only beyond 2^53 operations"
    )]
    pub fn share(&self) -> f64 {
        let count = self.histogram.count().max(1);
        self.late as f64 / count as f64
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
        assert_eq!((lateness.late(), lateness.beyond_5ms()), (1, 1));
        assert!(!lateness.is_beyond_limit());

        lateness.record(Duration::from_millis(6));
        assert!(lateness.is_beyond_limit());
    }

    #[test]
    fn what_the_schedule_allows_is_not_late() {
        let mut lateness = Lateness::new(Duration::from_millis(50)).expect("bounds");
        assert_eq!(lateness.late_after(), Duration::from_millis(55));
        lateness.record(Duration::from_millis(55));
        assert_eq!(lateness.late(), 0);
        lateness.record(Duration::from_millis(56));
        assert_eq!(lateness.late(), 1);
        assert!(lateness.histogram().max() > Duration::from_millis(50));
    }

    #[test]
    fn an_allowance_does_not_hide_what_left_beyond_five_milliseconds() {
        let mut lateness = Lateness::new(Duration::from_millis(100)).expect("bounds");
        for millis in [5, 6, 60, 105, 106] {
            lateness.record(Duration::from_millis(millis));
        }
        assert_eq!((lateness.late(), lateness.beyond_5ms()), (1, 4));
    }
}
