use gauntlet_contract::{TaskId, UserId};
use serde::{Deserialize, Serialize};

use crate::arrival::Arrival;
use crate::client::{OperationKind, Outcome};
use crate::error::LoadError;
use crate::histogram::Histogram;
use crate::lateness::Lateness;
use crate::priority::Priority;
use crate::workload::OperationKey;

/// One offered operation. Times are microseconds since the unix epoch, on the load's one clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    pub key: OperationKey,
    pub kind: OperationKind,
    pub user: UserId,
    /// The task that the request addressed; none for create and list.
    pub task: Option<TaskId>,
    /// When the schedule wanted it to start.
    pub intended_micros: u64,
    /// When the request was handed to the HTTP client.
    pub sent_micros: u64,
    /// When the whole answer was there, or when waiting for it ended.
    pub done_micros: u64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl OperationRecord {
    /// From the intended start to the end. None when no connection could be made: an operation that
    /// nobody served would flatter the distribution by its quick refusal.
    pub fn latency_micros(&self) -> Option<u64> {
        (!self.outcome.is_unsent()).then(|| self.done_micros.saturating_sub(self.intended_micros))
    }
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All that was planned was offered.
    Complete,
    /// It was stopped; what was under way was still waited for.
    Stopped,
}

/// Everything that a load did, and how well the generator did it.
#[derive(Clone, Debug)]
pub struct LoadRecord {
    pub arrival: Arrival,
    pub ending: Ending,
    /// Operations in the schedule. Fewer are offered when the load was stopped or the workload ran
    /// out.
    pub planned: u64,
    /// Operations that had to wait because as many requests as allowed were under way. Above zero
    /// the loop was not quite open: the waiting is in the latencies and in the lateness.
    pub held_back: u64,
    /// Most operations under way at once: how concurrent a burst really was.
    pub peak_in_flight: usize,
    /// How the thread that offered it was scheduled beside the target.
    pub priority: Priority,
    pub lateness: Lateness,
    /// Latency of every operation that was sent, from its intended start. Unknown ones count up to
    /// when waiting ended, so that a stall cannot hide in them.
    pub latency: Histogram,
    /// In order of intended start.
    pub operations: Vec<OperationRecord>,
}

/// How many operations ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub acknowledged: u64,
    pub failed: u64,
    pub unknown: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Ok { .. } => self.acknowledged += 1,
            Outcome::Failed { .. } => self.failed += 1,
            Outcome::Unknown { .. } => self.unknown += 1,
        }
    }

    pub fn total(&self) -> u64 {
        self.acknowledged + self.failed + self.unknown
    }
}

impl LoadRecord {
    /// Operations that were started, each with one outcome.
    pub fn offered(&self) -> u64 {
        self.tally().total()
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for operation in &self.operations {
            tally.add(&operation.outcome);
        }
        tally
    }

    pub fn acknowledged(&self) -> impl Iterator<Item = &OperationRecord> {
        self.operations
            .iter()
            .filter(|operation| operation.outcome.is_ok())
    }

    /// Latency of the operations that `chosen` picks, e.g. those of one kind or one phase.
    pub fn latency_of(
        &self,
        chosen: impl Fn(&OperationRecord) -> bool,
    ) -> Result<Histogram, LoadError> {
        let mut histogram = Histogram::new()?;
        for operation in self.operations.iter().filter(|operation| chosen(operation)) {
            if let Some(micros) = operation.latency_micros() {
                histogram.record_micros(micros);
            }
        }
        Ok(histogram)
    }
}
