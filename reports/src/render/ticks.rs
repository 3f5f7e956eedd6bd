//! Round positions for gridlines and labels.

use crate::format;

const ABOUT: f64 = 5.0;
const STEPS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

/// A position on an axis and its label.
pub(super) type Tick = (f64, String);

/// About five multiples of 1, 2 or 5 times a power of ten, from zero up to `to`.
pub(super) fn linear(to: f64) -> Vec<Tick> {
    let rough = to / ABOUT;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = STEPS.map(|factor| factor * power);
    let step = steps
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let multiples = (0_u32..).map(|index| f64::from(index) * step);
    multiples
        .take_while(|at| *at <= to)
        .map(|at| (at, format::number(at)))
        .collect()
}

/// The steps 1, 2 and 5 of each decade, at their logarithms, from the last step not above `low` to
/// the first not below `high`.
pub(super) fn logarithmic(low: f64, high: f64) -> Vec<Tick> {
    let mut values = Vec::new();
    let mut exponent = low.log10().floor();
    while values.last().is_none_or(|last| *last < high) {
        let decade = STEPS
            .into_iter()
            .take(3)
            .map(|factor| factor * 10_f64.powf(exponent));
        for value in decade {
            if values.last().is_none_or(|last| *last < high) {
                values.push(value);
            }
        }
        exponent += 1.0;
    }
    // The first decade begins below the lowest value; steps wholly below it would only waste room.
    let from = values
        .iter()
        .rposition(|value| *value <= low)
        .unwrap_or_default();
    values.drain(..from);
    values
        .into_iter()
        .map(|value| (value.log10(), format::number(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(linear(9.0)), ["0", "2", "4", "6", "8"]);
        assert_eq!(labels(linear(128.0)), ["0", "50", "100"]);
        assert_eq!(
            labels(linear(0.05)),
            ["0", "0.01", "0.02", "0.03", "0.04", "0.05"]
        );
    }

    #[test]
    fn logarithmic_ticks_enclose_the_values() {
        assert_eq!(
            labels(logarithmic(0.77, 51.2)),
            ["0.5", "1", "2", "5", "10", "20", "50", "100"]
        );
        assert_eq!(labels(logarithmic(1.0, 2.0)), ["1", "2"]);
    }
}
