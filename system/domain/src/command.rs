use gauntlet_contract::{
    DueDate, LabelId, LabelKind, Priority, Recurrence, SeriesId, TaskId, TaskStatus, UserId,
};

/// What a user wants done to one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Create(NewTask),
    Update(Edit),
    /// Adds to the tags that are there.
    AddTags(Vec<LabelId>),
    /// Idempotent, like the next two.
    RemoveTag(LabelId),
    Complete,
    /// What is not completed stays as it is.
    Reopen,
    Delete,
}

/// A task to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTask {
    pub title: String,
    pub description: Option<String>,
    pub priority: Priority,
    pub due_date: Option<DueDate>,
    pub time_zone: Option<String>,
    pub category_id: Option<LabelId>,
    pub tags: Vec<LabelId>,
    pub recurrence: Option<Recurrence>,
}

/// New values for some fields of a task. A field that is none stays as it is; `Some(None)` clears one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    pub title: Option<String>,
    pub description: Option<Option<String>>,
    pub status: Option<TaskStatus>,
    pub priority: Option<Priority>,
    pub due_date: Option<Option<DueDate>>,
    pub time_zone: Option<String>,
    pub category_id: Option<Option<LabelId>>,
    pub tags: Option<Vec<LabelId>>,
}

/// Who is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub task_id: TaskId,
    pub user_id: UserId,
    /// What a series gets if the command begins one.
    pub series_id: SeriesId,
}

/// What a user wants done to a tag or category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelCommand {
    Create {
        kind: LabelKind,
        name: String,
        color: Option<String>,
    },
    Update {
        name: Option<String>,
        color: Option<String>,
    },
    Delete,
}
