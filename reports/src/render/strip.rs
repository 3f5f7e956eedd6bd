//! The fault timeline as geometry: what happened when, one strip a lane.
//!
//! Positions are percentages of the strip's width, so that the drawing stretches with the page
//! while its text keeps its size.

use serde::Serialize;

use super::{facts, ticks};
use crate::evidence::{ScenarioReport, TimelineEntry, TimelineKind};

/// A longer list of entries is folded away.
const OPEN_LIST_MAX: usize = 12;
/// Room for phases alone, and with marks below them, in CSS pixels.
const LANE_HEIGHT: u32 = 24;
const MARKED_LANE_HEIGHT: u32 = 46;
/// A label centred further right than this would leave the strip.
const CENTRED_UP_TO_PERCENT: f64 = 95.0;

/// Everything that the template draws, and the same entries as a list for those who cannot see it.
#[derive(Debug, Serialize)]
pub(super) struct Strip {
    lanes: Vec<Lane>,
    ticks: Vec<Tick>,
    entries: Vec<Entry>,
    folded: bool,
}

/// One strip. Lanes run side by side, so that a fault in one can be held against the others.
#[derive(Debug, Serialize)]
struct Lane {
    name: String,
    height: u32,
    bands: Vec<Band>,
    marks: Vec<Mark>,
}

/// A phase, or the time between a fault and its heal.
#[derive(Debug, Serialize)]
struct Band {
    kind: &'static str,
    left: String,
    width: String,
    /// Alternates, so that neighbours are told apart.
    shade: usize,
    /// Cut off where the band ends; the list below the strip has it whole.
    label: String,
    title: String,
}

/// A moment: a fault, a heal or a note. Its number leads to the list.
#[derive(Debug, Serialize)]
struct Mark {
    kind: &'static str,
    left: String,
    number: usize,
    title: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    left: String,
    label: String,
    anchor: &'static str,
}

#[derive(Debug, Serialize)]
struct Entry {
    number: usize,
    at: String,
    kind: &'static str,
    lane: String,
    what: String,
}

/// Lays the timeline out; none when nothing was recorded.
pub(super) fn strip(scenario: &ScenarioReport) -> Option<Strip> {
    let mut entries: Vec<&TimelineEntry> = scenario
        .timeline
        .iter()
        .filter(|entry| entry.at_seconds.is_finite())
        .collect();
    // Lanes may report side by side, so the evidence need not be in order of time.
    entries.sort_by(|a, b| a.at_seconds.total_cmp(&b.at_seconds));
    let last = entries.last()?.at_seconds;
    let scale = Scale {
        seconds: scenario.seconds.max(last).max(f64::MIN_POSITIVE),
    };

    // Lanes in order of appearance: the one that acts first is read first.
    let mut names: Vec<&str> = Vec::new();
    for entry in &entries {
        if !names.contains(&entry.lane.as_str()) {
            names.push(&entry.lane);
        }
    }
    let lanes = names
        .into_iter()
        .map(|name| lane(name, &entries, &scale))
        .collect();
    let listed = entries.iter().enumerate().map(|(index, entry)| Entry {
        number: index + 1,
        at: format!("{:.1} s", entry.at_seconds),
        kind: facts::kind_word(entry.kind),
        lane: lane_name(&entry.lane),
        what: entry.what.clone(),
    });
    Some(Strip {
        lanes,
        ticks: scale.ticks(),
        entries: listed.collect(),
        folded: entries.len() > OPEN_LIST_MAX,
    })
}

/// Bands for what lasts, marks for what happens; entries keep their number in the whole timeline.
fn lane(name: &str, entries: &[&TimelineEntry], scale: &Scale) -> Lane {
    let (mut bands, mut marks) = (Vec::new(), Vec::new());
    let own = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.lane == name);
    for (index, entry) in own {
        let number = index + 1;
        let until = end(entry, entries.get(number..).unwrap_or_default());
        let kind = facts::kind_word(entry.kind);
        let title = format!("{number}. {:.1} s: {}", entry.at_seconds, entry.what);
        if let Some(until) = until.or_else(|| phase_end(entry, scale)) {
            let share = scale.percent(until) - scale.percent(entry.at_seconds);
            bands.push(Band {
                kind,
                left: scale.position(entry.at_seconds),
                width: format!("{share:.3}%"),
                shade: bands.len() % 2,
                label: format!("{number} {}", entry.what),
                title: title.clone(),
            });
        }
        // A phase has its band; all else is a moment, whether or not something follows from it.
        if entry.kind != TimelineKind::Phase {
            marks.push(Mark {
                kind,
                left: scale.position(entry.at_seconds),
                number,
                title,
            });
        }
    }
    let height = if marks.is_empty() {
        LANE_HEIGHT
    } else {
        MARKED_LANE_HEIGHT
    };
    Lane {
        name: lane_name(name),
        height,
        bands,
        marks,
    }
}

/// When something that lasts was ended by a later entry.
fn end(entry: &TimelineEntry, later: &[&TimelineEntry]) -> Option<f64> {
    let ends = |other: &&&TimelineEntry| match entry.kind {
        TimelineKind::Phase => {
            other.kind == TimelineKind::Phase && (other.lane == entry.lane || other.lane.is_empty())
        }
        TimelineKind::Fault => other.kind == TimelineKind::Heal && other.lane == entry.lane,
        TimelineKind::Heal | TimelineKind::Note => false,
    };
    later.iter().find(ends).map(|other| other.at_seconds)
}

/// The last phase lasts to the end. An unhealed fault gets no band: how long a kill was felt is
/// not known from the timeline.
fn phase_end(entry: &TimelineEntry, scale: &Scale) -> Option<f64> {
    (entry.kind == TimelineKind::Phase).then_some(scale.seconds)
}

fn lane_name(lane: &str) -> String {
    if lane.is_empty() {
        "whole run".to_owned()
    } else {
        lane.to_owned()
    }
}

/// From seconds since the scenario began to a share of the strip.
struct Scale {
    seconds: f64,
}

impl Scale {
    fn percent(&self, at_seconds: f64) -> f64 {
        (at_seconds / self.seconds * 100.0).clamp(0.0, 100.0)
    }

    fn position(&self, at_seconds: f64) -> String {
        format!("{:.3}%", self.percent(at_seconds))
    }

    fn ticks(&self) -> Vec<Tick> {
        let ticks = ticks::linear(self.seconds)
            .into_iter()
            .map(|(at, label)| Tick {
                left: self.position(at),
                label: format!("{label} s"),
                anchor: match self.percent(at) {
                    0.0 => "start",
                    percent if percent > CENTRED_UP_TO_PERCENT => "end",
                    _ => "middle",
                },
            });
        ticks.collect()
    }
}
