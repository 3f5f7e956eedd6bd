use std::collections::BTreeSet;

use gauntlet_reports::evidence::Figure;

use super::super::Amount;
use super::super::equivalence::{compare, judged, masked_columns};
use crate::ledger::{Lane, Ledger, MASKED, operation_effects, shows_feature};

/// What the comparison of lanes rests on: cases, the features that they hit, distinct pairs of operation
/// and effect, masked columns, what was compared, and how many cases differ. A run without the first lane
/// has none.
pub fn equivalence(ledger: &Ledger, lanes: &[Lane]) -> Vec<Figure> {
    let Some(first) = lanes.first().and_then(|lane| ledger.lane(lane)) else {
        return Vec::new();
    };
    let first = first.record();
    let names: BTreeSet<&str> = judged(first).map(|case| case.name.as_str()).collect();
    let features: BTreeSet<&str> = judged(first)
        .flat_map(|case| {
            let claimed = case.features.iter().map(String::as_str);
            claimed.filter(|feature| shows_feature(case, feature))
        })
        .collect();
    let pairs: BTreeSet<(String, String)> = judged(first).flat_map(operation_effects).collect();
    let compared = compare(ledger, lanes);
    let all: Vec<&str> = lanes.iter().map(Lane::as_str).collect();
    vec![
        figure("distinct cases", names.len(), "cases", all.join(", ")),
        figure(
            "features hit",
            features.len(),
            "features",
            joined(&features),
        ),
        figure(
            "operation-effect pairs",
            pairs.len(),
            "pairs",
            shown(&pairs),
        ),
        figure("masked columns", MASKED.len(), "columns", masked_columns()),
        figure(
            "compared",
            usize::try_from(compared.lines).unwrap_or(usize::MAX),
            "answers and rows",
            format!("in {} pairs of a case and a lane", compared.pairs),
        ),
        figure(
            "differences",
            compared.found.len(),
            "cases that differ",
            compared.found.first().map_or_else(
                || "none".to_owned(),
                |parted| format!("the first: {}: {}", parted.case, parted.what),
            ),
        ),
    ]
}

fn figure(name: &str, count: usize, things: &'static str, note: String) -> Figure {
    let quantity = Amount::count(count as u64, things).quantity();
    Figure {
        lane: String::new(),
        name: name.to_owned(),
        value: quantity.value,
        unit: quantity.unit,
        note: Some(note),
    }
}

fn joined(texts: &BTreeSet<&str>) -> String {
    let texts: Vec<&str> = texts.iter().copied().collect();
    texts.join(", ")
}

fn shown(pairs: &BTreeSet<(String, String)>) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(operation, effect)| format!("{operation} → {effect}"))
        .collect();
    pairs.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::case_sample::lane_of_cases;

    #[test]
    fn the_table_counts_what_was_compared_and_what_differs() {
        let mut records =
            ["dapr-kafka", "direct-kafka"].map(|lane| lane_of_cases(lane, &["a", "b"]));
        records[1].cases[0].exchanges[0].body["title"] = json!("c");
        let lanes = ["dapr-kafka", "direct-kafka"].map(Lane::new);
        let figures = equivalence(&Ledger::new("test", records.to_vec()), &lanes);
        let told: Vec<String> = figures
            .iter()
            .filter(|figure| figure.name != "masked columns")
            .map(|figure| format!("{} {} {}", figure.name, figure.value, figure.unit))
            .collect();
        assert_eq!(
            told,
            [
                "distinct cases 2 cases",
                "features hit 2 features",
                "operation-effect pairs 2 pairs",
                "compared 12 answers and rows",
                "differences 1 cases that differ",
            ]
        );
        assert_eq!(equivalence(&Ledger::new("test", Vec::new()), &lanes), []);
    }
}
