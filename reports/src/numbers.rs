//! Whether a measured number got worse by more than noise.

use crate::compare;
use crate::evidence::{Finding, Judgement, Quantity};
use crate::scale::value_in;

/// A number of two runs that was held against itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    /// The median of the repeats, as that run measured it.
    pub(crate) before: Quantity,
    pub(crate) after: Quantity,
    /// How much worse, of the earlier number; none where that is not above zero.
    pub(crate) percent: Option<f64>,
    pub(crate) bar: String,
    pub(crate) is_worse: bool,
}

/// The limit that a bar sets.
#[derive(Clone, Debug, PartialEq)]
struct Limit {
    quantity: Quantity,
    side: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// A larger number is worse.
    Upper,
    /// A smaller one is.
    Lower,
}

/// Holds the repeats of one criterion in a later run against those in an earlier one. None where a run
/// has no settled number, or no bar says which way is worse.
///
/// The spread of the repeats is the noise that is known of: a number is worse only where the best
/// repeat of the later run is worse than the worst of the earlier. A run without repeats shows no
/// spread, and has the tolerance alone.
pub(crate) fn hold(olds: &[&Finding], news: &[&Finding], tolerance_percent: f64) -> Option<Held> {
    let (limit, bar) = news.iter().find_map(|finding| finest(finding))?;
    let unit = &limit.quantity.unit;
    let (olds, news) = (measured(olds, unit), measured(news, unit));
    let (before, after) = (median(&olds)?, median(&news)?);
    // As costs: more is worse, whichever side the limit is on.
    let cost = |value: f64| match limit.side {
        Side::Upper => value,
        Side::Lower => -value,
    };
    let best_new = news.iter().copied().map(cost).fold(f64::INFINITY, f64::min);
    let worst_old = olds
        .iter()
        .copied()
        .map(cost)
        .fold(f64::NEG_INFINITY, f64::max);
    let worse_by = cost(after) - cost(before);
    let share = tolerance_percent / 100.0;
    let (of_itself, of_bar) = (before.abs() * share, limit.quantity.value.abs() * share);
    let told = |value: f64| Quantity {
        value,
        unit: unit.clone(),
    };
    Some(Held {
        before: told(before),
        after: told(after),
        percent: (before > 0.0).then(|| worse_by / before * 100.0),
        bar,
        is_worse: best_new > worst_old && worse_by > of_itself && worse_by > of_bar,
    })
}

/// The numbers of all repeats that are settled, ascending.
fn measured(findings: &[&Finding], unit: &str) -> Vec<f64> {
    let value = |finding: &&Finding| value_in(compare::Side::of(finding).settled()?, unit);
    let mut values: Vec<f64> = findings.iter().filter_map(value).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Of an even number of values the middle between the two in the middle.
fn median(ascending: &[f64]) -> Option<f64> {
    let upper = ascending.get(ascending.len() / 2)?;
    let lower = ascending.get(ascending.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(*lower, *upper))
}

/// The smaller limit of the two bars, as the finer measure of what a movement matters, and its bar in
/// words.
fn finest(finding: &Finding) -> Option<(Limit, String)> {
    let limit_of = |judgement: &Judgement| {
        let limit = limit(&judgement.bar).filter(|_| !judgement.not_asked)?;
        Some((limit, judgement.bar.clone()))
    };
    match (limit_of(&finding.asked), limit_of(&finding.ours)) {
        (Some(asked), Some(ours)) => {
            let unit = &ours.0.quantity.unit;
            let asked_value = value_in(&asked.0.quantity, unit);
            let is_finer = asked_value.is_some_and(|asked| asked < ours.0.quantity.value);
            Some(if is_finer { asked } else { ours })
        }
        (asked, ours) => asked.or(ours),
    }
}

/// Reads the limit out of a bar's words: `p95 < 10 ms`, `growth ≤ 1 MB in 10 min`. A condition in words
/// alone sets none, and what it counts is for its verdict to say.
fn limit(bar: &str) -> Option<Limit> {
    let at = bar.rfind(['<', '≤', '>', '≥'])?;
    let (_, from_sign) = bar.split_at(at);
    let mut rest = from_sign.chars();
    let side = match rest.next()? {
        '<' | '≤' => Side::Upper,
        _ => Side::Lower,
    };
    let words = rest.as_str().trim();
    let end = words
        .find(|c: char| !(c.is_ascii_digit() || ".,".contains(c)))
        .unwrap_or(words.len());
    let (number, unit) = words.split_at(end);
    Some(Limit {
        quantity: Quantity {
            value: number.replace(',', "").parse().ok()?,
            unit: unit.trim().to_owned(),
        },
        side,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bar: &str) -> Option<(f64, String, Side)> {
        limit(bar).map(|limit| (limit.quantity.value, limit.quantity.unit, limit.side))
    }

    #[test]
    fn a_limit_is_read_out_of_every_form_that_a_bar_has() {
        for (bar, value, unit) in [
            ("p95 < 100 ms", 100.0, "ms"),
            ("last effect ≤ 10 s", 10.0, "s"),
            ("sent more than 5 ms late ≤ 1%", 1.0, "%"),
            ("anonymous growth ≤ 1 MB in 10 min", 1.0, "MB in 10 min"),
            ("rows < 1,500", 1500.0, ""),
            ("p95 < 2.5 ms", 2.5, "ms"),
        ] {
            assert_eq!(told(bar), Some((value, unit.to_owned(), Side::Upper)));
        }
        let rate = told("rate ≥ 1,000 events/s");
        assert_eq!(rate, Some((1000.0, "events/s".to_owned(), Side::Lower)));
    }

    #[test]
    fn a_condition_in_words_sets_no_limit() {
        for bar in [
            "0 lost",
            "exit code 0 within 35 s of SIGTERM",
            "not asked",
            "a < b",
            "",
        ] {
            assert_eq!(told(bar), None, "{bar}");
        }
    }

    #[test]
    fn the_median_of_nothing_is_nothing() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0]), Some(1.5));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
    }
}
