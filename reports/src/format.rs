//! How numbers read: the same in the terminal, in Markdown and on the page.

use jiff::Timestamp;

use crate::evidence::Quantity;

/// A measured number with its unit, e.g. `2.314 ms`.
pub fn quantity(quantity: &Quantity) -> String {
    with_unit(quantity.value, &quantity.unit)
}

/// A number and a unit; the unit may be empty.
pub fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "" => number(value),
        "%" => format!("{}%", number(value)),
        _ => format!("{} {unit}", number(value)),
    }
}

/// The same in two parts, for columns whose numbers are set apart from their units.
pub fn parts(quantity: &Quantity) -> (String, String) {
    match quantity.unit.as_str() {
        // Set close to its number, as one part of it.
        "%" => (with_unit(quantity.value, "%"), String::new()),
        unit => (number(quantity.value), unit.to_owned()),
    }
}

/// Four significant digits, whole numbers in full with thousands apart, `n/a` for what is no number.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "n/a".to_owned();
    }
    let magnitude = value.abs();
    // About four digits decide a verdict; more would feign a precision that no run has.
    let decimals = match magnitude {
        _ if magnitude.fract() == 0.0 => 0,
        // A value just under a bar must not be rounded onto it: 127.96 under 128 stays 127.96.
        _ if magnitude >= 1000.0 => 1,
        _ if magnitude >= 10.0 => 2,
        _ if magnitude >= 1.0 => 3,
        _ if magnitude >= 0.001 => 4,
        _ => return format!("{value:.2e}"),
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 {
        return group_thousands(&text);
    }
    group_thousands(text.trim_end_matches('0').trim_end_matches('.'))
}

/// How many times as much: `× 1.25`, and more digits where two would read as nothing.
pub fn ratio(ratio: f64) -> String {
    match ratio.abs() {
        magnitude if magnitude >= 100.0 => format!("× {}", number(ratio.round())),
        magnitude if magnitude >= 0.095 => format!("× {ratio:.2}"),
        _ => format!("× {ratio:.1e}"),
    }
}

/// A count, thousands apart: `12,345`.
pub fn count(value: u64) -> String {
    group_thousands(&value.to_string())
}

/// A size in decimal units, as component vendors state theirs: `118.3 MB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let Some((unit, scale)) = UNITS.into_iter().find(|(_, scale)| size >= *scale) else {
        return format!("{size} B");
    };
    // Tenths in integers: a size in bytes may not fit a float exactly.
    let tenths = (u128::from(size) * 10 + u128::from(scale) / 2) / u128::from(scale);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// A span that a person reads: `0.42 s`, `4 min 05 s`, `1 h 02 min`.
pub fn span(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "n/a".to_owned();
    }
    if seconds < 60.0 {
        let decimals = if seconds < 10.0 { 2 } else { 1 };
        return format!("{seconds:.decimals$} s");
    }
    let minutes = (seconds / 60.0).floor();
    if minutes < 60.0 {
        return format!("{minutes} min {:02} s", (seconds - minutes * 60.0).floor());
    }
    let hours = (minutes / 60.0).floor();
    format!("{hours} h {:02} min", minutes - hours * 60.0)
}

/// An instant in UTC to the second.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The count with its noun, in the plural unless it is one.
pub fn plural(value: u64, noun: &str) -> String {
    let ending = if value == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(value))
}

/// Groups the whole part in threes; sign and fraction stay as they are.
fn group_thousands(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (digits, String::new()),
    };
    let mut grouped = String::with_capacity(text.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_decide() {
        for (value, text) in [
            (0.0, "0"),
            (1000.0, "1,000"),
            (-12_345.0, "-12,345"),
            (127.96, "127.96"),
            (2.3141, "2.314"),
            (0.25, "0.25"),
            (1_234.56, "1,234.6"),
            (0.000_02, "2.00e-5"),
            (f64::NAN, "n/a"),
            (f64::INFINITY, "n/a"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_ratio_never_rounds_to_nothing() {
        for (value, text) in [
            (1.0, "× 1.00"),
            (0.25, "× 0.25"),
            (0.0012, "× 1.2e-3"),
            (1234.5, "× 1,235"),
        ] {
            assert_eq!(ratio(value), text);
        }
    }

    #[test]
    fn sizes_and_spans_use_the_unit_that_fits() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(118_349_999), "118.3 MB");
        assert_eq!(bytes(12_000_000_000), "12.0 GB");
        assert_eq!(span(0.417), "0.42 s");
        assert_eq!(span(245.9), "4 min 05 s");
        assert_eq!(span(3_725.0), "1 h 02 min");
    }

    #[test]
    fn units_are_joined_as_people_write_them() {
        assert_eq!(with_unit(12.5, "%"), "12.5%");
        assert_eq!(with_unit(12.5, "ms"), "12.5 ms");
        assert_eq!(with_unit(12.5, ""), "12.5");
        assert_eq!(plural(1, "violation"), "1 violation");
        assert_eq!(plural(1_200, "violation"), "1,200 violations");
    }
}
