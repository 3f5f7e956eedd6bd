use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Offsets, Rate, Steady};

/// A steady rate, a higher one for a while, and the first one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spike {
    pub base: Rate,
    pub peak: Rate,
    pub before: Duration,
    pub during: Duration,
    pub after: Duration,
}

impl Spike {
    pub fn count(self) -> u64 {
        self.phases().iter().map(|(_, phase)| phase.count()).sum()
    }

    pub fn lasting(self) -> Duration {
        self.before + self.during + self.after
    }

    pub fn offsets(self) -> Offsets {
        Box::new(
            self.phases()
                .into_iter()
                .flat_map(|(start, phase)| phase.offsets().map(move |offset| start + offset)),
        )
    }

    /// Each phase with its start.
    fn phases(self) -> [(Duration, Steady); 3] {
        let phase = |rate, lasting| Steady { rate, lasting };
        [
            (Duration::ZERO, phase(self.base, self.before)),
            (self.before, phase(self.peak, self.during)),
            (self.before + self.during, phase(self.base, self.after)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_phase_holds_its_rate(base in 1_u32..200, peak in 1_u32..2_000, seconds in 1_u64..4) {
            let spike = Spike {
                base: Rate::try_per_second(base).expect("not zero"),
                peak: Rate::try_per_second(peak).expect("not zero"),
                before: Duration::from_secs(seconds),
                during: Duration::from_secs(1),
                after: Duration::from_secs(seconds),
            };
            let offsets: Vec<_> = spike.offsets().collect();
            let top = spike.before..spike.before + spike.during;
            let in_peak = offsets.iter().filter(|offset| top.contains(offset)).count() as u64;

            prop_assert_eq!(in_peak, u64::from(peak));
            prop_assert_eq!(offsets.len() as u64, u64::from(peak) + 2 * u64::from(base) * seconds);
            prop_assert_eq!(spike.count(), offsets.len() as u64);
            prop_assert!(offsets.is_sorted());
        }
    }
}
