use serde::Serialize;
use uuid::Uuid;

/// Where an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Each consumer that owes an effect has at least one.
    Effect,
    DeadLettered,
    /// Dropped on purpose, as declared before the run.
    Dropped,
    /// Nowhere: lost, or still on its way when the stores were read.
    Unplaced,
}

/// What became of one operation. Positions are those of the lane's `events` and `operations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// `event` is none where the promised change has no event at all.
    Acknowledged { fate: Fate, event: Option<usize> },
    /// `event` is the event that a refused operation must not have written.
    Failed { event: Option<usize> },
    Unknown {
        fate: UnknownFate,
        event: Option<usize>,
    },
}

/// An operation without an answer is settled when it is wholly done or wholly not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownFate {
    TookEffect,
    DidNot,
    /// A row without an event, an event that ended nowhere, or one whose change the final row does
    /// not show: it stands below the event's version, is gone without a deletion that tells why, or
    /// is still there behind its deletion.
    Half,
}

/// Something in the stores that no operation accounts for. Positions are those of the lane's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intrusion {
    /// An event that no acknowledged or unknown operation asked for, nor anything besides.
    Event { event: usize },
    /// An event or a row of an operation that was refused.
    FailedTookEffect { operation: usize },
    /// An effect whose event is in no outbox row, or whose consumer owes none.
    Effect { effect: usize },
    /// A task row that no operation asked for, or one that was changed to a version of which neither
    /// an event nor an answer tells, and no operation without an answer or refused is to blame.
    Task { task: usize },
}

/// A task that stands below the version that was acknowledged, is gone without a deletion, or is
/// still there although its deletion was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostChange {
    pub task_id: Uuid,
    /// The version that was lost. A row that stands at it or above is behind its deletion.
    pub acknowledged: u64,
    /// None where the row is gone.
    pub stands_at: Option<u64>,
}

/// The accounting identity: acknowledged = effects + dead-lettered + dropped on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    pub acknowledged: u64,
    pub effects: u64,
    pub dead_lettered: u64,
    pub dropped: u64,
    pub unplaced: u64,
    pub failed: u64,
    pub unknown_took_effect: u64,
    pub unknown_did_not: u64,
    pub unknown_half: u64,
}

impl Identity {
    /// True when each acknowledged operation is placed.
    pub fn holds(&self) -> bool {
        self.acknowledged == self.effects + self.dead_lettered + self.dropped
    }

    pub(super) fn count(&mut self, placement: Placement) {
        let counter = match placement {
            Placement::Acknowledged { fate, .. } => {
                self.acknowledged += 1;
                match fate {
                    Fate::Effect => &mut self.effects,
                    Fate::DeadLettered => &mut self.dead_lettered,
                    Fate::Dropped => &mut self.dropped,
                    Fate::Unplaced => &mut self.unplaced,
                }
            }
            Placement::Failed { .. } => &mut self.failed,
            Placement::Unknown { fate, .. } => match fate {
                UnknownFate::TookEffect => &mut self.unknown_took_effect,
                UnknownFate::DidNot => &mut self.unknown_did_not,
                UnknownFate::Half => &mut self.unknown_half,
            },
        };
        *counter += 1;
    }
}

/// The fold of one lane: each operation, event and effect joined to the others, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    pub identity: Identity,
    /// For each operation.
    pub placements: Vec<Placement>,
    /// For each event, the operation that asked for it.
    pub operation_of_event: Vec<Option<usize>>,
    /// Positions of the events that no operation asked for and that are asked for all the same: of what
    /// the scenario changed by itself, and of series that somebody began.
    pub besides: Vec<usize>,
    /// For each event.
    pub fate_of_event: Vec<Fate>,
    /// For each effect.
    pub event_of_effect: Vec<Option<usize>>,
    /// For each effect, true when the same consumer had one of the same event before it.
    pub is_repeat: Vec<bool>,
    pub intrusions: Vec<Intrusion>,
    pub lost_changes: Vec<LostChange>,
}

impl Accounting {
    /// Positions of the acknowledged operations that ended nowhere.
    pub fn unplaced(&self) -> impl Iterator<Item = usize> + '_ {
        self.placements
            .iter()
            .enumerate()
            .filter_map(|(operation, placement)| match placement {
                Placement::Acknowledged {
                    fate: Fate::Unplaced,
                    ..
                } => Some(operation),
                _ => None,
            })
    }

    /// Positions of the effects that repeat an earlier one.
    pub fn repeats(&self) -> impl Iterator<Item = usize> + '_ {
        self.is_repeat
            .iter()
            .enumerate()
            .filter_map(|(effect, repeat)| repeat.then_some(effect))
    }
}
