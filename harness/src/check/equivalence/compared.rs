use std::collections::BTreeMap;

use gauntlet_reports::evidence::Violation;
use serde_json::Value;

use crate::ledger::{
    CaseRecord, Difference, Lane, LaneRecord, Ledger, MASKED, MaskedLine, cases_as_told,
    first_difference, mask,
};

/// Longest value in a violation, in characters; the files in the evidence have it whole.
const SHOWN_CHARS: usize = 300;

/// What comparing the lanes of some cases gave.
#[derive(Clone, Debug, Default)]
pub(in crate::check) struct Compared {
    /// Pairs of a case and a lane that were held against the first lane's.
    pub(in crate::check) pairs: u64,
    /// Answers and rows that were looked at in them.
    pub(in crate::check) lines: u64,
    pub(in crate::check) found: Vec<Parted>,
}

/// A case in which a lane parts from the one that it is held against.
#[derive(Clone, Debug)]
pub(in crate::check) struct Parted {
    pub(in crate::check) case: String,
    /// Columns of more rows may differ: this is the first.
    pub(in crate::check) what: String,
}

impl Parted {
    pub(in crate::check) fn violation(&self) -> Violation {
        Violation {
            subject: self.case.clone(),
            what: self.what.clone(),
            timeline: Vec::new(),
        }
    }
}

/// The cases of a lane that are compared and judged, those apart in which it was asked something else.
pub(in crate::check) fn judged(record: &LaneRecord) -> impl Iterator<Item = &CaseRecord> {
    record
        .cases
        .iter()
        .filter(|case| case.planted_on().is_none())
}

/// Holds each lane's judged cases against the first lane's.
pub(in crate::check) fn compare(ledger: &Ledger, lanes: &[Lane]) -> Compared {
    let records: Vec<&LaneRecord> = records(ledger, lanes).collect();
    let Some((first, others)) = records.split_first() else {
        return Compared::default();
    };
    let of_first: BTreeMap<String, Vec<MaskedLine>> = masked_cases(first).collect();
    let mut compared = Compared::default();
    for other in others {
        for (name, right) in masked_cases(other) {
            let Some(left) = of_first.get(&name) else {
                continue;
            };
            compared.pairs += 1;
            compared.lines += left.len().max(right.len()) as u64;
            if let Some(difference) = first_difference(left, &right) {
                compared.found.push(Parted {
                    case: name,
                    what: in_words(&difference, &first.lane, &other.lane),
                });
            }
        }
    }
    compared
}

/// The lanes that the ledger has of these, in this order.
pub(super) fn records<'a>(
    ledger: &'a Ledger,
    lanes: &'a [Lane],
) -> impl Iterator<Item = &'a LaneRecord> {
    lanes
        .iter()
        .filter_map(|lane| Some(ledger.lane(lane)?.record()))
}

/// Cases whose rows were read: without them only half of a case could be compared.
fn masked_cases(record: &LaneRecord) -> impl Iterator<Item = (String, Vec<MaskedLine>)> {
    let cases = cases_as_told(record).into_iter();
    let judged = cases.filter(|case| case.planted_on().is_none() && case.rows.is_some());
    judged.map(|case| (case.name.clone(), mask(&case)))
}

pub(super) fn in_words(difference: &Difference, left: &Lane, right: &Lane) -> String {
    let Difference { place, column, .. } = difference;
    let column = if column.is_empty() {
        "whole"
    } else {
        column.as_str()
    };
    format!(
        "{place}, column {column}: {left} has {}, {right} has {}",
        shown(difference.left.as_ref()),
        shown(difference.right.as_ref()),
    )
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "none".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// Names of the masked columns, for a note.
pub(in crate::check) fn masked_columns() -> String {
    let names: Vec<&str> = MASKED.iter().map(|rule| rule.column).collect();
    names.join(", ")
}
