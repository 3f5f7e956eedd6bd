//! What became of each series: which of its instances there are, and which were settled.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::series_told::SeriesTold;
use super::stall::stalls_between;
use super::{Accounting, EventKind, LaneRecord, Micros, Occurrence, OperationKind, Stall};

/// The series of a lane, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesLives(BTreeMap<Uuid, SeriesLife>);

/// One series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesLife {
    /// By number.
    pub instances: BTreeMap<u64, Instance>,
    /// Ended by its user, or at its own end: nothing comes after the last instance.
    pub is_over: bool,
    /// Its instances come with time and not with the settlement of the one before.
    pub is_on_schedule: bool,
}

/// One number of a series. Times are those of inserts, on the wall clock of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// The tasks that are or were this instance, by events and by final rows. There should be one.
    pub tasks: BTreeSet<Uuid>,
    /// Events that tell of its creation; none for a task that was made to recur later.
    pub creations: u64,
    /// The first of these.
    pub came_at: Option<Micros>,
    /// A final row is there, or its deletion was told or acknowledged: what events say of it holds.
    pub is_accounted: bool,
    /// Completed or deleted, as an event tells or as was acknowledged, whatever came after that.
    pub is_settled: bool,
    /// The first event that tells so.
    pub settled_at: Option<Micros>,
}

impl LaneRecord {
    /// Puts together what events, final rows and acknowledgements tell of series. A settlement counts by
    /// what the change itself tells, and not by the message that has the series go on: that one may be
    /// what is missing.
    pub(super) fn series_lives(&self, accounting: &Accounting) -> SeriesLives {
        let told = SeriesTold::read(self, &accounting.event_of_effect);
        let of_rows = self.details.iter();
        let of_rows = of_rows.filter_map(|row| Some((row.task_id, row.occurrence?)));
        let mut lives = Lives::of(told.instances().chain(of_rows.clone()));
        for (_, occurrence) in of_rows {
            lives.instance(occurrence).is_accounted = true;
        }
        for (position, event) in self.events.iter().enumerate() {
            match event.kind.and_then(EventKind::of_task) {
                Some(OperationKind::Create) => {
                    let created = told.of_event(position);
                    for &occurrence in created.into_iter().flat_map(|told| &told.occurrences) {
                        lives.instance(occurrence).came(event.inserted_at);
                    }
                }
                Some(kind) if settles(kind) => {
                    lives.settle(event.task_id, kind, Some(event.inserted_at));
                }
                _ => {}
            }
        }
        for operation in self.operations.iter().filter(|it| settles(it.kind)) {
            if let Some((task, _)) = operation.acknowledged() {
                lives.settle(task, operation.kind, None);
            }
        }
        for (&id, life) in &mut lives.series {
            life.is_over = told.is_over(id);
            life.is_on_schedule = told.is_on_schedule(id);
        }
        SeriesLives(lives.series)
    }
}

/// Series in the making.
struct Lives {
    series: BTreeMap<Uuid, SeriesLife>,
    /// Every instance that a task ever was.
    of_task: HashMap<Uuid, BTreeSet<(Uuid, u64)>>,
}

impl Lives {
    fn of(instances: impl Iterator<Item = (Uuid, Occurrence)>) -> Self {
        let mut lives = Self {
            series: BTreeMap::new(),
            of_task: HashMap::new(),
        };
        for (task, occurrence) in instances {
            lives.instance(occurrence).tasks.insert(task);
            let of_task = lives.of_task.entry(task).or_default();
            of_task.insert((occurrence.series_id, occurrence.number));
        }
        lives
    }

    fn instance(&mut self, occurrence: Occurrence) -> &mut Instance {
        let life = self.series.entry(occurrence.series_id).or_default();
        life.instances.entry(occurrence.number).or_default()
    }

    /// Marks whatever a task was as settled; `at` is none where only an answer tells.
    fn settle(&mut self, task: Uuid, kind: OperationKind, at: Option<Micros>) {
        for (series, number) in self.of_task.get(&task).into_iter().flatten() {
            let life = self.series.get_mut(series);
            if let Some(instance) = life.and_then(|life| life.instances.get_mut(number)) {
                instance.is_settled = true;
                instance.is_accounted |= kind == OperationKind::Delete;
                let known = [instance.settled_at, at];
                instance.settled_at = known.into_iter().flatten().min();
            }
        }
    }
}

fn settles(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Complete | OperationKind::Delete)
}

impl Instance {
    fn came(&mut self, at: Micros) {
        self.creations += 1;
        self.came_at = Some(self.came_at.unwrap_or(at).min(at));
    }
}

impl SeriesLives {
    pub fn iter(&self) -> impl Iterator<Item = (Uuid, &SeriesLife)> {
        self.0.iter().map(|(id, life)| (*id, life))
    }

    /// Every stretch in which an instance was settled and no next instance came.
    pub(super) fn stalls(&self) -> Vec<Stall> {
        let waiting = self.0.values().filter(|life| !life.is_on_schedule);
        stalls_between(waiting.flat_map(SeriesLife::steps).collect())
    }
}

impl SeriesLife {
    /// For each instance that came after a settled one: when it came, and since when it was due to.
    fn steps(&self) -> impl Iterator<Item = (Micros, Micros)> {
        let numbers = self.instances.iter();
        numbers.filter_map(|(number, instance)| {
            let settled = self.instances.get(&number.checked_sub(1)?)?;
            Some((instance.came_at?, settled.settled_at?))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ledger::series_sample::{instance_id, lane, series_id};

    fn lives(record: &LaneRecord) -> SeriesLives {
        record.series_lives(&record.account())
    }

    fn numbers(life: &SeriesLife, chosen: impl Fn(&Instance) -> bool) -> Vec<u64> {
        let instances = life.instances.iter();
        let chosen = instances.filter(|(_, instance)| chosen(instance));
        chosen.map(|(number, _)| *number).collect()
    }

    #[test]
    fn a_series_has_its_instances_and_knows_which_were_settled() {
        let lives = lives(&lane("a", 2, 3));
        let ids: Vec<Uuid> = lives.iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [series_id(0), series_id(1)]);
        for (_, life) in lives.iter() {
            assert_eq!(numbers(life, |it| it.tasks.len() == 1), [1, 2, 3, 4]);
            assert_eq!(numbers(life, |it| it.creations == 1), [1, 2, 3, 4]);
            assert_eq!(numbers(life, |it| it.is_settled), [1, 2, 3]);
            assert!(!life.is_over && !life.is_on_schedule);
        }
    }

    #[test]
    fn a_lane_without_series_has_none() {
        let record = crate::ledger::sample::lane_of_changes("a", 100);
        assert_eq!(lives(&record), SeriesLives::default());
    }

    #[test]
    fn an_answer_alone_settles_an_instance() {
        let mut record = lane("a", 1, 1);
        let completed = EventKind::Task(OperationKind::Complete);
        record.events.retain(|event| event.kind != Some(completed));
        let lives = lives(&record);
        let (_, life) = lives.iter().next().unwrap();
        assert_eq!(numbers(life, |it| it.is_settled), [1]);
        assert_eq!(life.instances[&1].settled_at, None);
    }

    #[test]
    fn a_row_of_which_no_event_tells_is_an_instance_too() {
        let mut record = lane("a", 1, 1);
        let mut row = record.details.last().unwrap().clone();
        row.task_id = instance_id(9, 9);
        record.details.push(row);
        let lives = lives(&record);
        let (_, life) = lives.iter().next().unwrap();
        let both = BTreeSet::from([instance_id(0, 2), instance_id(9, 9)]);
        assert_eq!(life.instances[&2].tasks, both);
    }

    #[test]
    fn a_stall_lasts_from_the_settlement_to_the_next_instance() {
        let lasted = |record: &LaneRecord| -> Vec<Duration> {
            let stalls = lives(record).stalls();
            stalls.iter().map(Stall::lasted).collect()
        };
        let mut record = lane("a", 1, 3);
        let usual = Duration::from_millis(10);
        assert_eq!(lasted(&record), [usual; 3]);
        let creation = Some(EventKind::Task(OperationKind::Create));
        let late = record.events.iter_mut().rev();
        let late = late.filter(|event| event.kind == creation).take(1);
        for event in late {
            event.inserted_at = event.inserted_at.after(Duration::from_secs(2));
        }
        assert_eq!(
            lasted(&record),
            [usual, usual, usual + Duration::from_secs(2)]
        );
    }
}
