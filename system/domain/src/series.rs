use gauntlet_contract::recurrence::{Mode, NextInstance, Template};
use gauntlet_contract::{Occurrence, Recurrence, Series, SeriesId, Task, TaskId, TaskStatus};
use jiff::{Timestamp, civil};

use crate::change::{
    Change, Decision, Fact, Rejection, Row, Violation, refuse_if_any, series_step, to_micros,
};
use crate::decide::{changed, due_of, put};
use crate::due::{self, Due};
use crate::recurrence::Schedule;

/// A series that its first instance begins.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    recurrence: Recurrence,
    start: civil::DateTime,
    due: Due,
}

/// Checks that a task due then can be the first instance of a series.
pub(crate) fn first(
    recurrence: Recurrence,
    due: Option<&Due>,
    now: Timestamp,
    violations: &mut Vec<Violation>,
) -> Option<Begun> {
    let Some((due, start)) = due.and_then(|due| Some((due, due::local(due)?))) else {
        violations.push(Violation::new(
            "recurrence",
            "needs a due date to begin with",
        ));
        return None;
    };
    match Schedule::new(&recurrence, start, &due.zone) {
        Ok(schedule) if recurrence.mode == Mode::OnSchedule && is_far_behind(&schedule, now) => {
            let detail =
                format!("must not begin with more than {BEHIND_MAX} instances to catch up on");
            violations.push(Violation::new("due_date", detail));
            None
        }
        Ok(_) => Some(Begun {
            recurrence,
            start,
            due: due.clone(),
        }),
        Err(refused) => {
            violations.extend(refused.into_violations());
            None
        }
    }
}

/// Instances that a series on schedule may be behind from its beginning on: each of them is created.
const BEHIND_MAX: usize = 1_000;

fn is_far_behind(schedule: &Schedule, now: Timestamp) -> bool {
    let later = schedule.occurrences().skip(1);
    later
        .take_while(|due| *due <= now)
        .nth(BEHIND_MAX)
        .is_some()
}

impl Begun {
    /// Makes `task` the first instance; answers what is to be written of the series.
    pub(crate) fn with(self, task: &mut Task, id: SeriesId, now: Timestamp) -> (Row, Fact) {
        task.occurrence = Some(Occurrence {
            series_id: id,
            number: 1,
        });
        let series = Series {
            id,
            user_id: task.user_id,
            recurrence: self.recurrence,
            start: self.start,
            time_zone: self.due.zone,
            next_occurrence: 2,
            latest_due_at: self.due.at,
            template: template(task),
            ended_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        series_step(None, series)
    }
}

/// Makes a task recur from its due date on. A series that it belonged to ends.
///
/// The rule that it has already changes nothing, unless the due date of the latest instance, or its zone, was
/// changed since: a series goes on from where it was computed, and whoever gives the rule once more wants it to
/// count from the new date. An earlier instance keeps a date of its own beside the series, which is further on.
pub fn recur(
    task: &Task,
    current: Option<&Series>,
    recurrence: Recurrence,
    now: Timestamp,
    id: SeriesId,
) -> Result<Decision<Task>, Rejection> {
    let now = to_micros(now);
    let is_as_wanted = |series: &Series| {
        series.ended_at.is_none() && series.recurrence == recurrence && !is_moved(task, series)
    };
    if current.is_some_and(is_as_wanted) {
        return Ok(Decision::Unchanged(task.clone()));
    }
    let mut violations = Vec::new();
    if task.status == TaskStatus::Completed {
        let detail = "a completed task begins no series; reopen it first";
        violations.push(Violation::new("status", detail));
    }
    let begun = first(recurrence, due_of(task).as_ref(), now, &mut violations);
    refuse_if_any(violations)?;
    let mut new = task.clone();
    let begun = begun.map(|begun| begun.with(&mut new, id, now));
    let decision = changed(task, new, now);
    Ok(match decision {
        Decision::Changed(mut change) => {
            let steps = current.and_then(|series| ended(series, now));
            for (row, fact) in steps.into_iter().chain(begun) {
                change.rows.push(row);
                change.facts.push(fact);
            }
            Decision::Changed(change)
        }
        unchanged @ Decision::Unchanged(_) => unchanged,
    })
}

/// Whether the task is the latest instance of the series and has another due date than it was given.
fn is_moved(task: &Task, series: &Series) -> bool {
    let number = task.occurrence.map(|occurrence| occurrence.number);
    let is_latest = number.and_then(|number| number.checked_add(1)) == Some(series.next_occurrence);
    let given = (Some(series.latest_due_at), Some(series.time_zone.as_str()));
    is_latest && (task.due_date, task.time_zone.as_deref()) != given
}

/// Ends a task's series: there is no further instance. Those that are there stay.
pub fn end_recurrence(task: &Task, series: &Series, now: Timestamp) -> Decision<Task> {
    match ended(series, to_micros(now)) {
        Some((row, fact)) => Change {
            rows: vec![row],
            facts: vec![fact],
            after: Some(task.clone()),
        }
        .decided(),
        None => Decision::Unchanged(task.clone()),
    }
}

fn ended(series: &Series, now: Timestamp) -> Option<(Row, Fact)> {
    if series.ended_at.is_some() {
        return None;
    }
    let mut new = next_version(series, now);
    new.ended_at = Some(new.updated_at);
    Some(series_step(Some(series), new))
}

fn next_version(series: &Series, now: Timestamp) -> Series {
    Series {
        version: series.version + 1,
        updated_at: now.max(series.updated_at),
        ..series.clone()
    }
}

/// What became of the question for an instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Advance {
    /// The instance is or was there: the question was asked before.
    AlreadyThere,
    /// It is not time for it: its mode waits for something else, or the number is not the next.
    NotDue,
    /// There are no more instances.
    Over,
    /// To be committed; `after` is the new instance, or none where the series ends.
    Step(Box<Change<Task>>),
}

/// Decides on the instance that a series is asked for. `latest` is the latest instance that is still there:
/// the new one is copied from it.
///
/// A series whose due date lies long past goes on: `on_schedule` one occurrence at a time, none left out.
pub fn advance(
    series: &Series,
    latest: Option<&Task>,
    asked: NextInstance,
    now: Timestamp,
    task_id: TaskId,
) -> Result<Advance, Rejection> {
    let now = to_micros(now);
    if asked.number < series.next_occurrence {
        return Ok(Advance::AlreadyThere);
    }
    if series.ended_at.is_some() {
        return Ok(Advance::Over);
    }
    let is_time = match series.recurrence.mode {
        Mode::OnSchedule => asked.settled_at.is_none() && series.latest_due_at <= now,
        Mode::OnCompletion => asked.settled_at.is_some(),
    };
    if asked.number > series.next_occurrence || !is_time {
        return Ok(Advance::NotDue);
    }
    let schedule = Schedule::new(&series.recurrence, series.start, &series.time_zone)
        .map_err(|refused| Rejection::Invalid(refused.into_violations()))?;
    let due = schedule
        .next_due(
            series.latest_due_at,
            asked.settled_at,
            series.recurrence.mode,
        )
        .filter(|_| schedule.has_number(asked.number));
    let Some(due) = due else {
        return Ok(match ended(series, now) {
            Some((row, fact)) => Advance::Step(Box::new(Change {
                rows: vec![row],
                facts: vec![fact],
                after: None,
            })),
            None => Advance::Over,
        });
    };
    let template = latest.map_or_else(|| series.template.clone(), template);
    let mut new = next_version(series, now);
    new.next_occurrence = asked.number + 1;
    new.latest_due_at = due;
    let mut change = put(
        None,
        instance(series, template, asked.number, due, now, task_id),
    );
    let (row, fact) = series_step(Some(series), new);
    change.rows.push(row);
    change.facts.push(fact);
    Ok(Advance::Step(Box::new(change)))
}

fn instance(
    series: &Series,
    template: Template,
    number: u32,
    due: Timestamp,
    now: Timestamp,
    id: TaskId,
) -> Task {
    Task {
        id,
        user_id: series.user_id,
        title: template.title,
        description: template.description,
        status: TaskStatus::Pending,
        priority: template.priority,
        due_date: Some(due),
        time_zone: Some(series.time_zone.clone()),
        category_id: template.category_id,
        tags: template.tags,
        occurrence: Some(Occurrence {
            series_id: series.id,
            number,
        }),
        version: 1,
        created_at: now,
        updated_at: now,
        completed_at: None,
    }
}

fn template(task: &Task) -> Template {
    Template {
        title: task.title.clone(),
        description: task.description.clone(),
        priority: task.priority,
        category_id: task.category_id,
        tags: task.tags.clone(),
    }
}
