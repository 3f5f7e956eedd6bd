//! All that this program prints.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the output of a command line"
)]

use anyhow::Error;
use comfy_table::{CellAlignment, Table, presets};
use gauntlet_loadgen::{Distribution, LATE, LATE_LIMIT, LoadSummary, Progress};

const ERASE_LINE: &str = "\r\x1b[2K";

pub(crate) fn progress(progress: &Progress) {
    eprint!(
        "{ERASE_LINE}offered {} of {}, acknowledged {}, failed {}, unknown {}, p95 {:.1?}",
        progress.offered,
        progress.planned,
        progress.acknowledged,
        progress.failed,
        progress.unknown,
        progress.p95
    );
}

pub(crate) fn clear_progress() {
    eprint!("{ERASE_LINE}");
}

/// The error and its causes on one line.
pub(crate) fn error(error: &Error) {
    eprintln!("error: {error:#}");
}

pub(crate) fn summary(summary: &LoadSummary) {
    println!("{}: {} offered", summary.arrival, summary.offered);
    println!(
        "acknowledged {}, failed {}, unknown {}",
        summary.tally.acknowledged, summary.tally.failed, summary.tally.unknown
    );
    println!("{}", distributions(summary));
    if summary.held_back > 0 {
        println!(
            "{} operations were held back by --max-in-flight: the loop was not open for them",
            summary.held_back
        );
    }
    let late = &summary.lateness;
    if late.share > LATE_LIMIT {
        println!(
            "inconclusive: {} operations ({:.1} %) were sent more than {} ms late, at most {:.0} % may be",
            late.late,
            late.share * 100.0,
            LATE.as_secs_f64() * 1e3 + late.allowed_ms,
            LATE_LIMIT * 100.0
        );
    }
}

fn distributions(summary: &LoadSummary) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "ms", "count", "p50", "p90", "p95", "p99", "p99.9", "max", "> 5 ms",
    ]);
    table.add_row(row("latency", &summary.latency, None));
    let lateness = &summary.lateness;
    table.add_row(row(
        "sent late by",
        &lateness.distribution,
        Some(lateness.beyond_5ms),
    ));
    if let Some(noise) = &summary.noise {
        table.add_row(row(
            "empty loop",
            &noise.distribution,
            Some(noise.beyond_5ms),
        ));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(name: &str, distribution: &Distribution, late: Option<u64>) -> Vec<String> {
    let millis = [
        distribution.p50_ms,
        distribution.p90_ms,
        distribution.p95_ms,
        distribution.p99_ms,
        distribution.p999_ms,
        distribution.max_ms,
    ];
    [name.to_owned(), distribution.count.to_string()]
        .into_iter()
        .chain(millis.map(|value| format!("{value:.2}")))
        .chain([late.map(|count| count.to_string()).unwrap_or_default()])
        .collect()
}
