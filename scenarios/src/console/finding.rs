use gauntlet_reports::evidence::{Finding, Verdict};
use gauntlet_reports::format;

/// One finding on one line: mark, check, lane, number, and by how much our own bar is missed.
pub fn finding_line(finding: &Finding) -> String {
    let measured = finding
        .measured
        .as_ref()
        .map(format::quantity)
        .unwrap_or_default();
    let mut line = format!(
        "  {} {:24} {:14} {measured:>12}",
        mark(finding.asked.verdict),
        finding.check,
        finding.lane
    );
    match finding.ours.verdict {
        Verdict::Pass => {}
        Verdict::Fail => {
            let by = finding.ours.missed_by.as_deref().unwrap_or_default();
            line.push_str(&format!("  goal missed ({}): {by}", finding.ours.bar));
        }
        Verdict::Inconclusive => {
            let why = finding.note.as_deref().unwrap_or("too little was examined");
            line.push_str(&format!("  inconclusive: {why}"));
        }
    }
    line
}

fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '✓',
        Verdict::Fail => '✗',
        Verdict::Inconclusive => '?',
    }
}
