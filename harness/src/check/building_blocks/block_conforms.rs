use std::collections::BTreeMap;

use gauntlet_reports::evidence::{Finding, Violation};

use crate::check::evidence::{Collected, Evidence};
use crate::check::{Bar, Bars, Check, Scope};
use crate::ledger::{Block, LaneView, Ledger, ProbeKind, ProbeRecord};

/// A building block did in each case what its table says, and its failing twin failed in the way that was said.
///
/// A twin that passes is a violation: the block then cannot be seen to fail. Where a case of the table was not
/// asked, or the block has no twin, it is inconclusive.
///
/// Does not show: what no case asks.
#[derive(Clone, Debug)]
pub struct BlockConforms {
    scope: Scope,
    block: Block,
    cases: Vec<(String, String)>,
}

impl BlockConforms {
    /// `cases` is the block's table: the name of each case, and what has to come of it.
    pub fn new(scope: impl Into<Scope>, block: Block, cases: Vec<(String, String)>) -> Self {
        Self {
            scope: scope.into(),
            block,
            cases,
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let probes = view.record().probes.iter();
        let probes: Vec<&ProbeRecord> = probes.filter(|it| it.block == self.block).collect();
        let mut wrong = Collected::new("cases that were not as expected");
        let (mut examined, mut twins) = (0, 0);
        let mut doubts = Vec::new();
        let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
        for probe in &probes {
            *asked.entry(&probe.case).or_default() += 1;
            let planned = self.cases.iter().find(|(case, _)| *case == probe.case);
            let Some((_, expected)) = planned else {
                doubts.push(format!("{} is in no table", probe.case));
                continue;
            };
            examined += 1;
            twins += u64::from(probe.kind == ProbeKind::FailingTwin);
            if probe.got != *expected {
                wrong.add(|| violation(probe, expected));
            }
        }
        for (case, _) in &self.cases {
            match asked.get(case.as_str()) {
                Some(1) => {}
                Some(times) => doubts.push(format!("{case} was asked {times} times")),
                None => doubts.push(format!("{case} was not asked")),
            }
        }
        if twins == 0 {
            doubts.push("the block has no failing twin".to_owned());
        }
        Evidence::none_tolerated(wrong)
            .examined(examined)
            .expected(self.cases.len() as u64)
            .doubts(doubts)
            .note(format!("{twins} of the cases are failing twins"))
    }
}

fn violation(probe: &ProbeRecord, expected: &str) -> Violation {
    let got = &probe.got;
    let what = match probe.kind {
        ProbeKind::Conformance => format!("expected {expected}, got {got}"),
        ProbeKind::FailingTwin => {
            format!("the twin was to fail with {expected}, and it came to {got}")
        }
    };
    Violation {
        subject: probe.case.clone(),
        what,
        timeline: probe.felt.lines().map(str::to_owned).collect(),
    }
}

impl Check for BlockConforms {
    fn id(&self) -> &'static str {
        match self.block {
            Block::State => "block-conforms-state",
            Block::Secrets => "block-conforms-secrets",
            Block::Invocation => "block-conforms-invocation",
            Block::Resiliency => "block-conforms-resiliency",
            Block::AccessControl => "block-conforms-access-control",
        }
    }

    fn requirement(&self) -> &'static str {
        "SC-018"
    }

    fn claim(&self) -> String {
        format!(
            "{}: each case comes to what its table says, and the failing twins fail as they should",
            self.block
        )
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("100 % of the cases"));
        let search = |view: LaneView<'_>| self.search(view);
        self.scope.judge(self, ledger, &bars, "", search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::LaneRecord;

    const TABLE: [(&str, &str, ProbeKind); 3] = [
        ("a key is read", "its value", ProbeKind::Conformance),
        ("a key is deleted", "nothing", ProbeKind::Conformance),
        ("a wrong password", "a refusal", ProbeKind::FailingTwin),
    ];

    fn check() -> BlockConforms {
        let cases = TABLE.map(|(case, expected, _)| (case.to_owned(), expected.to_owned()));
        BlockConforms::new(lane(), Block::State, cases.to_vec())
    }

    fn record() -> LaneRecord {
        let mut record = healthy(1);
        let probes = TABLE.map(|(case, expected, kind)| ProbeRecord {
            block: Block::State,
            kind,
            case: case.to_owned(),
            expected: expected.to_owned(),
            got: expected.to_owned(),
            felt: "status 200".to_owned(),
        });
        record.probes.extend(probes);
        record
    }

    #[test]
    fn passes_where_all_came_to_what_the_table_says() {
        let finding = judge(&check(), record());
        assert_both(&finding, Verdict::Pass);
        assert_eq!((finding.examined, finding.expected), (3, 3));
        assert_inconclusive_on_nothing(&check());
    }

    #[test]
    fn planted_other_outcome_is_told_with_what_was_felt() {
        let mut record = record();
        "an error".clone_into(&mut record.probes[1].got);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        let shown = &finding.violations.shown[0];
        assert_eq!(shown.subject, "a key is deleted");
        assert_eq!(shown.timeline, ["status 200"]);
    }

    #[test]
    fn planted_twin_that_passes_is_a_fail() {
        let mut record = record();
        "an answer".clone_into(&mut record.probes[2].got);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert!(
            finding.violations.shown[0]
                .what
                .contains("the twin was to fail")
        );
    }

    #[test]
    fn planted_expectation_of_the_record_itself_saves_nothing() {
        let mut record = record();
        "an error".clone_into(&mut record.probes[0].got);
        "an error".clone_into(&mut record.probes[0].expected);
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn what_was_not_asked_or_asked_twice_and_a_block_without_a_twin_are_inconclusive() {
        let planted: [fn(&mut Vec<ProbeRecord>); 4] = [
            |probes| drop(probes.remove(0)),
            |probes| probes.push(probes[0].clone()),
            |probes| probes[2].kind = ProbeKind::Conformance,
            |probes| probes.clear(),
        ];
        for plant in planted {
            let mut record = record();
            plant(&mut record.probes);
            assert_both(&judge(&check(), record), Verdict::Inconclusive);
        }
    }

    #[test]
    fn the_cases_of_other_blocks_count_for_nothing() {
        let mut record = record();
        let mut other = record.probes[0].clone();
        other.block = Block::Secrets;
        "an error".clone_into(&mut other.got);
        record.probes.push(other);
        assert_both(&judge(&check(), record), Verdict::Pass);
    }
}
