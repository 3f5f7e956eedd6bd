use std::time::Duration;

use gauntlet_reports::evidence::{Finding, Violation};

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Ended, EndingRecord, LaneView, Ledger};

/// Asked to stop, each of the system's services drains and exits with 0. A service itself gives up after 30 s,
/// with another exit code; whoever has to be killed is stuck.
///
/// Examined are services whose end was seen. One that was gone before it was asked shows nothing.
///
/// Does not show: that what was drained took effect, which `nothing-lost` does.
#[derive(Clone, Debug)]
pub struct GracefulStop {
    scope: Scope,
}

impl GracefulStop {
    /// How long a service is given from `SIGTERM` on.
    pub const WITHIN: Duration = Duration::from_secs(35);

    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let endings = &view.record().endings;
        let mut stuck = Collected::new("services that did not");
        let mut seen = 0;
        for ending in endings {
            if ending.ended != Ended::NotSeen {
                seen += 1;
            }
            if let Some(what) = fault(ending) {
                stuck.add(|| Violation {
                    subject: ending.service.clone(),
                    what,
                    timeline: Vec::new(),
                });
            }
        }
        let expected = endings.len() as u64;
        let gone = (seen < expected).then(|| "some were gone before they were asked".to_owned());
        Evidence::none_tolerated(stuck)
            .examined(seen)
            .expected(expected)
            .notes(gone)
    }
}

fn fault(ending: &EndingRecord) -> Option<String> {
    match ending.ended {
        Ended::Code(0) | Ended::NotSeen => None,
        Ended::Code(code) => Some(format!("gave up its drain: exit code {code}")),
        Ended::Signal(signal) => Some(format!("gave up its drain: signal {signal}")),
        Ended::ByForce => {
            let seconds = GracefulStop::WITHIN.as_secs();
            Some(format!("did not end within {seconds} s and was killed"))
        }
    }
}

impl Check for GracefulStop {
    fn id(&self) -> &'static str {
        "graceful-stop"
    }

    fn requirement(&self) -> &'static str {
        "S10"
    }

    fn claim(&self) -> String {
        "asked to stop, the system's services finish what they have begun and exit".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("exit code 0 within 35 s of SIGTERM"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };

    fn judged(ends: [Ended; 2]) -> Finding {
        let mut record = healthy(1);
        for (role, ended) in ["api", "audit"].into_iter().zip(ends) {
            let service = format!("{}/{role}", lane());
            record.endings.push(EndingRecord { service, ended });
        }
        judge(&GracefulStop::new(lane()), record)
    }

    #[test]
    fn services_that_end_by_themselves_pass() {
        let finding = judged([Ended::Code(0), Ended::Code(0)]);
        assert_both(&finding, Verdict::Pass);
        assert_eq!((finding.examined, finding.expected), (2, 2));
        let within = format!("within {} s", GracefulStop::WITHIN.as_secs());
        assert!(finding.asked.bar.contains(&within));
    }

    #[test]
    fn planted_service_that_was_killed_or_gave_up_its_drain_is_found() {
        for bad in [Ended::ByForce, Ended::Code(1), Ended::Signal(6)] {
            let finding = judged([bad, Ended::Code(0)]);
            assert_both(&finding, Verdict::Fail);
            assert_eq!(finding.violations.total, 1);
            assert_eq!(finding.violations.shown[0].subject, "dapr-kafka/api");
        }
        // What was seen counts, whatever else was not.
        assert_both(&judged([Ended::ByForce, Ended::NotSeen]), Verdict::Fail);
    }

    #[test]
    fn planted_service_that_was_gone_before_shows_nothing() {
        let finding = judged([Ended::Code(0), Ended::NotSeen]);
        assert_both(&finding, Verdict::Inconclusive);
        assert_eq!((finding.examined, finding.expected), (1, 2));
        assert!(finding.note.unwrap().contains("gone before"));
        let check = GracefulStop::new(Scope::lane(lane()).at_least(3));
        assert_both(&judge(&check, healthy(1)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
