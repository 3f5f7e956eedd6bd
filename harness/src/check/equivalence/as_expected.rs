use gauntlet_reports::evidence::{Finding, Violation};

use super::judged;
use crate::check::evidence::{Collected, Evidence};
use crate::check::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger};

/// Each case of the black-box suite was answered as the requirements say. A case that asked nothing is not
/// examined.
///
/// Does not show: what no case asks.
#[derive(Clone, Debug)]
pub struct CasesAsExpected {
    scope: Scope,
}

impl CasesAsExpected {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let mut surprises = Collected::new("cases that were not answered as expected");
        let (mut examined, mut expected) = (0, 0);
        for case in judged(view.record()) {
            expected += 1;
            examined += u64::from(!case.exchanges.is_empty());
            if let Some(surprise) = &case.surprise {
                surprises.add(|| Violation {
                    subject: case.name.clone(),
                    what: surprise.clone(),
                    timeline: asked(case),
                });
            }
        }
        Evidence::none_tolerated(surprises)
            .examined(examined)
            .expected(expected)
    }
}

/// What was asked and answered up to there.
fn asked(case: &crate::ledger::CaseRecord) -> Vec<String> {
    let lines = case.exchanges.iter();
    lines
        .map(|exchange| format!("{}: {} {}", exchange.call, exchange.status, exchange.body))
        .collect()
}

impl Check for CasesAsExpected {
    fn id(&self) -> &'static str {
        "cases-as-expected"
    }

    fn requirement(&self) -> &'static str {
        "SC-001"
    }

    fn claim(&self) -> String {
        "each case is answered as the requirements say".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("100 % of the cases"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{assert_both, assert_inconclusive_on_nothing, judge, lane};
    use crate::ledger::case_sample::lane_of_cases;
    use crate::ledger::{CaseRole, LaneRecord};

    fn record() -> LaneRecord {
        lane_of_cases(lane().as_str(), &["a", "b", "c"])
    }

    #[test]
    fn passes_where_nothing_surprised() {
        let finding = judge(&CasesAsExpected::new(lane()), record());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, 3);
        assert_inconclusive_on_nothing(&CasesAsExpected::new(lane()));
    }

    #[test]
    fn planted_surprise_is_told_with_its_case() {
        let mut record = record();
        record.cases[1].surprise = Some("status 500".to_owned());
        let finding = judge(&CasesAsExpected::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.shown[0].subject, "b");
    }

    #[test]
    fn planted_case_that_asked_nothing_is_inconclusive() {
        let mut record = record();
        record.cases[1].exchanges.clear();
        let finding = judge(&CasesAsExpected::new(lane()), record);
        assert_both(&finding, Verdict::Inconclusive);
        assert_eq!((finding.examined, finding.expected), (2, 3));
    }

    #[test]
    fn fewer_cases_than_there_are_to_be_show_too_little() {
        let check = CasesAsExpected::new(Scope::lane(lane()).at_least(4));
        assert_both(&judge(&check, record()), Verdict::Inconclusive);
    }

    #[test]
    fn a_control_counts_for_nothing() {
        let mut record = record();
        record.cases[2].role = CaseRole::Control { planted_on: lane() };
        record.cases[2].surprise = Some("asked for".to_owned());
        let finding = judge(&CasesAsExpected::new(lane()), record);
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, 2);
    }
}
