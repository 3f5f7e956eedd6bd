use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{
    Accounting, Effect, EndingRecord, Lane, LaneRecord, Operation, OutboxRow, Phase, SeriesLives,
    Stall,
};

/// The closed record of one scenario run.
///
/// What is accounted for cannot be changed once it is built: several checks share the accounting of a lane, which is folded
/// once, on first use.
#[derive(Debug)]
pub struct Ledger {
    scenario: String,
    pages: Vec<Page>,
}

#[derive(Debug)]
struct Page {
    record: LaneRecord,
    accounting: OnceLock<Accounting>,
    stalls: OnceLock<Vec<Stall>>,
    series: OnceLock<SeriesLives>,
    series_stalls: OnceLock<Vec<Stall>>,
}

/// One lane of a ledger: its record, and what is derived from it.
#[derive(Clone, Copy, Debug)]
pub struct LaneView<'a> {
    page: &'a Page,
}

impl Ledger {
    /// Closes the records of a scenario run.
    pub fn new(scenario: impl Into<String>, lanes: Vec<LaneRecord>) -> Self {
        let page = |record| Page {
            record,
            accounting: OnceLock::new(),
            stalls: OnceLock::new(),
            series: OnceLock::new(),
            series_stalls: OnceLock::new(),
        };
        Self {
            scenario: scenario.into(),
            pages: lanes.into_iter().map(page).collect(),
        }
    }

    /// The same ledger with how the services of its lanes ended, which is seen after all else. What was
    /// accounted for stays so.
    #[must_use]
    pub fn ended(mut self, mut endings: BTreeMap<Lane, Vec<EndingRecord>>) -> Self {
        for page in &mut self.pages {
            let of_lane = endings.remove(&page.record.lane);
            page.record.endings.extend(of_lane.into_iter().flatten());
        }
        self
    }

    pub fn scenario(&self) -> &str {
        &self.scenario
    }

    /// None where the run has no such lane.
    pub fn lane(&self, lane: &Lane) -> Option<LaneView<'_>> {
        self.lanes().find(|view| view.record().lane == *lane)
    }

    pub fn lanes(&self) -> impl Iterator<Item = LaneView<'_>> {
        self.pages.iter().map(|page| LaneView { page })
    }
}

impl<'a> LaneView<'a> {
    pub fn record(self) -> &'a LaneRecord {
        &self.page.record
    }

    /// What became of each operation and of each row. Folded once, in time linear in the rows.
    pub fn accounting(self) -> &'a Accounting {
        self.page
            .accounting
            .get_or_init(|| self.page.record.account())
    }

    /// Every stretch in which work was waiting and no effect was committed.
    pub fn stalls(self) -> &'a [Stall] {
        self.page
            .stalls
            .get_or_init(|| self.page.record.stalls(self.accounting()))
    }

    /// What became of each series.
    pub fn series(self) -> &'a SeriesLives {
        self.page
            .series
            .get_or_init(|| self.page.record.series_lives(self.accounting()))
    }

    /// Every stretch in which an instance was settled and no next instance came.
    pub fn series_stalls(self) -> &'a [Stall] {
        self.page
            .series_stalls
            .get_or_init(|| self.series().stalls())
    }

    /// Operations of `phase`, whatever became of them.
    pub fn operations_of(self, phase: Phase) -> impl Iterator<Item = &'a Operation> {
        self.record()
            .operations
            .iter()
            .filter(move |operation| operation.phase == phase)
    }

    /// Operations of `phase` with the events that they caused; those without are left out.
    pub fn operations_with_events(
        self,
        phase: Phase,
    ) -> impl Iterator<Item = (&'a Operation, &'a OutboxRow)> {
        let record = self.record();
        let joined = record
            .events
            .iter()
            .zip(&self.accounting().operation_of_event);
        joined.filter_map(move |(event, operation)| {
            let operation = &record.operations[(*operation)?];
            (operation.phase == phase).then_some((operation, event))
        })
    }

    /// Events that operations of `phase` caused.
    pub fn events_of(self, phase: Phase) -> impl Iterator<Item = &'a OutboxRow> {
        self.operations_with_events(phase).map(|(_, event)| event)
    }

    /// Effects with their events, repeats left out, whose operation belongs to `phase`.
    pub fn pairs_of(self, phase: Phase) -> impl Iterator<Item = (&'a Effect, &'a OutboxRow)> {
        let (record, accounting) = (self.record(), self.accounting());
        let joined = record.effects.iter().zip(&accounting.event_of_effect);
        joined
            .zip(&accounting.is_repeat)
            .filter_map(move |((effect, event), &is_repeat)| {
                let event = event.filter(|&event| !is_repeat && self.is_of(event, phase))?;
                Some((effect, &record.events[event]))
            })
    }

    fn is_of(self, event: usize, phase: Phase) -> bool {
        self.accounting().operation_of_event[event]
            .is_some_and(|operation| self.record().operations[operation].phase == phase)
    }
}
