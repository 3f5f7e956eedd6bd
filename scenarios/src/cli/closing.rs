//! The table that ends a run.

use std::path::Path;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use gauntlet_reports::evidence::ExitStatus;
use gauntlet_reports::{Bar, Report, summary};

/// Wide enough for a terminal of the usual 100 columns.
const WIDTH: u16 = 100;

/// Verdicts by scenario, which provider it was and why, what the exit code means, what was not run, and
/// where the report is.
///
/// `page` is none where no report could be written.
pub(super) fn table(report: &Report, status: ExitStatus, page: Option<&Path>) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["scenario", "asked", "ours", "measured"]);
    for row in summary::rows(report) {
        table.add_row([
            row.scenario,
            row.asked.label(Bar::Asked),
            row.ours.label(Bar::Ours),
            row.headline,
        ]);
    }
    let providers: String = report
        .run
        .providers
        .iter()
        .map(|info| format!("on {}: {}\n", info.name, info.reason))
        .collect();
    format!(
        "\n{table}\n{providers}{} (exit code {})\nreport: {}\n",
        summary::conclusion(report, status),
        status.code(),
        page.map_or_else(
            || "not written".to_owned(),
            |page| page.display().to_string()
        )
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn scenario(id: &str, outcome: &Value) -> Value {
        let judgement = json!({ "bar": "0 lost", "verdict": "pass", "missed_by": null });
        let finding = json!({
            "check": "nothing-lost", "requirement": "H4", "lane": "", "claim": "", "measured": null,
            "asked": judgement, "ours": judgement, "examined": 1, "expected": 1,
            "violations": { "total": 0, "shown": [] }, "note": null
        });
        let was_judged = outcome["state"] == "judged";
        json!({
            "id": id, "title": "", "claim": "", "not_shown": [], "requirements": [], "repeat": 1,
            "outcome": outcome, "seconds": 1.0,
            "findings": if was_judged { vec![finding] } else { Vec::new() },
            "figures": [], "timeline": [], "plots": [], "timings": [], "notes": [], "evidence": []
        })
    }

    /// One scenario that passed, and one that was not run and was allowed to be missing.
    fn report() -> Report {
        let not_run = json!({ "state": "not_run", "needs": "daprd", "mend": "get it" });
        let host = json!({ "os": "", "kernel": "", "cpu": "", "cores": 2, "memory_bytes": 1 });
        let at = "2026-01-01T00:00:00Z";
        let report = json!({
            "schema": gauntlet_reports::evidence::SCHEMA,
            "run": {
                "id": "a", "started": at, "finished": at, "seed": 1, "command": [], "version": "0",
                "commit": null, "dirty": false, "profile": "release", "stack": "light",
                "provider": "process", "provider_reason": "asked for", "host": host, "timings": [],
                "allowed_not_run": ["sidecar-memory"]
            },
            "components": [],
            "scenarios": [
                scenario("burst-1000", &json!({ "state": "judged" })),
                scenario("sidecar-memory", &not_run),
            ]
        });
        from_value(report).expect("a report")
    }

    #[test]
    fn a_pass_names_what_was_left_out() {
        let report = report();
        let status = report.exit_status(&report.run.allowed_not_run);
        assert_eq!(status, ExitStatus::Pass);
        let closing = table(
            &report,
            status,
            Some(Path::new("reports/latest/report.html")),
        );
        let told = "every claim that was run holds against what was asked; \
                    not run: sidecar-memory (needs daprd) (exit code 0)";
        assert!(closing.contains(told), "{closing}");
    }

    #[test]
    fn the_provider_is_told_with_the_reason() {
        let report = report();
        let closing = table(&report, ExitStatus::Pass, None);
        assert!(closing.contains("\non process: asked for\n"), "{closing}");
    }

    #[test]
    fn planted_second_provider_is_told_apart_in_the_table() {
        let mut report = report();
        let mut second = report.scenarios[0].clone();
        "containers".clone_into(&mut second.provider);
        report.scenarios.push(second);
        let closing = table(&report, ExitStatus::Pass, None);
        assert!(closing.contains("burst-1000 [process]"), "{closing}");
        assert!(closing.contains("burst-1000 [containers]"), "{closing}");
    }

    #[test]
    fn a_run_that_broke_off_says_why() {
        let mut report = report();
        report.run.broken = Some("interrupted".to_owned());
        let status = report.exit_status(&report.run.allowed_not_run);
        let closing = table(&report, status, None);
        let told = "the harness itself failed, and there is no verdict: interrupted";
        assert!(closing.contains(told), "{closing}");
        assert!(
            closing.contains("(exit code 3)\nreport: not written"),
            "{closing}"
        );
    }
}
