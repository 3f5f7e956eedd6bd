use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Offsets;

/// What one thread on a shared core needs to send one request, with room: 10 to 20 µs were measured.
const SENDING_EACH: Duration = Duration::from_micros(50);

/// Operations that are all meant to start at the same moment, once or repeatedly.
///
/// No thread sends a thousand requests in the same 5 ms, so a burst states how long it may take to
/// leave. Latency still counts from the one moment, against the target; only what leaves later than
/// stated is the generator's lateness. How concurrent the burst was in the end is the record's
/// `peak_in_flight`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// Operations a burst.
    pub size: u32,
    pub times: NonZeroU32,
    /// From one burst's moment to the next one's.
    pub every: Duration,
    /// How long each burst may take to leave.
    pub leaving: Duration,
}

impl Burst {
    pub fn once(size: u32) -> Burst {
        Burst {
            size,
            times: NonZeroU32::MIN,
            every: Duration::ZERO,
            leaving: SENDING_EACH.saturating_mul(size),
        }
    }

    /// The same burst, with another time to leave.
    #[must_use]
    pub fn leaving(mut self, within: Duration) -> Burst {
        self.leaving = within;
        self
    }

    pub fn count(self) -> u64 {
        u64::from(self.size) * u64::from(self.times.get())
    }

    pub fn lasting(self) -> Duration {
        self.every.saturating_mul(self.times.get() - 1)
    }

    pub fn offsets(self) -> Offsets {
        let Burst {
            size, times, every, ..
        } = self;
        Box::new(
            (0..times.get()).flat_map(move |burst| {
                std::iter::repeat_n(every.saturating_mul(burst), size as usize)
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_single_burst_is_one_moment() {
        let offsets: Vec<_> = Burst::once(1_000).offsets().collect();
        assert_eq!(offsets, vec![Duration::ZERO; 1_000]);
    }

    proptest! {
        #[test]
        fn bursts_repeat_on_time(size in 0_u32..100, times in 1_u32..10, millis in 1_u64..5_000) {
            let burst = Burst {
                size,
                times: NonZeroU32::new(times).expect("not zero"),
                every: Duration::from_millis(millis),
                leaving: Duration::ZERO,
            };
            let offsets: Vec<_> = burst.offsets().collect();

            prop_assert_eq!(offsets.len() as u64, burst.count());
            prop_assert!(offsets.is_sorted());
            for (index, offset) in offsets.iter().enumerate() {
                let nth = u64::try_from(index).expect("small") / u64::from(size);
                prop_assert_eq!(*offset, Duration::from_millis(millis * nth));
            }
        }
    }
}
