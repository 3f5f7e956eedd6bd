use serde::{Deserialize, Serialize};

/// What the evidence says about one claim.
///
/// The order is the order of precedence when verdicts are folded: a fail beats an inconclusive, an
/// inconclusive beats a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Pass,
    Inconclusive,
    Fail,
}

impl Verdict {
    /// Folds verdicts by precedence. Nothing judged is inconclusive, never a pass.
    pub fn fold(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        verdicts.into_iter().max().unwrap_or(Verdict::Inconclusive)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Fail => "fail",
        }
    }
}

/// Process exit status of a run, by the documented codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    Pass,
    Fail,
    InconclusiveOrNotRun,
    HarnessFailure,
}

impl ExitStatus {
    /// In the order of the codes.
    pub const ALL: [ExitStatus; 4] = [
        ExitStatus::Pass,
        ExitStatus::Fail,
        ExitStatus::InconclusiveOrNotRun,
        ExitStatus::HarnessFailure,
    ];

    /// What the code says of any run, one that left scenarios out included.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitStatus::Pass => "every claim that was run holds against what was asked",
            ExitStatus::Fail => "at least one claim fails against what was asked",
            ExitStatus::InconclusiveOrNotRun => {
                "nothing failed, but not every claim was settled or run"
            }
            ExitStatus::HarnessFailure => "the harness itself failed, and there is no verdict",
        }
    }

    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Pass => 0,
            ExitStatus::Fail => 1,
            ExitStatus::InconclusiveOrNotRun => 2,
            ExitStatus::HarnessFailure => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_beats_inconclusive_beats_pass() {
        use Verdict::{Fail, Inconclusive, Pass};
        assert_eq!(Verdict::fold([Pass, Inconclusive, Pass]), Inconclusive);
        assert_eq!(Verdict::fold([Pass, Fail, Inconclusive]), Fail);
        assert_eq!(Verdict::fold([Pass, Pass]), Pass);
    }

    #[test]
    fn nothing_judged_is_not_a_pass() {
        assert_eq!(Verdict::fold([]), Verdict::Inconclusive);
    }
}
