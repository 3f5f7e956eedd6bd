use gauntlet_contract::UserId;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use uuid::Builder;

/// Local noon is as far from both midnights as can be.
const NOON: i8 = 12;

/// What all lanes of a run are asked alike. The seed decides the words. The moment is the run's beginning,
/// since "overdue" and "within seven days" mean nothing without one.
#[derive(Clone, Debug)]
pub struct Inputs {
    seed: u64,
    begun_at: Timestamp,
}

/// A place where the run begins at noon.
#[derive(Clone, Debug)]
pub(super) struct Noon {
    /// IANA name.
    pub(super) zone: String,
    /// The day there.
    pub(super) date: Date,
    ahead: Offset,
}

impl Noon {
    /// A local time there as an instant; empty beyond the calendar.
    pub(super) fn instant(&self, date: Date, time: Time) -> String {
        let instant = self.ahead.to_timestamp(date.to_datetime(time));
        instant
            .map(|instant| instant.to_string())
            .unwrap_or_default()
    }
}

impl Inputs {
    pub fn new(seed: u64, begun_at: Timestamp) -> Self {
        Self { seed, begun_at }
    }

    /// A word that the seed chooses, the same wherever the same `salt` is given.
    pub(super) fn word(&self, salt: &str) -> String {
        let mut rng = self.rng(salt);
        (0..8)
            .map(|_| char::from(rng.random_range(b'a'..=b'z')))
            .collect()
    }

    /// So many days after the run's beginning, to the second; before it when negative.
    pub(super) fn in_days(&self, days: i64) -> String {
        let second = self.begun_at.as_second() + days * 24 * 60 * 60;
        Timestamp::from_second(second)
            .unwrap_or(self.begun_at)
            .to_string()
    }

    /// The run's beginning.
    pub(super) fn begun_at(&self) -> Timestamp {
        self.begun_at
    }

    /// A zone in which it is noon or little after when the run begins, so that "today" is one day for the
    /// whole run, and for the slowest lane as well.
    pub(super) fn noon(&self) -> Noon {
        let hours_ahead = NOON - self.begun_at.to_zoned(TimeZone::UTC).hour();
        let ahead = Offset::constant(hours_ahead);
        // These names have the sign of what is to be added for Greenwich.
        let zone = match hours_ahead {
            0 => "Etc/GMT".to_owned(),
            hours => format!("Etc/GMT{:+}", -hours),
        };
        Noon {
            zone,
            date: ahead.to_datetime(self.begun_at).date(),
            ahead,
        }
    }

    /// Who plays in a case: the user that it is about, and a stranger. The same on each lane, because some
    /// of what is stored has a user's id in it and is compared as it is.
    pub(super) fn users_of(&self, case: &str) -> [UserId; 2] {
        let mut rng = self.rng(case);
        [rng.random(), rng.random()]
            .map(|bytes| UserId(Builder::from_random_bytes(bytes).into_uuid()))
    }

    fn rng(&self, salt: &str) -> ChaCha8Rng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&fnv1a(salt).to_le_bytes());
        ChaCha8Rng::from_seed(seed)
    }
}

/// Any hash will do that stays the same from build to build.
fn fnv1a(text: &str) -> u64 {
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn inputs(seed: u64, at: &str) -> Inputs {
        Inputs::new(seed, at.parse().expect("a time"))
    }

    #[test]
    fn a_seed_replays_and_another_differs() {
        let at = "2026-11-21T21:30:00Z";
        assert_eq!(inputs(7, at).word("title"), inputs(7, at).word("title"));
        assert_ne!(inputs(7, at).word("title"), inputs(8, at).word("title"));
        assert_ne!(inputs(7, at).word("title"), inputs(7, at).word("name"));
    }

    #[test]
    fn nobody_plays_in_two_cases() {
        let inputs = inputs(7, "2026-11-21T21:30:00Z");
        let cases = crate::blackbox::all();
        let users: BTreeSet<UserId> = cases
            .iter()
            .flat_map(|case| inputs.users_of(case.name))
            .collect();
        assert_eq!(users.len(), 2 * cases.len());
        assert_eq!(inputs.users_of("a"), inputs.users_of("a"));
    }

    #[test]
    fn days_are_counted_from_the_beginning() {
        let inputs = inputs(1, "2026-11-21T21:30:00.25Z");
        assert_eq!(inputs.in_days(-1), "2026-11-20T21:30:00Z");
        assert_eq!(inputs.in_days(8), "2026-11-29T21:30:00Z");
    }

    #[test]
    fn it_is_noon_in_the_chosen_zone() {
        for hour in 0..24 {
            let at = format!("2026-11-21T{hour:02}:59:00Z");
            let inputs = inputs(1, &at);
            let noon = inputs.noon();
            let zone = TimeZone::get(&noon.zone).expect("a zone");
            let local = inputs.begun_at().to_zoned(zone);
            assert_eq!((local.hour(), local.date()), (12, noon.date), "{at}");
            let instant = noon.instant(noon.date, Time::constant(12, 59, 0, 0));
            assert_eq!(instant, at);
        }
    }
}
