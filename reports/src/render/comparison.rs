//! A comparison for people: what changed, and what else changed beside it.

use std::fmt::Write;

use super::markdown::escape;
use crate::compare::{Change, Comparison, Key, Movement, Side};
use crate::format;
use crate::standing::{Bar, Standing};

/// A comparison as Markdown: what else differed, then a table of findings.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut text = format!(
        "# {} → {}\n\n",
        escape(&comparison.before),
        escape(&comparison.after)
    );
    if comparison.caveats.is_empty() {
        text.push_str(
            "Same host, build profile, stack, provider, length, seed and component versions.\n",
        );
    } else {
        text.push_str("Not only the code differs between the two runs:\n\n");
        for caveat in &comparison.caveats {
            _ = writeln!(text, "- {}", escape(caveat));
        }
    }
    text.push_str(
        "\nA ratio compares one run with one run: read it beside the spread of repeats, not alone.\n\n\
         | Scenario | Check | Lane | Before | After | Ratio | Asked | Ours |\n\
         |---|---|---|--:|--:|--:|---|---|\n",
    );
    for change in &comparison.changes {
        row(&mut text, change);
    }
    text
}

/// One finding of either run; a dash stands where a run has no number.
fn row(text: &mut String, change: &Change) {
    let key = &change.key;
    _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        escape(&key.scenario),
        check(key),
        escape(&key.lane),
        measured(change.before.as_ref()),
        measured(change.after.as_ref()),
        ratio(change.ratio()),
        verdicts(change, Bar::Asked),
        verdicts(change, Bar::Ours),
    );
}

/// With the claim where the check alone does not tell which criterion it is.
fn check(key: &Key) -> String {
    match &key.claim {
        Some(claim) => format!("{}: {}", escape(&key.check), escape(claim)),
        None => escape(&key.check),
    }
}

pub(super) fn measured(side: Option<&Side>) -> String {
    side.and_then(|side| side.measured.as_ref()).map_or_else(
        || "–".to_owned(),
        |measured| escape(&format::quantity(measured)),
    )
}

pub(super) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), format::ratio)
}

/// One verdict where nothing moved, both where something did: most rows stay quiet, and the eye finds
/// the others.
fn verdicts(change: &Change, bar: Bar) -> String {
    let label = |side: &Side| {
        let verdict = match bar {
            Bar::Asked => side.asked,
            Bar::Ours => side.ours,
        };
        let standing = verdict.map_or(Standing::NotAsked, Standing::from);
        standing.label(bar)
    };
    let before = change.before.as_ref().map(label).unwrap_or_default();
    let after = change.after.as_ref().map(label).unwrap_or_default();
    let movement = match bar {
        Bar::Asked => change.asked(),
        Bar::Ours => change.ours(),
    };
    match movement {
        Movement::Same => after,
        Movement::Better => format!("{before} → {after} (better)"),
        Movement::Worse => format!("{before} → {after} (**worse**)"),
        Movement::Appeared => format!("{after} (new)"),
        Movement::Vanished => format!("{before} → **no longer judged**"),
    }
}
