use gauntlet_contract::{SeriesId, Task, TaskId, UserId};
use gauntlet_domain::{Command, Ids, Rejection, decide};
use jiff::Timestamp;

use super::commit::{Commands, Deciding, NamedLabels};
use super::error::CommandError;
use super::request::{Answered, Render, Request};

impl Commands {
    /// Executes a command on one task.
    pub async fn change_task(
        &self,
        request: &Request,
        task_id: TaskId,
        command: Command,
        render: Render<Task>,
    ) -> Result<Answered, CommandError> {
        let ids = Ids {
            task_id,
            user_id: request.user_id,
            series_id: SeriesId::generate(),
        };
        let named = named(&command);
        let command = &command;
        let deciding = move || -> Deciding<'_, Task> {
            Box::pin(async move {
                let state = match command {
                    // A fresh id is not looked up: the commit itself refuses one that is taken.
                    Command::Create(_) => None,
                    _ => self.task(request.user_id, task_id).await?,
                };
                if let Some(task) = &state {
                    request.precondition.check(task.version)?;
                }
                let decision = decide(state.as_ref(), command.clone(), Timestamp::now(), ids)?;
                Ok(decision)
            })
        };
        self.settle(request, &named, render, deciding).await
    }

    pub(super) async fn task(
        &self,
        user_id: UserId,
        id: TaskId,
    ) -> Result<Option<Task>, CommandError> {
        let found = self.store.find(user_id, id).await;
        found.map_err(CommandError::Read)
    }

    pub(super) async fn task_that_is_there(
        &self,
        user_id: UserId,
        id: TaskId,
    ) -> Result<Task, CommandError> {
        let found = self.task(user_id, id).await?;
        found.ok_or_else(|| Rejection::NotFound.into())
    }
}

fn named(command: &Command) -> NamedLabels {
    match command {
        Command::Create(new) => NamedLabels {
            category: new.category_id,
            tags: new.tags.clone(),
        },
        Command::Update(edit) => NamedLabels {
            category: edit.category_id.flatten(),
            tags: edit.tags.clone().unwrap_or_default(),
        },
        Command::AddTags(tags) => NamedLabels {
            category: None,
            tags: tags.clone(),
        },
        Command::RemoveTag(_) | Command::Complete | Command::Reopen | Command::Delete => {
            NamedLabels::default()
        }
    }
}
