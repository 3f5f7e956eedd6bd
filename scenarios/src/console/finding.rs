use gauntlet_reports::evidence::{Finding, Verdict};
use gauntlet_reports::{Standing, format};

/// One finding on one line: mark, check, lane, number, and by how much our own bar is missed.
pub fn finding_line(finding: &Finding) -> String {
    let measured = finding
        .measured
        .as_ref()
        .map(format::quantity)
        .unwrap_or_default();
    let mut line = format!(
        "  {} {:24} {:14} {measured:>12}",
        Standing::from(&finding.asked).mark(),
        finding.check,
        finding.lane
    );
    match finding.ours.counted() {
        None | Some(Verdict::Pass) => {}
        Some(Verdict::Fail) => {
            let by = finding.ours.missed_by.as_deref().unwrap_or_default();
            line.push_str(&format!("  goal missed ({}): {by}", finding.ours.bar));
        }
        Some(Verdict::Inconclusive) => {
            let why = finding.note.as_deref().unwrap_or("too little was examined");
            line.push_str(&format!("  inconclusive: {why}"));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::Judgement;
    use gauntlet_reports::evidence::Violations;

    use super::*;

    #[test]
    fn planted_criterion_that_nobody_asked_for_has_no_tick() {
        let asked = Judgement {
            bar: "not asked".to_owned(),
            verdict: Verdict::Pass,
            not_asked: true,
            missed_by: None,
        };
        let ours = Judgement {
            bar: "p95 < 25 ms".to_owned(),
            verdict: Verdict::Fail,
            not_asked: false,
            missed_by: Some("3 ms over (12%)".to_owned()),
        };
        let line = finding_line(&Finding {
            check: "commit-to-effect".to_owned(),
            requirement: "SC-002".to_owned(),
            lane: "dapr-kafka".to_owned(),
            claim: String::new(),
            measured: None,
            asked,
            ours,
            examined: 1,
            expected: 1,
            violations: Violations::default(),
            note: None,
        });
        assert!(line.starts_with("  – commit-to-effect"), "{line}");
        assert!(
            line.ends_with("goal missed (p95 < 25 ms): 3 ms over (12%)"),
            "{line}"
        );
    }
}
