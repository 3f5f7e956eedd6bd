//! Numbers of one kind in units of different size: a time reads as `940 ms` in one run and as `1.2 s`
//! in the next, and the two are still one measurement.

use crate::evidence::Quantity;

/// Units that measure the same thing, each with its size in the first.
const SCALES: [&[(&str, f64)]; 2] = [
    &[("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)],
    &[("MB", 1.0), ("kB", 1e-3), ("GB", 1e3)],
];

/// The value in another unit; none where the two do not measure the same thing, or it is no number.
pub(crate) fn value_in(quantity: &Quantity, unit: &str) -> Option<f64> {
    let size = |of: &str| {
        SCALES.into_iter().enumerate().find_map(|(kind, units)| {
            let (_, size) = units.iter().find(|(name, _)| *name == of)?;
            Some((kind, *size))
        })
    };
    let value = if quantity.unit == unit {
        quantity.value
    } else {
        let ((kind, from), (wanted, into)) = (size(&quantity.unit)?, size(unit)?);
        if kind != wanted {
            return None;
        }
        quantity.value * from / into
    };
    value.is_finite().then_some(value)
}

/// One number over another; none unless both measure the same thing and the lower one is not zero.
pub(crate) fn ratio(number: Option<&Quantity>, over: Option<&Quantity>) -> Option<f64> {
    let over = over?;
    let ratio = value_in(number?, &over.unit)? / over.value;
    ratio.is_finite().then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(value: f64, unit: &str) -> Quantity {
        Quantity {
            value,
            unit: unit.to_owned(),
        }
    }

    fn over(number: (f64, &str), other: (f64, &str)) -> Option<f64> {
        let (number, other) = (quantity(number.0, number.1), quantity(other.0, other.1));
        ratio(Some(&number), Some(&other)).map(|ratio| (ratio * 1e6).round() / 1e6)
    }

    #[test]
    fn planted_change_of_unit_does_not_hide_a_change_of_the_number() {
        assert_eq!(over((1.88, "s"), (940.0, "ms")), Some(2.0));
        assert_eq!(over((250.0, "µs"), (1.0, "ms")), Some(0.25));
        assert_eq!(over((1.0, "GB"), (500.0, "MB")), Some(2.0));
    }

    #[test]
    fn what_does_not_measure_the_same_has_no_ratio() {
        assert_eq!(over((1.0, "MB"), (1.0, "MB in 10 min")), None);
        assert_eq!(over((1.0, "MB"), (1.0, "s")), None);
        assert_eq!(over((1.0, "lost"), (0.0, "lost")), None);
        assert_eq!(over((f64::NAN, "s"), (1.0, "s")), None);
        assert_eq!(over((4.0, "lost"), (2.0, "lost")), Some(2.0));
    }
}
