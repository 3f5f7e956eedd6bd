//! The end of a run: the report on disk, where to find it, and the exit code.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gauntlet_reports::evidence::{ExitStatus, SCHEMA};
use gauntlet_reports::{Report, write_all};

use super::args::RunArgs;
use super::closing;
use super::output::print;
use crate::runner::{Carried, RunFacts, run_info};

/// Finds out before the run, which may take an hour, whether its copy can be written. Nothing is left
/// behind: an empty file would look like a report that was lost.
pub(super) fn require_writable(copy: &Path) -> Result<()> {
    let is_new = !copy.exists();
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(copy)
        .and_then(|_| {
            if is_new {
                fs::remove_file(copy)
            } else {
                Ok(())
            }
        })
        .with_context(|| {
            format!(
                "failed to open {} for the report; to mend: name a file in a folder that can be \
                 written with --json",
                copy.display()
            )
        })
}

pub(super) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| {
        format!(
            "failed to make the report's folder {}; to mend: name one that can be written with \
             --reports",
            folder.display()
        )
    })
}

/// Writes the report, shows the table, and says what the exit code is. The table is shown whatever
/// becomes of the files: it may be all that is left of the run.
pub(super) fn conclude(
    args: &RunArgs,
    facts: &RunFacts,
    folder: &Path,
    carried: Carried,
) -> Result<ExitStatus> {
    let broken = carried.broken.as_ref();
    let report = Report {
        schema: SCHEMA.to_owned(),
        run: run_info(facts, broken.map(|error| format!("{error:#}"))),
        components: carried.components,
        scenarios: carried.scenarios,
    };
    let status = report.exit_status(&args.allow_not_run);
    let published = publish(&report, args, folder);
    print(&closing::table(&report, status, published.page.as_deref()))?;
    published.outcome?;
    match carried.broken {
        Some(error) => Err(error),
        None => Ok(status),
    }
}

/// How far the report came.
struct Published {
    /// The page, where it was written.
    page: Option<PathBuf>,
    outcome: Result<()>,
}

fn publish(report: &Report, args: &RunArgs, folder: &Path) -> Published {
    let written = match write_all(report, folder).context("failed to write the report") {
        Ok(written) => written,
        Err(error) => {
            return Published {
                page: None,
                outcome: Err(error),
            };
        }
    };
    let latest = point_latest(&args.reports, &report.run.id);
    let shown = latest.as_ref().map_or(folder, PathBuf::as_path);
    let copied = match &args.json {
        Some(copy) => fs::copy(&written.json, copy)
            .map(|_| ())
            .with_context(|| format!("failed to write the report to {}", copy.display())),
        None => Ok(()),
    };
    Published {
        page: Some(shown.join("report.html")),
        outcome: latest.map(|_| ()).and(copied),
    }
}

/// Makes `latest` point to this run, in one step, so that two runs that end together leave one whole
/// link.
fn point_latest(reports: &Path, id: &str) -> Result<PathBuf> {
    let latest = reports.join("latest");
    let draft = reports.join(format!(".latest-{id}"));
    symlink(Path::new("runs").join(id), &draft)
        .and_then(|()| fs::rename(&draft, &latest))
        .with_context(|| format!("failed to point {} to the report", latest.display()))?;
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_can_be_written_leaves_no_trace_before_the_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("report.json");
        require_writable(&copy).expect("writable");
        assert!(!copy.exists());
        fs::write(&copy, "an earlier report").expect("written");
        require_writable(&copy).expect("writable");
        assert_eq!(
            fs::read_to_string(&copy).expect("is there"),
            "an earlier report"
        );
    }

    #[test]
    fn a_copy_that_cannot_be_written_says_why_and_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        for copy in [folder.path().to_owned(), folder.path().join("none/a.json")] {
            let refusal = format!("{:#}", require_writable(&copy).expect_err("not a file"));
            assert!(refusal.contains("--json"), "{refusal}");
            assert!(refusal.contains("os error"), "{refusal}");
        }
    }
}
