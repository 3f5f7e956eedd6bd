use gauntlet_contract::DueDate;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned, civil};

use crate::change::{Violation, to_micros};
use crate::recurrence::{LAST_YEAR, zone};

/// What a due date without a zone is meant in.
const ZONE_DEFAULT: &str = "UTC";
/// From when every store and client can be trusted to know its calendar, to where series end.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=LAST_YEAR;

/// A due date with the zone that it was given in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) zone: String,
    /// By how much it lies behind the local time that was wanted, where a change of the clocks leaves that
    /// out. A task does not keep this; a series does, in its start.
    pub(crate) moved_by: SignedDuration,
}

/// The due date that a new task gets, none when there is none.
pub(crate) fn given(
    date: Option<DueDate>,
    zone: Option<&str>,
    violations: &mut Vec<Violation>,
) -> Option<Due> {
    match (date, zone) {
        (Some(date), zone) => resolve(date, zone.unwrap_or(ZONE_DEFAULT), violations),
        (None, Some(_)) => {
            violations.push(Violation::new("time_zone", "needs a due date"));
            None
        }
        (None, None) => None,
    }
}

/// What an edit does to the date itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewDate {
    Kept,
    Cleared,
    Set(DueDate),
}

/// The due date after an edit: the new date in the new zone or, without one, the former; a new zone alone
/// keeps the local time.
pub(crate) fn edited(
    old: Option<Due>,
    date: NewDate,
    zone: Option<&str>,
    violations: &mut Vec<Violation>,
) -> Option<Due> {
    match (date, zone) {
        (NewDate::Kept, None) => old,
        (NewDate::Kept, Some(zone)) => {
            let local = old.as_ref().and_then(local);
            given(local.map(DueDate::Local), Some(zone), violations)
        }
        (NewDate::Cleared, zone) => given(None, zone, violations),
        (NewDate::Set(date), zone) => {
            let former = old.as_ref().map(|due| due.zone.as_str());
            given(Some(date), zone.or(former), violations)
        }
    }
}

/// The local time that was wanted of a due date in its zone; none when the zone has gone from the data.
pub(crate) fn local(due: &Due) -> Option<civil::DateTime> {
    let zone = zone::find(&due.zone).ok()?;
    let shown = Zoned::new(due.at, zone).datetime();
    shown.checked_sub(due.moved_by).ok()
}

fn resolve(date: DueDate, zone: &str, violations: &mut Vec<Violation>) -> Option<Due> {
    let found = match zone::find(zone) {
        Ok(found) => found,
        Err(unknown) => {
            violations.push(Violation::new("time_zone", unknown.to_string()));
            return None;
        }
    };
    let (at, moved_by) = match date {
        DueDate::Instant(at) => (Some(at), SignedDuration::ZERO),
        DueDate::Local(local) => (zone::instant(local, &found), gap_at(local, &found)),
    };
    let in_range = |at: &Timestamp| YEARS.contains(&Zoned::new(*at, found.clone()).year());
    let Some(at) = at.filter(in_range) else {
        let (first, last) = (YEARS.start(), YEARS.end());
        let detail = format!("must be in the years {first} to {last}");
        violations.push(Violation::new("due_date", detail));
        return None;
    };
    Some(Due {
        at: to_micros(at),
        zone: zone.to_owned(),
        moved_by,
    })
}

/// How long the gap is that a local time lies in; nothing for one that there is.
fn gap_at(local: civil::DateTime, zone: &TimeZone) -> SignedDuration {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Gap { before, after } => after.duration_since(before),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => SignedDuration::ZERO,
    }
}
