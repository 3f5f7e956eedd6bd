use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Offsets, Rate};

/// Evenly spaced operations at one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steady {
    pub rate: Rate,
    pub lasting: Duration,
}

impl Steady {
    pub fn count(self) -> u64 {
        self.rate.count_within(self.lasting)
    }

    pub fn offsets(self) -> Offsets {
        let Steady { rate, .. } = self;
        Box::new((0..self.count()).map(move |index| rate.offset(index)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn holds_the_exact_rate(per_second in 1_u32..5_000, seconds in 1_u64..4) {
            let rate = Rate::try_per_second(per_second).expect("not zero");
            let steady = Steady { rate, lasting: Duration::from_secs(seconds) };
            let offsets: Vec<_> = steady.offsets().collect();

            prop_assert_eq!(offsets.len() as u64, u64::from(per_second) * seconds);
            prop_assert_eq!(steady.count(), offsets.len() as u64);
            prop_assert!(offsets.is_sorted());
            // Each second holds exactly `rate` operations: no drift, however long it lasts.
            for second in 0..seconds {
                let before = |end| offsets.partition_point(|offset| *offset < Duration::from_secs(end));
                let within = before(second + 1) - before(second);
                prop_assert_eq!(within as u64, u64::from(per_second));
            }
        }

        #[test]
        fn ends_within_its_duration(per_second in 1_u32..20_000, millis in 1_u64..1_000) {
            let rate = Rate::try_per_second(per_second).expect("not zero");
            let lasting = Duration::from_millis(millis);
            let last = Steady { rate, lasting }.offsets().last().expect("at least one");
            prop_assert!(last < lasting);
        }
    }
}
