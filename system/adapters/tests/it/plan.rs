//! Figures of a plan, as `EXPLAIN (ANALYZE, FORMAT JSON)` tells them. One that is missing is no zero: a plan
//! whose figures went by another name would then read nothing.

use serde_json::Value;

/// A condition of a node, and what it has to tell of the rows that did not meet it.
const CONDITIONS: [(&str, &str); 3] = [
    ("Filter", "Rows Removed by Filter"),
    ("Recheck Cond", "Rows Removed by Index Recheck"),
    ("Index Cond", "Rows Removed by Index Recheck"),
];

/// Rows that a scan looked at, whether or not they were wanted. The index's half of a scan in two halves
/// looks at none.
pub(crate) fn looked_at(scan: &Value) -> Result<u64, String> {
    let is_half = scan["Node Type"] == "Bitmap Index Scan";
    if is_half {
        return Ok(0);
    }
    let mut of_a_loop = rows(scan)?;
    let has = |(condition, _): &&(&str, &str)| !scan[*condition].is_null();
    for (_, removed) in CONDITIONS.iter().filter(has) {
        of_a_loop += figure(scan, removed)?;
    }
    Ok(figure(scan, "Actual Loops")? * of_a_loop)
}

/// Rows that a node handed on in a loop.
pub(crate) fn rows(node: &Value) -> Result<u64, String> {
    figure(node, "Actual Rows")
}

fn figure(node: &Value, name: &str) -> Result<u64, String> {
    let figure = node[name].as_u64();
    figure.ok_or_else(|| format!("the plan has no figure {name:?}: {node:#}"))
}

/// Whether each figure is missed that a scan lacks; to be asked of a scan of a real plan.
pub(crate) fn misses_what_is_not_there(scan: &Value) -> bool {
    let needed = ["Actual Loops", "Actual Rows"].into_iter();
    let conditions = CONDITIONS.iter().filter(|it| !scan[it.0].is_null());
    let mut needed = needed.chain(conditions.map(|(_, removed)| *removed));
    needed.all(|name| {
        let mut planted = scan.clone();
        planted[name] = Value::Null;
        looked_at(&planted).is_err()
    })
}
