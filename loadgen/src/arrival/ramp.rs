use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Offsets, Rate};

/// A rate that changes linearly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    pub from: Rate,
    pub to: Rate,
    pub lasting: Duration,
}

impl Ramp {
    pub fn count(self) -> u64 {
        // The area under the line: the mean rate times the duration, in exact arithmetic.
        let doubled_rate =
            u128::from(self.from.as_per_second()) + u128::from(self.to.as_per_second());
        let area = doubled_rate * self.lasting.as_nanos();
        u64::try_from(area / 2_000_000_000).unwrap_or(u64::MAX)
    }

    /// Operation `i` starts when the area under the line has reached `i`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an index loses precision only beyond 2^53 operations"
    )]
    pub fn offsets(self) -> Offsets {
        let from = f64::from(self.from.as_per_second());
        let to = f64::from(self.to.as_per_second());
        let Ramp { lasting, .. } = self;
        let slope = (to - from) / lasting.as_secs_f64();
        Box::new((0..self.count()).map(move |index| {
            // The root of from·t + slope·t²/2 = i, in the form that does not cancel when the slope
            // is close to zero. The discriminant can dip below zero by rounding at the very end of
            // a falling ramp.
            let discriminant = (from * from + 2.0 * slope * index as f64).max(0.0);
            let seconds = 2.0 * index as f64 / (from + discriminant.sqrt());
            Duration::from_secs_f64(seconds).min(lasting)
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ramp(from: u32, to: u32, seconds: u64) -> Ramp {
        Ramp {
            from: Rate::try_per_second(from).expect("not zero"),
            to: Rate::try_per_second(to).expect("not zero"),
            lasting: Duration::from_secs(seconds),
        }
    }

    proptest! {
        #[test]
        fn counts_the_area_and_never_goes_back(
            from in 1_u32..1_000, to in 1_u32..1_000, seconds in 1_u64..5,
        ) {
            let ramp = ramp(from, to, seconds);
            let offsets: Vec<_> = ramp.offsets().collect();

            prop_assert_eq!(offsets.len() as u64, u64::from(from + to) * seconds / 2);
            prop_assert!(offsets.is_sorted());
            prop_assert!(offsets.iter().all(|offset| *offset <= ramp.lasting));
        }

        #[test]
        fn a_rising_ramp_has_its_larger_half_at_the_end(
            from in 1_u32..500, rise in 200_u32..1_000, seconds in 1_u64..5,
        ) {
            let ramp = ramp(from, from + rise, seconds);
            let half = ramp.lasting / 2;
            let early = ramp.offsets().filter(|offset| *offset < half).count() as u64;
            // The first half's area is T·(3·from + to)/8.
            let expected = u64::from(4 * from + rise) * seconds / 8;
            prop_assert!(early.abs_diff(expected) <= 1, "{early} against {expected}");
        }
    }

    #[test]
    fn a_level_ramp_is_steady() {
        let offsets: Vec<_> = ramp(4, 4, 1).offsets().collect();
        let quarters: Vec<_> = (0..4).map(|i| Duration::from_millis(250 * i)).collect();
        assert_eq!(offsets, quarters);
    }
}
