use std::fmt;
use std::time::Duration;

use gauntlet_reports::evidence::Quantity;
use gauntlet_reports::format;

/// A measured or a permitted amount. The value is kept in the unit's base, so that a bar and a
/// measurement of the same unit compare as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    value: f64,
    unit: Unit,
}

/// What an amount counts; the base unit is in the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Micros,
    Bytes,
    /// Growth of memory.
    BytesPerTenMinutes,
    /// A part of a whole, from 0 to 1.
    Share,
    /// Things, by their plural: `lost events`.
    Count(&'static str),
}

impl Amount {
    /// An amount of memory. Megabytes are decimal (10⁶ bytes), the stricter reading of `MB`.
    pub fn megabytes(megabytes: u32) -> Self {
        Self {
            value: f64::from(megabytes) * 1e6,
            unit: Unit::Bytes,
        }
    }

    /// A time or a difference of times.
    #[expect(clippy::cast_precision_loss, reason = "no run lasts 2^53 microseconds")]
    pub fn micros(micros: i64) -> Self {
        Self {
            value: micros as f64,
            unit: Unit::Micros,
        }
    }

    pub fn bytes(bytes: u64) -> Self {
        Self {
            value: real(bytes),
            unit: Unit::Bytes,
        }
    }

    pub fn bytes_per_ten_minutes(bytes: f64) -> Self {
        Self {
            value: bytes,
            unit: Unit::BytesPerTenMinutes,
        }
    }

    /// `part` of `whole`; not a number where the whole is nothing.
    pub fn share(part: u64, whole: u64) -> Self {
        Self {
            value: real(part) / real(whole),
            unit: Unit::Share,
        }
    }

    pub fn percent(percent: u32) -> Self {
        Self {
            value: f64::from(percent) / 100.0,
            unit: Unit::Share,
        }
    }

    pub fn count(number: u64, things: &'static str) -> Self {
        Self {
            value: real(number),
            unit: Unit::Count(things),
        }
    }

    /// Value in the unit's base.
    pub fn value(self) -> f64 {
        self.value
    }

    /// How much more this is than `limit`.
    pub(super) fn beyond(self, limit: Amount) -> Amount {
        Amount {
            value: self.value - limit.value,
            unit: self.unit,
        }
    }

    /// The amount in the unit that a person would choose.
    pub fn quantity(self) -> Quantity {
        let (scale, unit) = match self.unit {
            Unit::Micros if self.value.abs() < 1e6 => (1e3, "ms"),
            Unit::Micros => (1e6, "s"),
            Unit::Bytes => (1e6, "MB"),
            Unit::BytesPerTenMinutes => (1e6, "MB in 10 min"),
            Unit::Share => (0.01, "%"),
            Unit::Count(things) => (1.0, things),
        };
        Quantity {
            value: self.value / scale,
            unit: unit.to_owned(),
        }
    }
}

impl From<Duration> for Amount {
    fn from(time: Duration) -> Self {
        Self {
            value: time.as_secs_f64() * 1e6,
            unit: Unit::Micros,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format::quantity(&self.quantity()))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no count or size of a run reaches 2^53"
)]
pub(super) fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_in_the_unit_a_person_would_choose() {
        assert_eq!(
            Amount::from(Duration::from_micros(9_870)).to_string(),
            "9.87 ms"
        );
        assert_eq!(
            Amount::from(Duration::from_millis(2_310)).to_string(),
            "2.31 s"
        );
        assert_eq!(Amount::megabytes(128).to_string(), "128 MB");
        assert_eq!(
            Amount::bytes_per_ten_minutes(-2.5e5).to_string(),
            "-0.25 MB in 10 min"
        );
        assert_eq!(Amount::count(3, "lost events").to_string(), "3 lost events");
        assert_eq!(Amount::share(1, 200).to_string(), "0.5%");
    }
}
