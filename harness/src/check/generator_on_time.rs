use std::time::Duration;

use gauntlet_reports::evidence::Finding;
use gauntlet_reports::format;

use super::evidence::{Evidence, generator_doubts};
use super::{Amount, Bar, Bars, Check, Scope};
use crate::ledger::{GeneratorRecord, LaneView, Ledger, NoiseFloor, Phase};

/// The load was the one that was promised: at most 1 % of it sent late, which is more than 5 ms after
/// its moment, and for a burst more than 5 ms after the time in which it says it leaves (decision
/// 0007).
///
/// A late generator says nothing about the system, so this is never a fail: it is a pass or
/// inconclusive, and every timing of the lane with it.
///
/// How concurrent the load really was, and whether it was held back, stands beside it: an operation
/// that was held back is late as well, and counts as such.
///
/// Generator and system share the cores of one host. The lateness of an empty loop stands beside
/// the figure: it tells a busy host from a slow generator.
#[derive(Clone, Debug)]
pub struct GeneratorOnTime {
    scope: Scope,
}

impl GeneratorOnTime {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let Some(generator) = &record.generator else {
            return Evidence::default().doubts(generator_doubts(record));
        };
        let measured = Amount::share(generator.late, generator.offered);
        let micros = |micros| Amount::from(Duration::from_micros(micros));
        let lateness = generator.lateness;
        let noise = match generator.noise {
            Some(NoiseFloor {
                p50_micros,
                p99_micros,
                max_micros,
            }) => format!(
                "an empty loop at this rate: p50 {}, p99 {}, max {}",
                micros(p50_micros),
                micros(p99_micros),
                micros(max_micros)
            ),
            None => "an empty loop was not measured".to_owned(),
        };
        Evidence::measured(measured)
            .examined(generator.offered)
            .expected(view.operations_of(Phase::Load).count() as u64)
            .doubts(generator_doubts(record))
            .note(format!(
                "lateness p50 {}, p90 {}, p99 {}, max {}",
                micros(lateness.p50_micros),
                micros(lateness.p90_micros),
                micros(lateness.p99_micros),
                micros(lateness.max_micros)
            ))
            .notes(allowance(generator))
            .note(noise)
            .note(openness(generator))
            .notes(priority(generator))
    }

    /// What is compared with the bar, in words that are true of this very load.
    fn late(&self, ledger: &Ledger) -> String {
        let view = self.scope.view(ledger);
        let generator = view.and_then(|view| view.record().generator.clone());
        let after = generator.unwrap_or_default().late_after();
        format!("sent more than {} late", Amount::from(after))
    }
}

/// What an allowance excuses, and how much of the load left beyond 5 ms all the same. Nothing for a
/// load without one: there the measurement says it.
fn allowance(generator: &GeneratorRecord) -> Option<String> {
    if generator.allowed_micros == 0 {
        return None;
    }
    let allowed = Amount::from(Duration::from_micros(generator.allowed_micros));
    let after = Amount::from(generator.late_after());
    let beyond = match generator.beyond_5ms {
        Some(beyond) => Amount::share(beyond, generator.offered).to_string(),
        None => "an unrecorded share".to_owned(),
    };
    Some(format!(
        "late is more than {after} after the moment of the burst: 5 ms, and {allowed} in which the \
         burst says it leaves; {beyond} left more than 5 ms after it"
    ))
}

/// How concurrent the load was. An open loop holds nothing back.
fn openness(generator: &GeneratorRecord) -> String {
    if generator.peak_in_flight == 0 {
        return "how many requests were under way at once was not recorded".to_owned();
    }
    format!(
        "at most {} under way at once, {} held back",
        format::plural(generator.peak_in_flight, "request"),
        format::plural(generator.held_back, "operation")
    )
}

/// Whether it had to wait for a core behind what it loads.
fn priority(generator: &GeneratorRecord) -> Option<String> {
    let said = if generator.real_time? {
        "its thread ran at real-time priority"
    } else {
        "its thread had no priority over what it loads: the machine permits none (`ulimit -r`)"
    };
    Some(said.to_owned())
}

impl Check for GeneratorOnTime {
    fn id(&self) -> &'static str {
        "generator-on-time"
    }

    fn requirement(&self) -> &'static str {
        "H5"
    }

    fn claim(&self) -> String {
        "the load was sent when it was due, a burst within the time that it states".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::at_most(Amount::percent(1)));
        self.scope
            .judge(self, ledger, &bars, &self.late(ledger), Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::OperationOutcome;

    fn late(operations: u64) -> gauntlet_reports::evidence::Finding {
        let mut record = healthy(1_000);
        record.generator.as_mut().unwrap().late = operations;
        judge(&GeneratorOnTime::new(lane()), record)
    }

    #[test]
    fn passes_up_to_one_percent() {
        assert_both(&late(0), Verdict::Pass);
        assert_both(&late(10), Verdict::Pass);
    }

    #[test]
    fn operations_that_nobody_took_were_offered_all_the_same() {
        let mut record = healthy(1_000);
        for operation in &mut record.operations[200..400] {
            operation.outcome = OperationOutcome::Failed {
                reason: "not sent: Connection refused".to_owned(),
            };
        }
        assert_both(&judge(&GeneratorOnTime::new(lane()), record), Verdict::Pass);
    }

    #[test]
    fn planted_lateness_is_inconclusive_and_never_a_fail() {
        let finding = late(11);
        assert_both(&finding, Verdict::Inconclusive);
        assert!(
            finding
                .note
                .unwrap()
                .starts_with("the generator sent 1.1% of the load")
        );
        assert_both(&late(1_000), Verdict::Inconclusive);
    }

    #[test]
    fn planted_late_burst_is_not_told_as_one_that_left_within_five_milliseconds() {
        let mut record = healthy(1_000);
        let generator = record.generator.as_mut().unwrap();
        (generator.allowed_micros, generator.beyond_5ms) = (100_000, Some(873));
        let finding = judge(&GeneratorOnTime::new(lane()), record.clone());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.asked.bar, "sent more than 105 ms late ≤ 1%");
        let note = finding.note.unwrap();
        assert!(note.contains("late is more than 105 ms"), "{note}");
        assert!(
            note.contains("87.3% left more than 5 ms after it"),
            "{note}"
        );

        record.generator.as_mut().unwrap().late = 11;
        let note = judge(&GeneratorOnTime::new(lane()), record).note.unwrap();
        assert!(
            note.starts_with("the generator sent 1.1% of the load more than 105 ms late"),
            "{note}"
        );
    }

    #[test]
    fn a_load_without_an_allowance_is_late_after_five_milliseconds() {
        let finding = late(0);
        assert_eq!(finding.asked.bar, "sent more than 5 ms late ≤ 1%");
        assert!(!finding.note.unwrap().contains("burst"));
    }

    #[test]
    fn how_open_the_loop_was_stands_beside_the_lateness() {
        let mut record = healthy(1_000);
        let generator = record.generator.as_mut().unwrap();
        (generator.peak_in_flight, generator.held_back) = (1_000, 3);
        let finding = judge(&GeneratorOnTime::new(lane()), record);
        let note = finding.note.unwrap();
        let told = "at most 1,000 requests under way at once, 3 operations held back";
        assert!(note.contains(told), "{note}");
    }

    #[test]
    fn how_the_generator_was_scheduled_stands_beside_the_lateness() {
        let note_of = |real_time| {
            let mut record = healthy(10);
            record.generator.as_mut().unwrap().real_time = real_time;
            judge(&GeneratorOnTime::new(lane()), record).note.unwrap()
        };
        assert!(note_of(Some(true)).contains("at real-time priority"));
        assert!(note_of(Some(false)).contains("had no priority over what it loads"));
        assert!(!note_of(None).contains("priority"));
    }

    #[test]
    fn a_generator_that_was_not_watched_or_offered_less_is_inconclusive() {
        let check = GeneratorOnTime::new(lane());
        let mut unwatched = healthy(10);
        unwatched.generator = None;
        assert_both(&judge(&check, unwatched), Verdict::Inconclusive);
        let mut fewer = healthy(10);
        fewer.generator.as_mut().unwrap().offered = 9;
        assert_both(&judge(&check, fewer), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
