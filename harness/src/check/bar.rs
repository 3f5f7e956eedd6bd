use gauntlet_reports::evidence::{Judgement, Verdict};

use super::Amount;
use super::evidence::Evidence;

/// What a claim's number may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// Nothing was promised, and so nothing is judged: the judgement counts for nothing and says only
    /// whether the measurement is complete.
    NotAsked,
    /// A condition in words. The check decides it, by violations and doubts alone.
    Stated(&'static str),
    Below(Amount),
    AtMost(Amount),
}

/// The two bars of a criterion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bars {
    pub asked: Bar,
    pub ours: Bar,
}

impl Bar {
    pub fn below(limit: impl Into<Amount>) -> Self {
        Bar::Below(limit.into())
    }

    pub fn at_most(limit: impl Into<Amount>) -> Self {
        Bar::AtMost(limit.into())
    }

    /// The bar in words; `of` names what is compared with it, e.g. `p95`.
    pub fn words(&self, of: &str) -> String {
        match self {
            Bar::NotAsked => "not asked".to_owned(),
            Bar::Stated(condition) => (*condition).to_owned(),
            Bar::Below(limit) => format!("{of} < {limit}").trim_start().to_owned(),
            Bar::AtMost(limit) => format!("{of} ≤ {limit}").trim_start().to_owned(),
        }
    }

    fn is_met_by(&self, amount: Amount) -> bool {
        match self {
            Bar::NotAsked | Bar::Stated(_) => true,
            Bar::Below(limit) => amount.value() < limit.value(),
            Bar::AtMost(limit) => amount.value() <= limit.value(),
        }
    }

    fn limit(&self) -> Option<Amount> {
        match self {
            Bar::NotAsked | Bar::Stated(_) => None,
            Bar::Below(limit) | Bar::AtMost(limit) => Some(*limit),
        }
    }
}

impl Bars {
    pub fn new(asked: Bar, ours: Bar) -> Self {
        Self { asked, ours }
    }

    /// Ours is what was asked.
    pub fn both(bar: Bar) -> Self {
        Self {
            asked: bar,
            ours: bar,
        }
    }
}

/// Compares evidence with a bar. This is the only place that does.
///
/// A violation fails whatever else is missing, because fail beats inconclusive. Otherwise a doubt,
/// nothing examined, or less examined than expected is inconclusive. A measurement with an interval
/// passes or fails only where the whole interval does.
pub(super) fn judge_bar(bar: &Bar, of: &str, evidence: &Evidence) -> Judgement {
    let (verdict, missed_by) = match bar {
        Bar::NotAsked => (conclusive(evidence, Verdict::Pass), None),
        _ if evidence.violations.total > 0 => {
            let total = evidence.violations.total;
            (
                Verdict::Fail,
                Some(Amount::count(total, evidence.violations_are).to_string()),
            )
        }
        _ if evidence.is_doubtful() => (Verdict::Inconclusive, None),
        Bar::Stated(_) => (Verdict::Pass, None),
        Bar::Below(_) | Bar::AtMost(_) => compare(bar, evidence),
    };
    Judgement {
        bar: bar.words(of),
        verdict,
        not_asked: matches!(bar, Bar::NotAsked),
        missed_by,
    }
}

fn conclusive(evidence: &Evidence, verdict: Verdict) -> Verdict {
    if evidence.is_doubtful() {
        Verdict::Inconclusive
    } else {
        verdict
    }
}

fn compare(bar: &Bar, evidence: &Evidence) -> (Verdict, Option<String>) {
    let Some(measured) = evidence.measured else {
        return (Verdict::Inconclusive, None);
    };
    let (low, high) = evidence.interval.unwrap_or((measured, measured));
    if bar.is_met_by(high) {
        (Verdict::Pass, None)
    } else if bar.is_met_by(low) {
        (Verdict::Inconclusive, None)
    } else {
        (
            Verdict::Fail,
            bar.limit().map(|limit| missed_by(measured, limit)),
        )
    }
}

/// E.g. `3.2 ms over (16%)`.
fn missed_by(measured: Amount, limit: Amount) -> String {
    let over = measured.beyond(limit);
    if limit.value() > 0.0 {
        let percent = over.value() / limit.value() * 100.0;
        let percent = gauntlet_reports::format::number(percent.round());
        format!("{over} over ({percent}%)")
    } else {
        format!("{over} over")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn evidence(millis: u64) -> Evidence {
        Evidence::measured(Duration::from_millis(millis))
            .examined(10)
            .expected(10)
    }

    fn verdict(bar: Bar, evidence: &Evidence) -> Verdict {
        judge_bar(&bar, "p95", evidence).verdict
    }

    #[test]
    fn below_excludes_the_limit_and_at_most_includes_it() {
        let limit = Duration::from_millis(100);
        assert_eq!(verdict(Bar::below(limit), &evidence(99)), Verdict::Pass);
        assert_eq!(verdict(Bar::below(limit), &evidence(100)), Verdict::Fail);
        assert_eq!(verdict(Bar::at_most(limit), &evidence(100)), Verdict::Pass);
        assert_eq!(verdict(Bar::at_most(limit), &evidence(101)), Verdict::Fail);
    }

    #[test]
    fn a_miss_says_by_how_much() {
        let judgement = judge_bar(&Bar::below(Duration::from_millis(20)), "p95", &evidence(23));
        assert_eq!(judgement.bar, "p95 < 20 ms");
        assert_eq!(judgement.missed_by.as_deref(), Some("3 ms over (15%)"));
    }

    #[test]
    fn too_few_or_none_is_inconclusive_even_where_nothing_was_asked() {
        for bar in [
            Bar::NotAsked,
            Bar::Stated("all well"),
            Bar::below(Duration::from_secs(1)),
        ] {
            assert_eq!(
                verdict(bar, &evidence(1).examined(9)),
                Verdict::Inconclusive
            );
            assert_eq!(
                verdict(bar, &evidence(1).examined(0).expected(0)),
                Verdict::Inconclusive
            );
            assert_eq!(verdict(bar, &evidence(1)), Verdict::Pass);
        }
    }

    #[test]
    fn a_violation_fails_even_where_too_little_was_examined() {
        let mut evidence = evidence(1).examined(1).doubt("the generator was late");
        evidence.violations.total = 2;
        evidence.violations_are = "lost events";
        let judgement = judge_bar(&Bar::Stated("0 lost"), "", &evidence);
        assert_eq!(judgement.verdict, Verdict::Fail);
        assert_eq!(judgement.missed_by.as_deref(), Some("2 lost events"));
        assert_eq!(verdict(Bar::NotAsked, &evidence), Verdict::Inconclusive);
    }

    #[test]
    fn planted_bar_that_nobody_asked_for_counts_for_nothing() {
        for evidence in [evidence(1), evidence(1).examined(0), evidence(1_000_000)] {
            let judgement = judge_bar(&Bar::NotAsked, "p95", &evidence);
            assert_eq!(judgement.counted(), None);
        }
        let stated = judge_bar(&Bar::Stated("all well"), "", &evidence(1));
        assert_eq!(stated.counted(), Some(Verdict::Pass));
    }

    #[test]
    fn an_interval_across_the_bar_is_inconclusive() {
        let bar = Bar::below(Duration::from_millis(10));
        let with = |low, high| {
            evidence(8).interval(Duration::from_millis(low), Duration::from_millis(high))
        };
        assert_eq!(verdict(bar, &with(7, 9)), Verdict::Pass);
        assert_eq!(verdict(bar, &with(7, 11)), Verdict::Inconclusive);
        assert_eq!(verdict(bar, &with(10, 11)), Verdict::Fail);
    }
}
