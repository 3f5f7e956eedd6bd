use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gauntlet_reports::compare::compare;
use gauntlet_reports::evidence::ExitStatus;
use gauntlet_reports::regression::{Tolerance, regression};
use gauntlet_reports::render::{comparison_markdown, regression_markdown, render_markdown};
use gauntlet_reports::{Report, read, write_all};

use super::args::ReportArgs;
use super::output::print;

/// Shows a report, renders it again, compares it with an earlier one, or tells by the exit code whether
/// it got worse since.
pub(super) fn report(args: &ReportArgs) -> Result<ExitStatus> {
    let path = json_of(&args.path);
    let report = load(&path)?;
    if let Some(earlier) = &args.compare {
        let before = load(&json_of(earlier))?;
        if args.gate {
            return gate(&before, &report, args.tolerance);
        }
        print(&comparison_markdown(&compare(&before, &report)))?;
        return Ok(ExitStatus::Pass);
    }
    if args.render {
        let folder = path.parent().unwrap_or(Path::new("."));
        let written = write_all(&report, folder).context("failed to render the report")?;
        print(&format!("{}\n", written.html.display()))?;
        return Ok(ExitStatus::Pass);
    }
    print(&render_markdown(&report))?;
    Ok(ExitStatus::Pass)
}

/// Two reports that have nothing in common would always pass; that is no answer.
fn gate(before: &Report, after: &Report, percent: f64) -> Result<ExitStatus> {
    let found = regression(before, after, Tolerance { percent });
    print(&regression_markdown(&found))?;
    if found.is_void() {
        bail!(
            "failed to compare {} with {}: they have no criterion in common; to mend: compare with a \
             report of the same scenarios",
            after.run.id,
            before.run.id
        );
    }
    Ok(if found.worse.is_empty() {
        ExitStatus::Pass
    } else {
        ExitStatus::Fail
    })
}

fn load(path: &Path) -> Result<Report> {
    read(path).with_context(|| {
        format!(
            "failed to read a report from {} (make one with `gauntlet run`)",
            path.display()
        )
    })
}

/// A report is named by its folder or by its JSON file.
fn json_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.join("report.json")
    } else {
        path.to_owned()
    }
}
