use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gauntlet_contract::TopicName;

/// How long one refusal is told of. A sidecar that is refused comes again many times within it, even where
/// its broker pauses in between; a stranger's single attempt is forgotten.
const TOLD_FOR: Duration = Duration::from_mins(1);
/// From one line of the log to the next: a sidecar that is refused tries ten times a second, without an end.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// Deliveries that were refused because whoever brought them did not show the sidecar's token, for health to
/// tell of. Clones share what they know.
///
/// Nothing that was refused is lost: a sidecar brings it again. But one that was given another token than the
/// app brings nothing else, and neither of the two is ill by itself. Whoever reaches the app's port can have
/// himself refused too, so that this is to be told and never to take an app out of service.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    tally: Arc<Mutex<Tally>>,
}

#[derive(Debug, Default)]
struct Tally {
    last: Option<Refusal>,
    /// Since the last delivery that was let in.
    refused: u64,
    logged_at: Option<Instant>,
    /// Since the last line of the log.
    unlogged: u64,
}

#[derive(Debug)]
struct Refusal {
    topic: TopicName,
    at: Instant,
}

impl Refusals {
    /// `Err` with the reason while deliveries are refused: the last one was, within a minute.
    pub fn check(&self) -> Result<(), String> {
        self.check_at(Instant::now())
    }

    fn check_at(&self, now: Instant) -> Result<(), String> {
        let tally = self.tally();
        match &tally.last {
            Some(Refusal { topic, at }) if now.duration_since(*at) < TOLD_FOR => Err(format!(
                "deliveries of {topic} are refused, {} in a row: does the sidecar have the APP_API_TOKEN of \
                 this process?",
                tally.refused
            )),
            _ => Ok(()),
        }
    }

    /// Notes a refusal, and logs it unless that was done within the last minute.
    pub(super) fn refused(&self, topic: &TopicName) {
        if let Some(refused) = self.refused_at(topic, Instant::now()) {
            tracing::warn!(%topic, refused, "deliveries without the sidecar's token refused");
        }
    }

    /// How many refusals are to be logged now, together.
    fn refused_at(&self, topic: &TopicName, now: Instant) -> Option<u64> {
        let mut tally = self.tally();
        tally.refused += 1;
        tally.unlogged += 1;
        tally.last = Some(Refusal {
            topic: topic.clone(),
            at: now,
        });
        let is_due = |logged_at| now.duration_since(logged_at) >= LOG_EVERY;
        if !tally.logged_at.is_none_or(is_due) {
            return None;
        }
        tally.logged_at = Some(now);
        Some(std::mem::take(&mut tally.unlogged))
    }

    /// The sidecar has shown the token: whoever was refused before was somebody else, or is mended.
    pub(super) fn admitted(&self) {
        let mut tally = self.tally();
        tally.last = None;
        tally.refused = 0;
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_contract::Topic;

    use super::*;

    fn topic() -> TopicName {
        TopicName::new("", Topic::TaskEvents)
    }

    /// As a sidecar does that was given another token.
    fn ten_a_second(refusals: &Refusals, from: Instant, seconds: u32) -> Vec<u64> {
        let tries = (0..seconds * 10).map(|nth| from + Duration::from_millis(100) * nth);
        tries
            .filter_map(|now| refusals.refused_at(&topic(), now))
            .collect()
    }

    #[test]
    fn refusals_are_logged_at_once_and_then_once_a_minute_with_their_number() {
        let logged = ten_a_second(&Refusals::default(), Instant::now(), 181);
        assert_eq!(logged, [1, 600, 600, 600]);
    }

    #[test]
    fn deliveries_that_are_let_in_do_not_make_the_log_forget() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.refused_at(&topic(), start), Some(1));
        refusals.admitted();
        assert_eq!(refusals.refused_at(&topic(), start), None);
    }

    #[test]
    fn a_refusal_is_told_of_for_a_minute() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        assert_eq!(refusals.check_at(start), Ok(()));
        ten_a_second(&refusals, start, 2);
        let last = start + Duration::from_millis(1_900);
        let told = refusals.check_at(last).unwrap_err();
        assert!(told.starts_with("deliveries of task-events"), "{told}");
        assert!(told.contains("20 in a row"), "{told}");
        assert!(told.contains("APP_API_TOKEN"), "{told}");
        let almost = last + Duration::from_secs(59);
        assert!(refusals.check_at(almost).is_err());
        assert_eq!(
            refusals.check_at(last + Duration::from_mins(1)),
            Ok(()),
            "told for longer"
        );
    }

    #[test]
    fn a_delivery_that_is_let_in_ends_it() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        ten_a_second(&refusals, now, 1);
        refusals.clone().admitted();
        assert_eq!(refusals.check_at(now), Ok(()));
        refusals.refused_at(&topic(), now);
        let told = refusals.check_at(now).unwrap_err();
        assert!(told.contains("1 in a row"), "{told}");
    }
}
