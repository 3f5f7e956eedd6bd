//! Time zones, from the database that is compiled in: every machine gives the same answer, whatever
//! its system knows, and nothing is read.

use jiff::civil;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// No zone of the IANA database is named so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct UnknownZone {
    /// For a person, about the value that was given.
    detail: String,
}

/// The zone of this IANA name, which has to be spelt as the database spells it: what is stored is read
/// by others, and not all of them overlook upper and lower case.
pub fn find(name: &str) -> Result<TimeZone, UnknownZone> {
    let unknown = || UnknownZone {
        detail: "must be the IANA name of a time zone, such as Europe/Berlin".to_owned(),
    };
    let zone = TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| unknown())?;
    match zone.iana_name() {
        // What the database has for a machine that was never told where it stands.
        None | Some("Factory") => Err(unknown()),
        Some(spelt) if spelt != name => Err(UnknownZone {
            detail: format!("must be spelt {spelt}"),
        }),
        Some(_) => Ok(zone),
    }
}

/// The instant of a local time. One that a change of the clocks leaves out moves forward by the gap; of
/// one that comes twice it is the first. None outside the years that can be told, -9999 to 9999.
pub fn instant(local: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

/// By how much the clocks last went forward, if the hands still show a time that the hour left out
/// moves to: times in that gap and times behind it interleave here.
pub(super) fn gap_behind(at: Timestamp, zone: &TimeZone) -> SignedDuration {
    let tick = SignedDuration::from_nanos(1);
    gap_before(at, tick, zone).unwrap_or(SignedDuration::ZERO)
}

fn gap_before(at: Timestamp, tick: SignedDuration, zone: &TimeZone) -> Option<SignedDuration> {
    // `preceding` leaves out a change at the very instant.
    let change = zone.preceding(at.checked_add(tick).ok()?).next()?;
    let before = zone.to_offset(change.timestamp().checked_sub(tick).ok()?);
    let gap = change.offset().duration_since(before);
    (at.duration_since(change.timestamp()) < gap).then_some(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_zone_goes_by_a_name_that_iana_does_not_have() {
        for name in [
            "",
            "Mars/Olympus",
            "CET-1CEST",
            "+02:00",
            "Etc/Unknown",
            "Factory",
            "localtime",
            "../etc/passwd",
        ] {
            let refused = find(name).unwrap_err();
            assert!(refused.detail.starts_with("must be the IANA"), "{name}");
        }
    }

    #[test]
    fn a_name_in_other_letters_is_refused_with_the_right_one() {
        assert_eq!(
            find("europe/berlin").unwrap_err().detail,
            "must be spelt Europe/Berlin"
        );
        assert_eq!(find("utc").unwrap_err().detail, "must be spelt UTC");
    }

    #[test]
    fn every_zone_of_the_bundled_database_is_found() {
        let database = TimeZoneDatabase::bundled();
        let names: Vec<_> = database.available().collect();
        assert!(names.len() > 500);
        for name in names {
            let is_a_place = name.as_str() != "Factory";
            assert_eq!(find(name.as_str()).is_ok(), is_a_place, "{name}");
        }
    }

    #[test]
    fn a_gap_is_behind_for_as_long_as_it_was() {
        let berlin = find("Europe/Berlin").unwrap();
        let gap = |at: &str| gap_behind(at.parse().unwrap(), &berlin);
        assert_eq!(gap("2024-03-31T00:59:59.9Z"), SignedDuration::ZERO);
        assert_eq!(gap("2024-03-31T01:00:00Z"), SignedDuration::from_hours(1));
        assert_eq!(gap("2024-03-31T01:59:59Z"), SignedDuration::from_hours(1));
        assert_eq!(gap("2024-03-31T02:00:00Z"), SignedDuration::ZERO);
        assert_eq!(gap("2024-10-27T01:00:00Z"), SignedDuration::ZERO);
        assert_eq!(
            gap_behind(Timestamp::UNIX_EPOCH, &TimeZone::UTC),
            SignedDuration::ZERO
        );
    }
}
