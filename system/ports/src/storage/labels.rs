use async_trait::async_trait;
use gauntlet_contract::{Label, LabelId, LabelKind, Task, UserId};

use crate::error::PortError;

/// Selects a page of one user's labels, by [`title_key`](super::title_key) of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelQuery {
    pub user_id: UserId,
    pub kind: LabelKind,
    /// Only labels behind this key.
    pub after: Option<String>,
    pub limit: u32,
}

/// Reading tags and categories.
#[async_trait]
pub trait LabelStore: Send + Sync {
    /// The user's label; none when it does not exist, is of another kind or someone else's.
    async fn find_label(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
    ) -> Result<Option<Label>, PortError>;

    async fn labels(&self, query: &LabelQuery) -> Result<Vec<Label>, PortError>;

    /// Some of the user's tasks that have the label, at most `limit`, in the order of their ids.
    async fn tasks_with(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
        limit: u32,
    ) -> Result<Vec<Task>, PortError>;
}
