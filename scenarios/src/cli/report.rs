use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gauntlet_reports::compare::compare;
use gauntlet_reports::render::{comparison_markdown, render_markdown};
use gauntlet_reports::{Report, read, write_all};

use super::args::ReportArgs;
use super::output::print;

/// Shows a report, renders it again, or compares it with an earlier one.
pub(super) fn report(args: &ReportArgs) -> Result<()> {
    let path = json_of(&args.path);
    let report = load(&path)?;
    if let Some(earlier) = &args.compare {
        let before = load(&json_of(earlier))?;
        return print(&comparison_markdown(&compare(&before, &report)));
    }
    if args.render {
        let folder = path.parent().unwrap_or(Path::new("."));
        let written = write_all(&report, folder).context("failed to render the report")?;
        return print(&format!("{}\n", written.html.display()));
    }
    print(&render_markdown(&report))
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
