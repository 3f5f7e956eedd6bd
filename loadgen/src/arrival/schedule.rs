use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Burst, Ramp, Rate, Spike, Steady};

/// Intended start of each operation since the start of the load, ascending.
pub type Offsets = Box<dyn Iterator<Item = Duration> + Send>;

/// When operations are meant to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case")]
pub enum Arrival {
    Steady(Steady),
    Burst(Burst),
    Ramp(Ramp),
    Spike(Spike),
}

impl Arrival {
    /// `rate` for as long as `lasting`.
    pub fn steady(rate: Rate, lasting: Duration) -> Arrival {
        Arrival::Steady(Steady { rate, lasting })
    }

    /// `size` operations at once.
    pub fn burst(size: u32) -> Arrival {
        Arrival::Burst(Burst::once(size))
    }

    /// How many operations the schedule holds.
    pub fn count(&self) -> u64 {
        match self {
            Arrival::Steady(steady) => steady.count(),
            Arrival::Burst(burst) => burst.count(),
            Arrival::Ramp(ramp) => ramp.count(),
            Arrival::Spike(spike) => spike.count(),
        }
    }

    /// From the start of the load to the end of the schedule.
    pub fn lasting(&self) -> Duration {
        match self {
            Arrival::Steady(steady) => steady.lasting,
            Arrival::Burst(burst) => burst.lasting(),
            Arrival::Ramp(ramp) => ramp.lasting,
            Arrival::Spike(spike) => spike.lasting(),
        }
    }

    /// How long after its intended start an operation may leave by the nature of the schedule.
    pub fn leaving(&self) -> Duration {
        match self {
            Arrival::Burst(burst) => burst.leaving,
            Arrival::Steady(_) | Arrival::Ramp(_) | Arrival::Spike(_) => Duration::ZERO,
        }
    }

    pub fn offsets(&self) -> Offsets {
        match self {
            Arrival::Steady(steady) => steady.offsets(),
            Arrival::Burst(burst) => burst.offsets(),
            Arrival::Ramp(ramp) => ramp.offsets(),
            Arrival::Spike(spike) => spike.offsets(),
        }
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Arrival::Steady(Steady { rate, lasting }) => write!(f, "{rate} for {lasting:?}"),
            Arrival::Burst(burst) if burst.times.get() > 1 => write!(
                f,
                "{} at once (leaving within {:?}), {} times, every {:?}",
                burst.size, burst.leaving, burst.times, burst.every
            ),
            Arrival::Burst(Burst { size, leaving, .. }) => {
                write!(f, "{size} at once (leaving within {leaving:?})")
            }
            Arrival::Ramp(Ramp { from, to, lasting }) => {
                write!(f, "{from} to {to} over {lasting:?}")
            }
            Arrival::Spike(spike) => write!(
                f,
                "{} with {} for {:?} after {:?}",
                spike.base, spike.peak, spike.during, spike.before
            ),
        }
    }
}
