//! From a plot's data to a drawing, a legend, and the numbers that the eye cannot read off.

use serde::Serialize;

use super::chart::{Axis, Chart, LINE_STYLES};
use super::error::{RenderError, RenderErrorKind};
use super::ticks;
use crate::evidence::{LatencySeries, Plot, Series};
use crate::format;

/// Percentiles with a gridline, and those in the table beside the drawing.
const PERCENTILE_TICKS: [f64; 6] = [50.0, 90.0, 99.0, 99.9, 99.99, 99.999];
const PERCENTILES_LISTED: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];
/// Above this spread a linear axis would flatten everything below the tail.
const LOG_SCALE_FROM_SPREAD: f64 = 30.0;
/// About two points a pixel column: more cannot be seen, and a soak has tens of thousands.
const POINTS_MAX: usize = 1_000;
/// Percentiles and shares are compared up to what binary fractions do to decimal ones.
const ROUNDING: f64 = 1e-9;

/// A plot as the template needs it: the drawing, and a table with a column a series.
#[derive(Debug, Serialize)]
pub(super) struct PlotView {
    title: String,
    /// Trusted markup; none when there is nothing to draw.
    svg: Option<String>,
    /// Name and line style of each series.
    series: Vec<(String, usize)>,
    /// A row a statistic: its name, and its value for each series.
    statistics: Vec<(String, Vec<String>)>,
    caption: &'static str,
}

/// One number drawn from the values of a series.
type Statistic = fn(&mut dyn DoubleEndedIterator<Item = f64>) -> Option<f64>;

pub(super) fn plot(plot: &Plot) -> Result<PlotView, RenderError> {
    match plot {
        Plot::Latency { title, series } => latency(title, series),
        Plot::Time {
            title,
            unit,
            series,
        } => time(title, unit, series),
    }
}

/// Latency over percentiles, spread so that the tail can be read.
fn latency(title: &str, series: &[LatencySeries]) -> Result<PlotView, RenderError> {
    let lines: Vec<Vec<(f64, f64)>> = series.iter().map(tail_line).collect();
    // At least one nine, so that an empty plot still has an axis.
    let x_to = lines
        .iter()
        .flatten()
        .map(|point| point.0)
        .fold(1.0, f64::max);
    let ticks = PERCENTILE_TICKS.into_iter().filter_map(|percentile| {
        let at = tail_position(percentile);
        (at <= x_to).then(|| (at, format!("{percentile}")))
    });
    let x = Axis {
        from: 0.0,
        to: x_to,
        ticks: ticks.collect(),
        title: "percentile".to_owned(),
    };
    let mut statistics = vec![(
        "events".to_owned(),
        each(series, |s| format::count(s.count)),
    )];
    for percentile in PERCENTILES_LISTED {
        let values = each(series, |series| {
            at_percentile(series, percentile).unwrap_or_else(untold)
        });
        statistics.push((format!("p{percentile}"), values));
    }
    statistics.push((
        "max".to_owned(),
        each(series, |series| told(maximum(series))),
    ));
    Ok(PlotView {
        title: title.to_owned(),
        svg: draw(title, x, "ms", lines)?,
        series: styled(series.iter().map(|series| &series.name)),
        statistics,
        caption: "Milliseconds. “–”: too few events to tell that percentile.",
    })
}

fn each<S>(series: &[S], value: impl Fn(&S) -> String) -> Vec<String> {
    series.iter().map(value).collect()
}

fn told(value: Option<f64>) -> String {
    value.map_or_else(untold, format::number)
}

fn untold() -> String {
    "–".to_owned()
}

fn styled<'a>(names: impl Iterator<Item = &'a String>) -> Vec<(String, usize)> {
    names
        .enumerate()
        .map(|(index, name)| (name.clone(), index % LINE_STYLES))
        .collect()
}

/// Spreads the tail: each further nine takes the same room.
fn tail_position(percentile: f64) -> f64 {
    (100.0 / (100.0 - percentile)).log10()
}

fn tail_line(series: &LatencySeries) -> Vec<(f64, f64)> {
    // Beyond one event in `count` the distribution is not known; the line ends there.
    let known_to = as_f64(series.count.max(1)).log10();
    let points = series
        .points
        .iter()
        .filter(|(p, ms)| (0.0..=100.0).contains(p) && ms.is_finite());
    points
        .map(|(percentile, ms)| (tail_position(*percentile).min(known_to), *ms))
        .collect()
}

/// The value at a percentile: the recorded one where the percentile has a point of its own, else
/// that of the next point above as an upper bound, `≤ 5.2`. None where fewer than one event lies
/// above, since such a percentile is only the maximum by another name.
fn at_percentile(series: &LatencySeries, percentile: f64) -> Option<String> {
    let above = as_f64(series.count) * (100.0 - percentile) / 100.0;
    // 1 % of 100 events is one event, whatever binary fractions make of it.
    if above < 1.0 - ROUNDING {
        return None;
    }
    let covers = |point: &&(f64, f64)| point.0 >= percentile - ROUNDING;
    let (at, ms) = series.points.iter().find(covers)?;
    let bound = if at - percentile > ROUNDING {
        "≤ "
    } else {
        ""
    };
    Some(format!("{bound}{}", format::number(*ms)))
}

/// Only a point at 100 % is the maximum; the last of a shorter list is not.
fn maximum(series: &LatencySeries) -> Option<f64> {
    series
        .points
        .last()
        .filter(|(percentile, _)| *percentile >= 100.0)
        .map(|(_, ms)| *ms)
}

/// Values over the seconds of a run.
fn time(title: &str, unit: &str, series: &[Series]) -> Result<PlotView, RenderError> {
    let lines: Vec<Vec<(f64, f64)>> = series
        .iter()
        .map(|series| {
            let finite = series
                .points
                .iter()
                .filter(|(x, y)| x.is_finite() && y.is_finite());
            thinned(&finite.copied().collect::<Vec<_>>())
        })
        .collect();
    let x_to = lines
        .iter()
        .flatten()
        .map(|point| point.0)
        .fold(1.0, f64::max);
    let x = Axis {
        from: 0.0,
        to: x_to,
        ticks: ticks::linear(x_to),
        title: "seconds".to_owned(),
    };
    let statistics: [(&str, Statistic); 4] = [
        ("first", |values| values.next()),
        ("lowest", |values| values.min_by(f64::total_cmp)),
        ("highest", |values| values.max_by(f64::total_cmp)),
        ("last", |values| values.next_back()),
    ];
    let statistics = statistics.map(|(name, statistic)| {
        let values = each(series, |series| {
            let values = series.points.iter().map(|point| point.1);
            told(statistic(&mut values.filter(|value| value.is_finite())))
        });
        (name.to_owned(), values)
    });
    Ok(PlotView {
        title: title.to_owned(),
        svg: draw(title, x, unit, lines)?,
        series: styled(series.iter().map(|series| &series.name)),
        statistics: statistics.to_vec(),
        caption: "",
    })
}

/// Keeps the lowest and the highest point of each stretch, so that no spike is thinned away.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= POINTS_MAX {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(POINTS_MAX / 2);
    let extremes = points.chunks(stretch).flat_map(|chunk| {
        let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let low = chunk.iter().min_by(by_value);
        let high = chunk.iter().max_by(by_value);
        let mut pair: Vec<(f64, f64)> = low.into_iter().chain(high).copied().collect();
        pair.sort_by(|a, b| a.0.total_cmp(&b.0));
        pair
    });
    extremes.collect()
}

/// The drawing, or none where no series has a point.
fn draw(
    title: &str,
    x: Axis,
    unit: &str,
    lines: Vec<Vec<(f64, f64)>>,
) -> Result<Option<String>, RenderError> {
    if lines.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    let (y, lines) = y_axis(unit, lines);
    let drawn = Chart { x, y, lines }.into_svg().map_err(|source| {
        RenderError::new(
            RenderErrorKind::Plot {
                title: title.to_owned(),
            },
            source,
        )
    })?;
    Ok(Some(drawn))
}

/// A linear axis from zero, or a logarithmic one, said so in its title, when the spread asks for it.
fn y_axis(unit: &str, lines: Vec<Vec<(f64, f64)>>) -> (Axis, Vec<Vec<(f64, f64)>>) {
    let values = || lines.iter().flatten().map(|point| point.1);
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    if low > 0.0 && high / low >= LOG_SCALE_FROM_SPREAD {
        let ticks = ticks::logarithmic(low, high);
        let end = |tick: Option<&ticks::Tick>| tick.map_or(0.0, |(position, _)| *position);
        let (from, to) = (end(ticks.first()), end(ticks.last()));
        let axis = Axis {
            from,
            to,
            ticks,
            title: format!("{unit} (log scale)"),
        };
        let logged = lines
            .iter()
            .map(|line| line.iter().map(|(x, y)| (*x, y.log10())).collect());
        return (axis, logged.collect());
    }
    // An axis needs a length, even where nothing rises above zero.
    let to = if high > 0.0 { high * 1.05 } else { 1.0 };
    let ticks = ticks::linear(to);
    // A value that may be below zero, such as an overhead, must not be cut off.
    let axis = Axis {
        from: low.min(0.0),
        to,
        ticks,
        title: unit.to_owned(),
    };
    (axis, lines)
}

/// Counts of events stay far below 2^53, where the conversion is exact.
#[expect(
    clippy::cast_precision_loss,
    reason = "a run of 2^53 events does not exist"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nine_takes_the_same_room() {
        let gap = tail_position(99.0) - tail_position(90.0);
        assert!((gap - (tail_position(99.9) - tail_position(99.0))).abs() < 1e-9);
    }

    #[test]
    fn the_line_ends_where_the_events_end() {
        let series = LatencySeries {
            name: "a".to_owned(),
            count: 100,
            points: vec![(50.0, 1.0), (99.9, 5.0), (100.0, 5.0)],
        };
        assert!(tail_line(&series).iter().all(|(x, _)| *x <= 2.0));
        let values = PERCENTILES_LISTED.map(|percentile| at_percentile(&series, percentile));
        let values = values.map(Option::unwrap_or_default);
        assert_eq!(values, ["1", "≤ 5", "≤ 5", "≤ 5", ""]);
        assert_eq!(maximum(&series), Some(5.0));
    }

    #[test]
    fn thinning_keeps_a_lone_spike() {
        let mut points: Vec<(f64, f64)> = (0..50_000).map(|x| (f64::from(x), 1.0)).collect();
        points[31_337].1 = 9.0;
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS_MAX, "{} points are left", thin.len());
        assert!(thin.contains(&(31_337.0, 9.0)), "the spike is gone");
        assert!(thin.is_sorted_by(|a, b| a.0 <= b.0), "time runs backwards");
    }
}
