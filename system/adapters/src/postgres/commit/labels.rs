//! The labels that a commit names, changes or deletes, and how two commits about one label meet.

use std::collections::BTreeSet;

use gauntlet_contract::{LabelId, LabelKind, Task, UserId};
use gauntlet_ports::{Commit, Expected, RowChange};
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::query_builder::QueryBuilder;
use uuid::Uuid;

use crate::postgres::store::out_of_range;

/// Labels of one user.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    tags: BTreeSet<Uuid>,
    categories: BTreeSet<Uuid>,
}

impl Labels {
    /// What the commit's tasks will have.
    pub(super) fn named(commit: &Commit) -> Self {
        let mut labels = Self::default();
        for row in &commit.rows {
            if let RowChange::PutTask(_, task) = row {
                labels.add(task);
            }
        }
        labels
    }

    pub(super) fn deleted(commit: &Commit) -> Self {
        let mut labels = Self::default();
        for row in &commit.rows {
            if let RowChange::DeleteLabel(_, kind, id) = row {
                labels.insert(*kind, *id);
            }
        }
        labels
    }

    /// What the commit does not create.
    pub(super) fn changed(commit: &Commit) -> Self {
        let mut labels = Self::deleted(commit);
        for row in &commit.rows {
            if let RowChange::PutLabel(Expected::Version(_), label) = row {
                labels.insert(label.kind, label.id);
            }
        }
        labels
    }

    /// What [`push_lock`](Self::push_lock) has found.
    pub(super) fn found(rows: &[PgRow]) -> Result<Self, sqlx::Error> {
        let mut labels = Self::default();
        for row in rows {
            let kind: &str = row.try_get("kind")?;
            let kind = LabelKind::from_name(kind).ok_or_else(|| out_of_range(kind))?;
            labels.insert(kind, LabelId(row.try_get("id")?));
        }
        Ok(labels)
    }

    #[must_use]
    pub(super) fn and(mut self, others: &Self) -> Self {
        self.tags.extend(&others.tags);
        self.categories.extend(&others.categories);
        self
    }

    pub(super) fn are_among(&self, others: &Self) -> bool {
        self.tags.is_subset(&others.tags) && self.categories.is_subset(&others.categories)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.categories.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.tags.len() + self.categories.len()
    }

    fn insert(&mut self, kind: LabelKind, id: LabelId) {
        match kind {
            LabelKind::Tag => self.tags.insert(id.0),
            LabelKind::Category => self.categories.insert(id.0),
        };
    }

    fn add(&mut self, task: &Task) {
        self.tags.extend(task.tags.iter().map(|id| id.0));
        self.categories.extend(task.category_id.map(|id| id.0));
    }

    /// Pushes a selection of those that the user has, and locks them. Always in the order of ids, and all of
    /// a commit in one statement, so that two commits cannot wait for each other in a circle.
    ///
    /// `FOR KEY SHARE` says that they are named: others can name them too, but not delete them. `FOR UPDATE`
    /// says that some are to be changed or deleted. Whichever comes second waits for the first to end, and
    /// then finds either the label gone or, in a statement of its own and so in a fresh snapshot, the task
    /// that has it.
    pub(super) fn push_lock(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        user_id: UserId,
        strength: &'static str,
    ) {
        sql.push("SELECT kind, id FROM labels WHERE user_id = ")
            .push_bind(user_id.0);
        sql.push(" AND (kind = 'tag' AND id = ANY (")
            .push_bind(self.ids(LabelKind::Tag));
        sql.push(") OR kind = 'category' AND id = ANY (");
        sql.push_bind(self.ids(LabelKind::Category));
        sql.push(")) ORDER BY id ").push(strength);
    }

    /// Whether any of the user's tasks has one of them.
    pub(super) fn in_use(&self, user_id: UserId) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("SELECT EXISTS (SELECT FROM tasks WHERE user_id = ");
        sql.push_bind(user_id.0)
            .push(" AND tags && ")
            .push_bind(self.ids(LabelKind::Tag));
        sql.push(" AND tags <> '{}') OR EXISTS (SELECT FROM tasks WHERE user_id = ");
        sql.push_bind(user_id.0).push(" AND category_id = ANY (");
        sql.push_bind(self.ids(LabelKind::Category)).push("))");
        sql
    }

    fn ids(&self, kind: LabelKind) -> Vec<Uuid> {
        let ids = match kind {
            LabelKind::Tag => &self.tags,
            LabelKind::Category => &self.categories,
        };
        ids.iter().copied().collect()
    }
}
