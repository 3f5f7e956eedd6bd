//! What got worse, for the log of a nightly job and for the person who reads it in the morning.

use std::fmt::Write;

use super::markdown::escape;
use crate::compare::Key;
use crate::evidence::Verdict;
use crate::format;
use crate::regression::{Regression, Worse};
use crate::standing::{Bar, Standing};

/// As Markdown whose columns are aligned, so that it reads as well in a terminal: what got worse, then
/// how much was compared and how it ended.
pub fn regression_markdown(regression: &Regression) -> String {
    let mut text = format!(
        "# {} → {}: did anything get worse?\n\n",
        escape(&regression.before),
        escape(&regression.after)
    );
    if !regression.worse.is_empty() {
        let mut rows = vec![["Where", "Before", "After", "Why it counts"].map(str::to_owned)];
        rows.extend(regression.worse.iter().map(row));
        table(&mut text, &rows);
        text.push('\n');
    }
    if regression.before_asked != Verdict::Pass {
        _ = writeln!(
            text,
            "The earlier run is no good one itself: {} by what was asked.\n",
            regression.before_asked.as_str()
        );
    }
    _ = writeln!(
        text,
        "{}\n\n{}",
        compared(regression),
        conclusion(regression)
    );
    text
}

fn row(worse: &Worse) -> [String; 4] {
    let asked = |verdict: &Verdict| Standing::from(*verdict).label(Bar::Asked);
    match worse {
        Worse::BrokeOff { reason } => cells(
            "the run",
            "carried to its end",
            "broke off",
            &format!("no verdict: {reason}"),
        ),
        Worse::Scenario { scenario, now } => {
            cells(scenario, "judged", now, "nothing vouches for it any more")
        }
        Worse::Verdict {
            key,
            before,
            after,
            missed_by,
        } => {
            let why = missed_by.as_deref().unwrap_or("no longer settled");
            cells(&place(key), &asked(before), &asked(after), why)
        }
        Worse::NotJudged { key, before } => cells(
            &place(key),
            &asked(before),
            "not judged",
            "nothing vouches for it any more",
        ),
        Worse::Number {
            key,
            before,
            after,
            percent,
            bar,
        } => {
            let by = percent.map_or_else(String::new, |percent| {
                format!("{}% worse, ", format::number(percent.round()))
            });
            let why = format!("{by}beyond the tolerance; the bar is {bar}");
            let (before, after) = (format::quantity(before), format::quantity(after));
            cells(&place(key), &before, &after, &why)
        }
    }
}

fn cells(place: &str, before: &str, after: &str, why: &str) -> [String; 4] {
    [place, before, after, why].map(escape)
}

/// `burst-1000: nothing-lost on dapr-kafka`.
fn place(key: &Key) -> String {
    let lane = match key.lane.as_str() {
        "" => String::new(),
        lane => format!(" on {lane}"),
    };
    let claim = key.claim.as_ref();
    let claim = claim.map_or_else(String::new, |claim| format!(" ({claim})"));
    format!("{}: {}{lane}{claim}", key.scenario, key.check)
}

fn compared(regression: &Regression) -> String {
    let verdicts = count(regression.verdicts, "verdict");
    if regression.incomparable.is_empty() {
        let numbers = count(regression.numbers, "number");
        let percent = format::number(regression.tolerance.percent);
        return format!("Compared: {verdicts}, and {numbers} with a tolerance of {percent}%.");
    }
    format!(
        "Compared: {verdicts}. Numbers are not, because {} differs between the two runs.",
        regression.incomparable.join(", ")
    )
}

fn conclusion(regression: &Regression) -> String {
    if regression.is_void() {
        return "**Nothing was compared**: the two reports have no criterion in common.".to_owned();
    }
    match regression.worse.len() {
        0 => "**Nothing got worse.**".to_owned(),
        worse => format!("**Worse: {}.**", count(worse, "finding")),
    }
}

fn count(number: usize, noun: &str) -> String {
    format::plural(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

/// The first row is the head.
fn table<const COLUMNS: usize>(text: &mut String, rows: &[[String; COLUMNS]]) {
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(widths) {
            _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for width in widths {
                _ = write!(text, "|-{}-", "-".repeat(width));
            }
            text.push_str("|\n");
        }
    }
}
