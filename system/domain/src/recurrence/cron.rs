//! Cron expressions. croner reads them and finds the matches, in civil time; what it accepts beyond
//! the contract (seconds, years, `L`, `W`, `#`, nicknames, names in any field) is refused before.

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use gauntlet_contract::recurrence::CRON_MAX_BYTES;
use jiff::civil;

const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The five fields, in order, and the names that each one may have in place of numbers.
const FIELDS: [(&str, &[&str]); 5] = [
    ("minute", &[]),
    ("hour", &[]),
    ("day of month", &[]),
    ("month", MONTHS),
    ("day of week", WEEKDAYS),
];

/// Reads an expression. The error is for a person.
pub(super) fn parse(expression: &str) -> Result<Cron, String> {
    if expression.len() > CRON_MAX_BYTES {
        return Err(format!("must have at most {CRON_MAX_BYTES} bytes"));
    }
    let fields: Vec<_> = expression
        .split([' ', '\t'])
        .filter(|field| !field.is_empty())
        .collect();
    if fields.len() != FIELDS.len() {
        return Err(format!(
            "must have five fields (minute, hour, day of month, month, day of week), has {}",
            fields.len()
        ));
    }
    for (field, (what, names)) in fields.iter().zip(FIELDS) {
        if !field.split(',').all(|item| is_item(item, names)) {
            return Err(format!("has a {what} that cannot be read: {field}"));
        }
    }
    let cron = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .dom_and_dow(is_starred(fields[2]) || is_starred(fields[4]))
        .build()
        .parse(expression)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if has_a_day(&cron) {
        Ok(cron)
    } else {
        Err("never comes: no year has such a day".to_owned())
    }
}

/// The first match after `from`; none up to croner's last year, 5000.
pub(super) fn first_after(cron: &Cron, from: civil::DateTime) -> Option<civil::DateTime> {
    cron.find_next_occurrence(&from, false).ok()
}

/// Vixie cron lets either day suffice unless one of the two fields begins with a star, be it `*/2`.
/// croner knows the lone `*` by itself.
fn is_starred(field: &str) -> bool {
    field.starts_with('*')
}

/// `*`, a value or a range; the first and the last may have a step.
fn is_item(item: &str, names: &[&str]) -> bool {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    match range.split_once('-') {
        _ if step.is_some_and(|step| !is_number(step)) => false,
        Some((first, last)) => is_value(first, names) && is_value(last, names),
        None => range == "*" || (step.is_none() && is_value(range, names)),
    }
}

fn is_value(text: &str, names: &[&str]) -> bool {
    is_number(text) || names.iter().any(|name| name.eq_ignore_ascii_case(text))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether there is a year with such a day. Any 28 years between two uneven centuries have all the
/// fourteen years that there are: begun on each weekday, leap or not.
fn has_a_day(cron: &Cron) -> bool {
    civil::date(2000, 1, 1)
        .series(jiff::Span::new().days(1))
        .take_while(|date| date.year() < 2028)
        .any(|date| is_day(cron, date).unwrap_or(false))
}

fn is_day(cron: &Cron, date: civil::Date) -> Option<bool> {
    let month = u32::try_from(date.month()).ok()?;
    let day = u32::try_from(date.day()).ok()?;
    let weekday = u32::try_from(date.weekday().to_sunday_zero_offset()).ok()?;
    let weekday = Weekday::from_days_from_sunday(weekday);
    let pattern = &cron.pattern;
    let matches = pattern.month_match(month).ok()?
        && pattern
            .day_match(i32::from(date.year()), month, day, weekday)
            .ok()?;
    Some(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_contract_does_not_have_is_refused() {
        for expression in [
            "",
            "@daily",
            "* * * *",
            "* * * * * *",
            "0 0 12 * * * 2030",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5/15 * * * *",
            "30-10 * * * *",
            "1,,2 * * * *",
            ", * * * *",
            "*,5 * * * *",
            "+5 * * * *",
            "-5 * * * *",
            "99999 * * * *",
            "* * L * *",
            "* * 15W * *",
            "* * * * 5L",
            "* * * * 1#2",
            "* * 1 * +1",
            "* * ? * *",
            "mon * * * *",
            "* * * 1jan *",
            "* * * mon *",
            "* * * * monday",
            "* *\n* * *",
            "*\u{a0}* * * * *",
            "٥ * * * *",
        ] {
            assert!(parse(expression).is_err(), "{expression:?}");
        }
    }

    #[test]
    fn what_the_contract_has_is_read() {
        for expression in [
            "* * * * *",
            " 0\t9  * * * ",
            "*/15 9-17 * * MON-FRI",
            "0,30 0-12/3 1,15 jan,Jul *",
            "0 0 * * 7",
            "0 0 * * sat-sun",
            "0 0 29 2 *",
            "0 0 31 * *",
            "*/100 * * * *",
        ] {
            assert!(parse(expression).is_ok(), "{expression:?}");
        }
    }

    #[test]
    fn a_day_that_no_year_has_is_refused_when_written() {
        for expression in [
            "0 0 30 2 *",
            "0 0 30,31 2 *",
            "0 0 31 4,6,9,11 *",
            // 31 is no even day of April either, and both are demanded here.
            "0 0 31 4 */2",
        ] {
            let refused = parse(expression).unwrap_err();
            assert!(refused.starts_with("never comes"), "{expression}");
        }
        // Either day suffices, so Mondays of February remain.
        assert!(parse("0 0 30 2 1").is_ok());
    }

    #[test]
    fn an_expression_is_measured_in_bytes() {
        let longest = format!("{} * * * *", "0,".repeat(95) + "00");
        assert_eq!(longest.len(), CRON_MAX_BYTES);
        assert!(parse(&longest).is_ok());
        assert!(parse(&format!("0{longest}")).is_err());
    }

    #[test]
    fn the_rarest_day_is_found_across_an_uneven_century() {
        let cron = parse("0 0 29 2 */7").unwrap();
        let from = civil::date(2088, 3, 1).at(0, 0, 0, 0);
        let found = first_after(&cron, from);
        assert_eq!(found, Some(civil::date(2128, 2, 29).at(0, 0, 0, 0)));
    }
}
