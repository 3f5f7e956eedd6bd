use std::time::Instant;

use gauntlet_reports::evidence::{TimelineEntry, TimelineKind};

/// What happened when, counted from the scenario's beginning.
#[derive(Debug)]
pub(super) struct Timeline {
    began: Instant,
    entries: Vec<TimelineEntry>,
}

impl Timeline {
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            entries: Vec::new(),
        }
    }

    pub(super) fn mark(&mut self, kind: TimelineKind, lane: &str, what: impl Into<String>) {
        self.entries.push(TimelineEntry {
            at_seconds: self.began.elapsed().as_secs_f64(),
            kind,
            lane: lane.to_owned(),
            what: what.into(),
        });
    }

    pub(super) fn into_entries(self) -> Vec<TimelineEntry> {
        self.entries
    }
}
