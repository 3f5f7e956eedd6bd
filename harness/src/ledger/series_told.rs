//! What the events say of series: which instance a task is, and how far a series has come.
//!
//! The outbox's rows hold no states. The envelopes that arrived at a consumer do, and they are read here
//! where a lane has events of more than tasks: for a load of tasks alone it would be for nothing.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::task_details::id;
use super::{EntityKind, EventKind, LaneRecord, Occurrence, OutboxRow};

#[derive(Default)]
pub(super) struct SeriesTold {
    /// By the event's position.
    of_event: HashMap<usize, ToldOfTask>,
    of_task: HashMap<Uuid, HashSet<Occurrence>>,
    series: HashMap<Uuid, Standing>,
}

/// What an event of a task tells beside its version.
#[derive(Default)]
pub(super) struct ToldOfTask {
    /// Before and after.
    pub(super) occurrences: Vec<Occurrence>,
    /// Tags and the category that the task had before and has no more.
    pub(super) taken_off: Vec<Uuid>,
}

/// The last state of a series.
#[derive(Clone, Copy)]
struct Standing {
    version: u64,
    next_occurrence: u64,
    is_over: bool,
    /// Its instances come with time and not with the settlement of the one before.
    is_on_schedule: bool,
}

impl SeriesTold {
    /// `event_of_effect` has the position of each effect's event.
    pub(super) fn read(record: &LaneRecord, event_of_effect: &[Option<usize>]) -> Self {
        let mut told = Self::default();
        let is_of_task = |event: &OutboxRow| event.kind.is_none_or(|it| it.of_task().is_some());
        if record.besides.is_empty() && record.events.iter().all(is_of_task) {
            return told;
        }
        for (effect, event) in record.effects.iter().zip(event_of_effect) {
            if let (Some(event), Ok(envelope)) = (*event, effect.envelope.value()) {
                told.add(event, &record.events[event], &envelope);
            }
        }
        told
    }

    fn add(&mut self, position: usize, event: &OutboxRow, envelope: &Value) {
        let state = |name: &str| envelope.pointer(&format!("/data/{name}"));
        let states = [state("old"), state("new")];
        match event.kind.and_then(EventKind::changes) {
            Some(EntityKind::Task) => {
                let told = ToldOfTask::read(states);
                let of_task = self.of_task.entry(event.task_id).or_default();
                of_task.extend(told.occurrences.iter().copied());
                self.of_event.insert(position, told);
            }
            Some(EntityKind::Series) => {
                if let Some(standing) = states[1].and_then(|new| Standing::read(event, new)) {
                    let last = self.series.entry(event.task_id).or_insert(standing);
                    if last.version < standing.version {
                        *last = standing;
                    }
                }
            }
            Some(EntityKind::Tag | EntityKind::Category) | None => {}
        }
    }

    /// Nothing for an event that did not arrive, or is of no task.
    pub(super) fn of_event(&self, position: usize) -> Option<&ToldOfTask> {
        self.of_event.get(&position)
    }

    /// Every instance that a task ever was.
    pub(super) fn of_task(&self, task_id: Uuid) -> impl Iterator<Item = Occurrence> {
        self.of_task.get(&task_id).into_iter().flatten().copied()
    }

    /// The instances that events tell of, each with a task that was one.
    pub(super) fn instances(&self) -> impl Iterator<Item = (Uuid, Occurrence)> {
        let tasks = self.of_task.iter();
        tasks.flat_map(|(task, instances)| instances.iter().map(|instance| (*task, *instance)))
    }

    /// Whether a series was ended, or came to its end.
    pub(super) fn is_over(&self, series_id: Uuid) -> bool {
        let series = self.series.get(&series_id);
        series.is_some_and(|series| series.is_over)
    }

    /// Whether the instances of a series come with time.
    pub(super) fn is_on_schedule(&self, series_id: Uuid) -> bool {
        let series = self.series.get(&series_id);
        series.is_some_and(|series| series.is_on_schedule)
    }

    /// Whether what comes after a settled instance is there, or is not the settlement's to bring about:
    /// its series is over, or goes by its schedule. A task that changed series was settled in one of them;
    /// the other is over.
    pub(super) fn went_on_after(&self, settled: &OutboxRow) -> bool {
        let mut instances = self.of_task(settled.task_id).peekable();
        instances.peek().is_some()
            && instances.all(|instance| {
                let series = self.series.get(&instance.series_id);
                series.is_some_and(|series| series.is_past(instance.number))
            })
    }
}

impl ToldOfTask {
    fn read([old, new]: [Option<&Value>; 2]) -> Self {
        let labels = |state: Option<&Value>| -> Vec<Uuid> {
            let tags = state.and_then(|state| state.get("tags")?.as_array());
            let category = state.and_then(|state| state.get("category_id"));
            let labels = tags.into_iter().flatten().chain(category);
            labels.filter_map(id).collect()
        };
        let kept = labels(new);
        Self {
            occurrences: [old, new]
                .into_iter()
                .filter_map(|state| Occurrence::of_state(state?))
                .collect(),
            taken_off: labels(old)
                .into_iter()
                .filter(|label| !kept.contains(label))
                .collect(),
        }
    }
}

impl Standing {
    fn read(event: &OutboxRow, state: &Value) -> Option<Self> {
        let mode = state.pointer("/recurrence/mode")?.as_str()?;
        Some(Self {
            version: event.version,
            next_occurrence: state.get("next_occurrence")?.as_u64()?,
            is_over: !state.get("ended_at")?.is_null(),
            is_on_schedule: mode == "on_schedule",
        })
    }

    fn is_past(self, number: u64) -> bool {
        self.is_over || self.is_on_schedule || self.next_occurrence > number + 1
    }
}
