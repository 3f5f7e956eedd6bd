use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One clock for a whole load: the system time is read once, and every later moment is that anchor
/// plus monotonic time.
///
/// A step of the system clock during the load can therefore not turn a latency negative. Against
/// stores on the same host (commit times) the readings agree up to what the system clock was
/// adjusted by since the anchor.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor: Instant,
    anchor_unix_micros: u64,
}

impl Clock {
    /// Takes the anchor now.
    pub fn start() -> Clock {
        let anchor = Instant::now();
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Clock {
            anchor,
            anchor_unix_micros: whole_micros(since_epoch),
        }
    }

    /// `at` in microseconds since the unix epoch. Moments before the anchor read as the anchor.
    pub fn unix_micros(&self, at: Instant) -> u64 {
        let since_anchor = at.saturating_duration_since(self.anchor);
        self.anchor_unix_micros
            .saturating_add(whole_micros(since_anchor))
    }
}

pub(crate) fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_on_the_clock_are_monotonic_time() {
        let clock = Clock::start();
        let first = Instant::now();
        let second = first + Duration::from_micros(1_500);
        assert_eq!(clock.unix_micros(second) - clock.unix_micros(first), 1_500);
    }
}
