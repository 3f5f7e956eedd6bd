use std::iter;

use gauntlet_contract::recurrence::{INTERVAL_MAX, Mode, Recurrence, Rule, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, civil};

use super::pattern::{Pattern, add_days};
use super::{cron, zone};
use crate::Violation;

/// Nothing is due after this year.
pub const LAST_YEAR: i16 = 4_999;

/// When the instances of a series are due: first at its start, then at each match of the rule that is
/// later. It is a value without memory, and the same arguments always give the same schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    pattern: Pattern,
    /// The anchor.
    start: civil::DateTime,
    /// The instant of the anchor.
    first: Timestamp,
    zone: TimeZone,
    count: Option<u32>,
    until: Option<civil::Date>,
}

/// Why a recurrence has no schedule: everything that is wrong with it, field by field, as in the body
/// of a request (`recurrence.rule.interval`, `time_zone`, …).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("make a schedule of invalid fields: {}", fields(.violations))]
pub struct ScheduleError {
    violations: Vec<Violation>,
}

impl ScheduleError {
    /// At least one.
    pub fn into_violations(self) -> Vec<Violation> {
        self.violations
    }
}

impl Schedule {
    /// Checks a recurrence whose first instance is due at `start`, which `due_date` stands for in an
    /// error, in the zone of that IANA name.
    pub fn new(
        recurrence: &Recurrence,
        start: civil::DateTime,
        zone: &str,
    ) -> Result<Self, ScheduleError> {
        let mut violations = Vec::new();
        let pattern = pattern(&recurrence.rule, &mut violations);
        if recurrence.count == Some(0) {
            refuse(&mut violations, "recurrence.count", "must be at least 1");
        }
        let zone = zone::find(zone)
            .map_err(|unknown| refuse(&mut violations, "time_zone", unknown.to_string()));
        let first = first(start, zone.as_ref().ok(), &mut violations);
        // The date on which it really is due: a gap may push a late evening into the next day.
        let date = match (&zone, first) {
            (Ok(zone), Some(first)) => zone.to_datetime(first).date(),
            _ => start.date(),
        };
        if recurrence.until.is_some_and(|until| until < date) {
            let detail = format!("must not be before the first due date, {date}");
            refuse(&mut violations, "recurrence.until", detail);
        }
        match (pattern, first, zone) {
            (Some(pattern), Some(first), Ok(zone)) if violations.is_empty() => Ok(Self {
                pattern,
                start,
                first,
                zone,
                count: recurrence.count,
                until: recurrence.until,
            }),
            _ => Err(ScheduleError { violations }),
        }
    }

    /// When the first instance is due.
    pub fn first(&self) -> Timestamp {
        self.first
    }

    /// Whether the series may have an instance of this number. They count from 1.
    pub fn has_number(&self, number: u32) -> bool {
        number >= 1 && self.count.is_none_or(|count| number <= count)
    }

    /// All due dates in order, each once; endless but for `count`, `until` and [`LAST_YEAR`].
    pub fn occurrences(&self) -> impl Iterator<Item = Timestamp> {
        let most = self.count.map_or(usize::MAX, |count| {
            usize::try_from(count).unwrap_or(usize::MAX)
        });
        iter::successors(Some(self.first), |previous| self.after(*previous)).take(most)
    }

    /// The first due date later than `previous`, whether or not that is one itself. None after `until`
    /// or [`LAST_YEAR`]. What `count` says is for [`Schedule::has_number`]: an instant does not know
    /// its number.
    pub fn after(&self, previous: Timestamp) -> Option<Timestamp> {
        if previous < self.first {
            return Some(self.first);
        }
        self.match_after(previous).filter(|due| self.is_open(*due))
    }

    /// When the instance after the latest one is due. Without `settled_at`, or on schedule, that is the
    /// next match however long ago it was. On completion, rules that name days of a calendar go on with
    /// the first match after both the latest due date and the settlement; a mere interval counts from
    /// the day of the settlement, so that what is done early comes early again.
    pub fn next_due(
        &self,
        latest_due: Timestamp,
        settled_at: Option<Timestamp>,
        mode: Mode,
    ) -> Option<Timestamp> {
        match (mode, settled_at) {
            (Mode::OnSchedule, _) | (Mode::OnCompletion, None) => self.after(latest_due),
            (Mode::OnCompletion, Some(settled_at)) => match self.pattern.interval_days() {
                Some(days) => self.interval_after(settled_at, days),
                None => self.after(latest_due.max(settled_at)),
            },
        }
    }

    /// The order of civil matches is the order of their instants, but for those that a gap moved: they
    /// lie among the matches behind it, and can fall together with one. So the search begins a gap
    /// earlier when there is one just behind, and ends at the first match that was not moved.
    fn match_after(&self, previous: Timestamp) -> Option<Timestamp> {
        let local = self.zone.to_datetime(previous);
        let mut from = local
            .checked_sub(zone::gap_behind(previous, &self.zone))
            .ok()?;
        let mut earliest: Option<Timestamp> = None;
        while let Some(found) = self.pattern.first_after(from, self.start) {
            let instants = self.zone.to_ambiguous_timestamp(found);
            let is_moved = matches!(instants.offset(), AmbiguousOffset::Gap { .. });
            let instant = instants.compatible().ok()?;
            // A match in the second pass of a fold counted in the first one.
            if instant > previous {
                earliest = Some(earliest.map_or(instant, |earliest| earliest.min(instant)));
                if !is_moved {
                    break;
                }
            }
            from = found;
        }
        earliest
    }

    fn interval_after(&self, settled_at: Timestamp, days: i64) -> Option<Timestamp> {
        let mut date = self.zone.to_datetime(settled_at).date();
        loop {
            date = add_days(date, days)?;
            let due = zone::instant(date.to_datetime(self.start.time()), &self.zone)?;
            // Even tomorrow can be over: where the clocks go back across midnight, its first minutes
            // come before the last ones of today.
            if due > settled_at {
                return Some(due).filter(|due| self.is_open(*due));
            }
        }
    }

    /// Whether anything may be due then.
    fn is_open(&self, due: Timestamp) -> bool {
        let date = self.zone.to_datetime(due).date();
        date.year() <= LAST_YEAR && self.until.is_none_or(|until| date <= until)
    }
}

fn first(
    start: civil::DateTime,
    zone: Option<&TimeZone>,
    violations: &mut Vec<Violation>,
) -> Option<Timestamp> {
    if (1..=LAST_YEAR).contains(&start.year()) {
        zone.and_then(|zone| zone::instant(start, zone))
    } else {
        let detail = format!("must be in the years 1 to {LAST_YEAR}");
        refuse(violations, "due_date", detail);
        None
    }
}

fn pattern(rule: &Rule, violations: &mut Vec<Violation>) -> Option<Pattern> {
    match rule {
        Rule::Daily { interval } => interval_of(*interval, violations).map(Pattern::days),
        Rule::Weekly { interval, days } => {
            let interval = interval_of(*interval, violations);
            if has_repetition(days) {
                let detail = "must not name a day twice";
                refuse(violations, "recurrence.rule.days", detail);
            }
            interval.map(|interval| Pattern::weeks(interval, days))
        }
        Rule::Monthly {
            interval,
            month_end,
        } => {
            interval_of(*interval, violations).map(|interval| Pattern::months(interval, *month_end))
        }
        Rule::Yearly {
            interval,
            month_end,
        } => {
            interval_of(*interval, violations).map(|interval| Pattern::years(interval, *month_end))
        }
        Rule::Cron { expression } => cron::parse(expression)
            .map_err(|detail| refuse(violations, "recurrence.rule.expression", detail))
            .map(|cron| Pattern::Cron(Box::new(cron)))
            .ok(),
    }
}

fn interval_of(interval: u32, violations: &mut Vec<Violation>) -> Option<u32> {
    if (1..=INTERVAL_MAX).contains(&interval) {
        return Some(interval);
    }
    let detail = format!("must be 1 to {INTERVAL_MAX}");
    refuse(violations, "recurrence.rule.interval", detail);
    None
}

fn has_repetition(days: &[Weekday]) -> bool {
    (1..days.len()).any(|at| days[..at].contains(&days[at]))
}

fn refuse(violations: &mut Vec<Violation>, field: &'static str, detail: impl Into<String>) {
    violations.push(Violation::new(field, detail));
}

fn fields(violations: &[Violation]) -> String {
    let names: Vec<_> = violations.iter().map(|violation| violation.field).collect();
    names.join(", ")
}
