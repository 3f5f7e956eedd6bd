//! Where a rule's matches lie in civil time, which knows nothing of zones. Each is computed from the
//! anchor by arithmetic, never by walking there.

use croner::Cron;
use gauntlet_contract::recurrence::{MonthEnd, Weekday};
use jiff::{SignedDuration, civil};

use super::cron;

const DAYS_A_WEEK: i64 = 7;
const MONTHS_A_YEAR: i64 = 12;

/// A rule that has been checked.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Days {
        interval: i64,
    },
    Weeks {
        interval: i64,
        /// Days after Monday, ascending; none for the anchor's.
        days: Vec<i64>,
    },
    /// Years are twelve months.
    Months {
        interval: i64,
        month_end: MonthEnd,
    },
    Cron(Box<Cron>),
}

impl Pattern {
    pub(super) fn days(interval: u32) -> Self {
        Pattern::Days {
            interval: i64::from(interval),
        }
    }

    pub(super) fn weeks(interval: u32, days: &[Weekday]) -> Self {
        let mut days: Vec<_> = days.iter().map(|day| days_after_monday(*day)).collect();
        days.sort_unstable();
        Pattern::Weeks {
            interval: i64::from(interval),
            days,
        }
    }

    pub(super) fn months(interval: u32, month_end: MonthEnd) -> Self {
        Pattern::Months {
            interval: i64::from(interval),
            month_end,
        }
    }

    pub(super) fn years(interval: u32, month_end: MonthEnd) -> Self {
        Pattern::Months {
            interval: i64::from(interval) * MONTHS_A_YEAR,
            month_end,
        }
    }

    /// The days of a mere interval; none for a rule that names days of a calendar.
    pub(super) fn interval_days(&self) -> Option<i64> {
        match self {
            Pattern::Days { interval } => Some(*interval),
            Pattern::Weeks { interval, days } if days.is_empty() => Some(interval * DAYS_A_WEEK),
            Pattern::Weeks { .. } | Pattern::Months { .. } | Pattern::Cron(_) => None,
        }
    }

    /// The first match after `from`. It can lie before the anchor, and is none of the series then.
    pub(super) fn first_after(
        &self,
        from: civil::DateTime,
        anchor: civil::DateTime,
    ) -> Option<civil::DateTime> {
        match self {
            Pattern::Days { interval } => by_days(*interval, from, anchor),
            Pattern::Weeks { interval, days } if days.is_empty() => {
                by_days(interval * DAYS_A_WEEK, from, anchor)
            }
            Pattern::Weeks { interval, days } => by_weeks(*interval, days, from, anchor),
            Pattern::Months {
                interval,
                month_end,
            } => by_months(*interval, *month_end, from, anchor),
            Pattern::Cron(cron) => cron::first_after(cron, from),
        }
    }
}

fn by_days(
    interval: i64,
    from: civil::DateTime,
    anchor: civil::DateTime,
) -> Option<civil::DateTime> {
    let passed = days_between(anchor.date(), from.date()).max(0);
    let latest = passed - passed % interval;
    [latest, latest + interval]
        .into_iter()
        .filter_map(|days| Some(add_days(anchor.date(), days)?.to_datetime(anchor.time())))
        .find(|found| *found > from)
}

fn by_weeks(
    interval: i64,
    days: &[i64],
    from: civil::DateTime,
    anchor: civil::DateTime,
) -> Option<civil::DateTime> {
    let weekday = i64::from(anchor.weekday().to_monday_zero_offset());
    let monday = add_days(anchor.date(), -weekday)?;
    let passed = days_between(monday, from.date()).max(0) / DAYS_A_WEEK;
    let latest = passed - passed % interval;
    [latest, latest + interval]
        .into_iter()
        .flat_map(|weeks| days.iter().map(move |day| weeks * DAYS_A_WEEK + day))
        .filter_map(|days| Some(add_days(monday, days)?.to_datetime(anchor.time())))
        .find(|found| *found > from)
}

fn by_months(
    interval: i64,
    month_end: MonthEnd,
    from: civil::DateTime,
    anchor: civil::DateTime,
) -> Option<civil::DateTime> {
    let passed = (month_number(from.date()) - month_number(anchor.date())).max(0);
    let mut number = month_number(anchor.date()) + passed - passed % interval;
    loop {
        let first = first_of_month(number)?;
        let day = match month_end {
            MonthEnd::Clamp => anchor.day().min(first.days_in_month()),
            MonthEnd::Skip => anchor.day(),
        };
        // Only a day that the month does not have is no date; it is skipped.
        if let Ok(date) = civil::Date::new(first.year(), first.month(), day) {
            let found = date.to_datetime(anchor.time());
            if found > from {
                return Some(found);
            }
        }
        number += interval;
    }
}

/// Months since the beginning of the year 0.
fn month_number(date: civil::Date) -> i64 {
    i64::from(date.year()) * MONTHS_A_YEAR + i64::from(date.month()) - 1
}

fn first_of_month(number: i64) -> Option<civil::Date> {
    let year = i16::try_from(number.div_euclid(MONTHS_A_YEAR)).ok()?;
    let month = i8::try_from(number.rem_euclid(MONTHS_A_YEAR) + 1).ok()?;
    civil::Date::new(year, month, 1).ok()
}

pub(super) fn add_days(date: civil::Date, days: i64) -> Option<civil::Date> {
    date.checked_add(SignedDuration::from_hours(days.checked_mul(24)?))
        .ok()
}

fn days_between(first: civil::Date, second: civil::Date) -> i64 {
    first.duration_until(second).as_hours() / 24
}

fn days_after_monday(day: Weekday) -> i64 {
    match day {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}
