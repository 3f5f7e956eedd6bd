use gauntlet_reports::evidence::Finding;
use gauntlet_reports::format;

use super::evidence::{Evidence, generator_doubts};
use super::statistics::Distribution;
use super::{Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, Phase};

/// SC-002: how long the publish of an event takes, from the relay's first byte to the answer of
/// sidecar or broker, on the relay's monotonic clock; 95th percentile by nearest rank.
///
/// Where an event took several attempts, the time runs from the first of them to the answer that it
/// is published, and the note counts such events. One that was handed from relay to relay in between
/// has no time, and lowers what was examined.
///
/// Does not show: what an event waits before its first attempt, in the outbox and then for one of the
/// slots that bound how many the relay publishes at once. `commit-to-effect` counts both.
#[derive(Clone, Debug)]
pub struct PublishLatency {
    scope: Scope,
    bars: Bars,
}

impl PublishLatency {
    pub fn new(scope: impl Into<Scope>, bars: Bars) -> Self {
        Self {
            scope: scope.into(),
            bars,
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (mut events, mut repeated) = (0, 0);
        let mut micros = Vec::new();
        for event in view.events_of(Phase::Load) {
            events += 1;
            repeated += u64::from(event.attempts > 1);
            // An event without a time lowers what was examined and with it the verdict.
            micros.extend(event.publish_micros);
        }
        let samples = Distribution::of_micros(micros);
        let evidence = Evidence::maybe(samples.quantile(950))
            .examined(samples.count())
            .expected(events)
            .doubts(generator_doubts(view.record()))
            .note(samples.summary());
        if repeated == 0 {
            return evidence;
        }
        evidence.note(format!(
            "{} took more than one attempt, timed from the first",
            format::plural(repeated, "event")
        ))
    }
}

impl Check for PublishLatency {
    fn id(&self) -> &'static str {
        "publish-latency"
    }

    fn requirement(&self) -> &'static str {
        "SC-002"
    }

    fn claim(&self) -> String {
        "publishing an event is quick".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        self.scope
            .judge(self, ledger, &self.bars, "p95", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::Bar;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane, measured,
    };
    use crate::ledger::LaneRecord;

    fn check() -> PublishLatency {
        let below = |millis| Bar::below(Duration::from_millis(millis));
        PublishLatency::new(
            Scope::lane(lane()).at_least(100),
            Bars::new(below(100), below(10)),
        )
    }

    /// Healthy but for the slowest `slow` publishes.
    fn with_slow(slow: usize, micros: u64) -> LaneRecord {
        let mut record = healthy(100);
        for event in &mut record.events[..slow] {
            event.publish_micros = Some(micros);
        }
        record
    }

    #[test]
    fn passes_on_quick_publishes() {
        let finding = judge(&check(), healthy(100));
        assert_both(&finding, Verdict::Pass);
        assert_eq!(measured(&finding), "2 ms");
    }

    #[test]
    fn planted_slow_tail_counts_from_the_twentieth_part_on() {
        assert_both(&judge(&check(), with_slow(5, 500_000)), Verdict::Pass);
        assert_both(&judge(&check(), with_slow(6, 500_000)), Verdict::Fail);
        let finding = judge(&check(), with_slow(6, 12_000));
        assert_eq!(finding.asked.verdict, Verdict::Pass);
        assert_eq!(finding.ours.verdict, Verdict::Fail);
        assert_eq!(finding.ours.missed_by.as_deref(), Some("2 ms over (20%)"));
    }

    #[test]
    fn planted_slow_repeats_count_with_all_their_attempts() {
        let mut record = with_slow(6, 500_000);
        for event in &mut record.events[..6] {
            event.attempts = 3;
        }
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        let note = finding.note.unwrap();
        assert!(
            note.contains("6 events took more than one attempt"),
            "{note}"
        );
    }

    #[test]
    fn an_event_without_a_time_is_inconclusive() {
        let mut record = healthy(101);
        record.events[9].publish_micros = None;
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn a_late_generator_and_one_that_was_not_watched_are_inconclusive() {
        let mut late = healthy(100);
        late.generator.as_mut().unwrap().late = 2;
        assert_both(&judge(&check(), late), Verdict::Inconclusive);
        let mut unwatched = healthy(100);
        unwatched.generator = None;
        assert_both(&judge(&check(), unwatched), Verdict::Inconclusive);
    }

    #[test]
    fn warm_up_is_not_timed_and_too_few_samples_are_inconclusive() {
        let mut record = with_slow(50, 500_000);
        for operation in &mut record.operations[..50] {
            operation.phase = Phase::WarmUp;
        }
        let finding = judge(&check(), record);
        assert_eq!((finding.examined, finding.expected), (50, 100));
        assert_both(&finding, Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
