use std::sync::atomic::{AtomicBool, Ordering};

use gauntlet_contract::{Label, LabelId, LabelKind, SeriesId, Task};
use gauntlet_domain::{
    Change, Command, Decision, Edit, Ids, LabelCommand, Rejection, decide, decide_label,
};
use gauntlet_ports::Committed;
use jiff::Timestamp;

use super::commit::{ATTEMPTS_MAX, Commands, Deciding, NamedLabels, commit};
use super::error::CommandError;
use super::request::{Answered, Render, Request};

/// Tasks that a label is taken off in one transaction: enough that the round trips do not count, few
/// enough that no other change of them waits for long.
const BATCH: u32 = 100;

impl Commands {
    /// Executes a command on one tag or category.
    ///
    /// A deletion takes the label off its tasks first, batch by batch. One that is interrupted leaves
    /// some tasks without the label and the label itself in place; given again it goes on from there.
    pub async fn change_label(
        &self,
        request: &Request,
        kind: LabelKind,
        id: LabelId,
        command: LabelCommand,
        render: Render<Label>,
    ) -> Result<Answered, CommandError> {
        let is_begun = AtomicBool::new(false);
        let (command, begun) = (&command, &is_begun);
        let deciding = move || -> Deciding<'_, Label> {
            Box::pin(async move {
                let state = match command {
                    LabelCommand::Create { .. } => None,
                    _ => Some(self.label(request, kind, id).await?),
                };
                if let LabelCommand::Delete = command {
                    self.take_off(request, kind, id, begun).await?;
                }
                let (command, now) = (command.clone(), Timestamp::now());
                Ok(decide_label(
                    state.as_ref(),
                    command,
                    now,
                    id,
                    request.user_id,
                )?)
            })
        };
        let named = NamedLabels::default();
        let settled = self.settle(request, &named, render, deciding).await;
        if is_begun.load(Ordering::Acquire) {
            return settled.map_err(CommandError::after_a_part);
        }
        settled
    }

    async fn label(
        &self,
        request: &Request,
        kind: LabelKind,
        id: LabelId,
    ) -> Result<Label, CommandError> {
        let found = self.store.find_label(request.user_id, kind, id).await;
        let label = found.map_err(CommandError::Read)?;
        let label = label.ok_or(Rejection::NotFound)?;
        request.precondition.check(label.version)?;
        Ok(label)
    }

    /// Takes the label off every task that has it; `begun` tells that some task lost it.
    async fn take_off(
        &self,
        request: &Request,
        kind: LabelKind,
        id: LabelId,
        begun: &AtomicBool,
    ) -> Result<(), CommandError> {
        let mut lost_races = 0;
        while lost_races < ATTEMPTS_MAX {
            let tasks = self
                .store
                .tasks_with(request.user_id, kind, id, BATCH)
                .await;
            let tasks = tasks.map_err(CommandError::Read)?;
            if tasks.is_empty() {
                return Ok(());
            }
            let mut changes = Vec::with_capacity(tasks.len());
            for task in &tasks {
                changes.extend(without(task, kind, id)?);
            }
            let commit = commit(request.user_id, request.traceparent.as_deref(), changes);
            // A batch that changes nothing would come back for ever.
            if !commit.rows.is_empty() && self.try_commit(&commit).await? == Some(Committed::Done) {
                begun.store(true, Ordering::Release);
                lost_races = 0;
            } else {
                lost_races += 1;
            }
        }
        Err(CommandError::Contended)
    }
}

/// The step of a task that takes a label off it; none when it does not have it.
fn without(
    task: &Task,
    kind: LabelKind,
    id: LabelId,
) -> Result<Option<Change<Task>>, CommandError> {
    let command = match kind {
        LabelKind::Tag => Command::RemoveTag(id),
        LabelKind::Category => Command::Update(Edit {
            category_id: Some(None),
            ..Edit::default()
        }),
    };
    let ids = Ids {
        task_id: task.id,
        user_id: task.user_id,
        series_id: SeriesId::generate(),
    };
    Ok(match decide(Some(task), command, Timestamp::now(), ids)? {
        Decision::Unchanged(_) => None,
        Decision::Changed(change) => Some(*change),
    })
}
