use std::collections::BTreeSet;

use gauntlet_contract::recurrence::{InstanceAnswer, InstanceOutcome, NextInstance};
use gauntlet_contract::{
    LabelId, LabelKind, Recurrence, Series, SeriesId, Task, TaskId, TaskStatus, UserId,
};
use gauntlet_domain::{Advance, Change, Rejection, advance, end_recurrence, recur};
use gauntlet_ports::Committed;
use jiff::Timestamp;

use super::commit::{ATTEMPTS_MAX, Commands, Deciding, NamedLabels, commit};
use super::error::CommandError;
use super::request::{Answered, Render, Request};

impl Commands {
    /// Makes a task the first instance of a series. The precondition is on the task.
    pub async fn recur(
        &self,
        request: &Request,
        task_id: TaskId,
        recurrence: Recurrence,
        render: Render<Task>,
    ) -> Result<Answered, CommandError> {
        let (recurrence, id) = (&recurrence, SeriesId::generate());
        let deciding = move || -> Deciding<'_, Task> {
            Box::pin(async move {
                let task = self.task_that_is_there(request.user_id, task_id).await?;
                request.precondition.check(task.version)?;
                let current = self.series_of(&task).await?;
                let (recurrence, now) = (recurrence.clone(), Timestamp::now());
                Ok(recur(&task, current.as_ref(), recurrence, now, id)?)
            })
        };
        self.settle(request, &NamedLabels::default(), render, deciding)
            .await
    }

    /// Ends the series of a task. The precondition is on the series: the task stays as it is.
    pub async fn end_recurrence(
        &self,
        request: &Request,
        task_id: TaskId,
        render: Render<Task>,
    ) -> Result<Answered, CommandError> {
        let deciding = move || -> Deciding<'_, Task> {
            Box::pin(async move {
                let task = self.task_that_is_there(request.user_id, task_id).await?;
                let series = self.series_of(&task).await?.ok_or(Rejection::NotFound)?;
                request.precondition.check(series.version)?;
                Ok(end_recurrence(&task, &series, Timestamp::now()))
            })
        };
        self.settle(request, &NamedLabels::default(), render, deciding)
            .await
    }

    /// The series that one of the user's tasks belongs to.
    pub async fn series(&self, user_id: UserId, task_id: TaskId) -> Result<Series, CommandError> {
        let task = self.task_that_is_there(user_id, task_id).await?;
        let series = self.series_of(&task).await?;
        series.ok_or_else(|| Rejection::NotFound.into())
    }

    /// Creates the instance of a series that is asked for, or tells why there is nothing to create.
    pub async fn next_instance(
        &self,
        id: SeriesId,
        asked: NextInstance,
        traceparent: Option<&str>,
    ) -> Result<InstanceAnswer, CommandError> {
        let task_id = TaskId::generate();
        let mut gone = BTreeSet::new();
        for _ in 0..ATTEMPTS_MAX {
            let series = self.store.find_series(id).await;
            let series = series.map_err(CommandError::Read)?;
            let series = series.ok_or(Rejection::NotFound)?;
            let latest = self.store.latest_instance(id).await;
            let latest = latest.map_err(CommandError::Read)?;
            let copied = copied(&series, latest, &gone);
            let now = Timestamp::now();
            let change = match advance(&series, copied.as_ref(), asked, now, task_id)? {
                Advance::AlreadyThere => return self.instance(id, asked.number).await,
                Advance::NotDue => return Ok(without_task(InstanceOutcome::NotDue)),
                Advance::Over => return Ok(without_task(InstanceOutcome::Over)),
                Advance::Step(change) => *change,
            };
            let created = change.after.clone();
            match self.try_step(&series, change, traceparent).await? {
                Some(Committed::Done) => return Ok(stepped(created.as_ref())),
                Some(Committed::LabelMissing) => {
                    gone.extend(self.missing_of(created.as_ref()).await?);
                }
                // Somebody else was faster, with this very question or with a change of the series.
                _ => {}
            }
        }
        Err(CommandError::Contended)
    }

    async fn try_step(
        &self,
        series: &Series,
        change: Change<Task>,
        traceparent: Option<&str>,
    ) -> Result<Option<Committed>, CommandError> {
        self.try_commit(&commit(series.user_id, traceparent, [change]))
            .await
    }

    async fn instance(&self, id: SeriesId, number: u32) -> Result<InstanceAnswer, CommandError> {
        let found = self.store.instance(id, number).await;
        Ok(InstanceAnswer {
            outcome: InstanceOutcome::AlreadyThere,
            task_id: found.map_err(CommandError::Read)?.map(|task| task.id),
        })
    }

    async fn series_of(&self, task: &Task) -> Result<Option<Series>, CommandError> {
        let Some(occurrence) = task.occurrence else {
            return Ok(None);
        };
        let found = self.store.find_series(occurrence.series_id).await;
        let series = found.map_err(CommandError::Read)?;
        Ok(series.filter(|series| series.user_id == task.user_id))
    }

    /// Which labels of a task are not there.
    async fn missing_of(&self, task: Option<&Task>) -> Result<BTreeSet<LabelId>, CommandError> {
        let mut missing = BTreeSet::new();
        let Some(task) = task else {
            return Ok(missing);
        };
        let tags = task.tags.iter().map(|tag| (LabelKind::Tag, *tag));
        let category = task.category_id.map(|id| (LabelKind::Category, id));
        for (kind, id) in tags.chain(category) {
            if self.is_missing(task.user_id, kind, id).await? {
                missing.insert(id);
            }
        }
        Ok(missing)
    }
}

/// What the next instance is copied from: the latest one or, where none is left, the template. Neither
/// may end the series by a label that was deleted since, so those that are gone are left out.
fn copied(series: &Series, latest: Option<Task>, gone: &BTreeSet<LabelId>) -> Option<Task> {
    if gone.is_empty() {
        return latest;
    }
    let mut task = latest.unwrap_or_else(|| of_template(series));
    task.tags.retain(|tag| !gone.contains(tag));
    task.category_id = task.category_id.filter(|id| !gone.contains(id));
    Some(task)
}

/// The template in the shape of a task; it is copied from and never written.
fn of_template(series: &Series) -> Task {
    let template = series.template.clone();
    Task {
        id: TaskId(series.id.0),
        user_id: series.user_id,
        title: template.title,
        description: template.description,
        status: TaskStatus::Pending,
        priority: template.priority,
        due_date: None,
        time_zone: None,
        category_id: template.category_id,
        tags: template.tags,
        occurrence: None,
        version: 1,
        created_at: series.created_at,
        updated_at: series.created_at,
        completed_at: None,
    }
}

/// A step either creates an instance or ends the series.
fn stepped(created: Option<&Task>) -> InstanceAnswer {
    match created {
        Some(task) => InstanceAnswer {
            outcome: InstanceOutcome::Created,
            task_id: Some(task.id),
        },
        None => without_task(InstanceOutcome::Over),
    }
}

fn without_task(outcome: InstanceOutcome) -> InstanceAnswer {
    InstanceAnswer {
        outcome,
        task_id: None,
    }
}
