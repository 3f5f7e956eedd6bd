use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// A whole number of operations a second, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(NonZeroU32);

impl Rate {
    pub const fn per_second(operations: NonZeroU32) -> Rate {
        Rate(operations)
    }

    /// A rate that is known when the program is written; in a constant, zero does not compile.
    pub const fn constant(operations: u32) -> Rate {
        match NonZeroU32::new(operations) {
            Some(operations) => Rate(operations),
            None => panic!("a rate is at least one operation a second"),
        }
    }

    /// None for zero: an open loop at no rate offers nothing and would never end.
    pub fn try_per_second(operations: u32) -> Option<Rate> {
        NonZeroU32::new(operations).map(Rate)
    }

    pub fn as_per_second(self) -> u32 {
        self.0.get()
    }

    /// How many operations start in `[0, lasting)`.
    pub(crate) fn count_within(self, lasting: Duration) -> u64 {
        // Operation i starts at i / rate, so the count is the ceiling of rate × lasting.
        let scaled = lasting.as_nanos() * u128::from(self.0.get());
        u64::try_from(scaled.div_ceil(NANOS_PER_SECOND)).unwrap_or(u64::MAX)
    }

    /// When operation `index` starts. Computed from the index, not from the previous operation, so
    /// that rounding does not add up to a drift.
    pub(crate) fn offset(self, index: u64) -> Duration {
        let nanos = u128::from(index) * NANOS_PER_SECOND / u128::from(self.0.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}
