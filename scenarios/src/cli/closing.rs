//! The table that ends a run.

use std::path::Path;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{ContentArrangement, Table};
use gauntlet_reports::evidence::ExitStatus;
use gauntlet_reports::{Bar, Report, summary};

/// Wide enough for a terminal of the usual 100 columns.
const WIDTH: u16 = 100;

/// Verdicts by scenario, what the exit code means, and where the report is.
pub(super) fn table(report: &Report, status: ExitStatus, folder: &Path) -> String {
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
    format!(
        "\n{table}\n{} (exit code {})\nreport: {}\n",
        meaning(status),
        status.code(),
        folder.join("report.html").display()
    )
}

fn meaning(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Pass => "every claim that was asked for holds here",
        ExitStatus::Fail => "at least one claim that was asked for does not hold here",
        ExitStatus::InconclusiveOrNotRun => {
            "at least one claim could not be decided, or was not run"
        }
        ExitStatus::HarnessFailure => "the harness itself failed",
    }
}
