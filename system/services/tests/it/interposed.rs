//! A memory store where a test has a hand in what happens before a commit, or before a task is looked up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use gauntlet_contract::{Label, LabelId, LabelKind, Series, SeriesId, Task, TaskId, UserId};
use gauntlet_ports::testsuite::storage::MemoryStore;
use gauntlet_ports::{
    AnswerStore, Commit, CommitStore, Committed, KeyedAnswer, LabelQuery, LabelStore, PortError,
    PortErrorKind, SeriesStore, TaskPage, TaskQuery, TaskStore,
};
use jiff::Timestamp;

/// What goes before the call of this number, from 0. An error takes its place.
type Before = Box<
    dyn for<'a> Fn(&'a MemoryStore, usize) -> BoxFuture<'a, Result<(), PortErrorKind>>
        + Send
        + Sync,
>;

pub(crate) struct Interposed {
    store: MemoryStore,
    before_commit: Before,
    commits: AtomicUsize,
    before_find: Before,
    finds: AtomicUsize,
}

impl Interposed {
    pub(crate) fn new(store: MemoryStore, before_commit: Before) -> Self {
        Self {
            store,
            before_commit,
            commits: AtomicUsize::new(0),
            before_find: Box::new(|_, _| Box::pin(std::future::ready(Ok(())))),
            finds: AtomicUsize::new(0),
        }
    }

    #[must_use]
    pub(crate) fn before_find(mut self, before: Before) -> Self {
        self.before_find = before;
        self
    }
}

#[async_trait]
impl CommitStore for Interposed {
    async fn commit(&self, commit: &Commit) -> Result<Committed, PortError> {
        let number = self.commits.fetch_add(1, Ordering::AcqRel);
        (self.before_commit)(&self.store, number)
            .await
            .map_err(|kind| PortError::new(kind, "commit store", "commit changes", "planted"))?;
        self.store.commit(commit).await
    }
}

#[async_trait]
impl TaskStore for Interposed {
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError> {
        let number = self.finds.fetch_add(1, Ordering::AcqRel);
        (self.before_find)(&self.store, number)
            .await
            .map_err(|kind| PortError::new(kind, "task store", "find a task", "planted"))?;
        self.store.find(user_id, id).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage, PortError> {
        self.store.list(query).await
    }
}

#[async_trait]
impl LabelStore for Interposed {
    async fn find_label(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
    ) -> Result<Option<Label>, PortError> {
        self.store.find_label(user_id, kind, id).await
    }

    async fn labels(&self, query: &LabelQuery) -> Result<Vec<Label>, PortError> {
        self.store.labels(query).await
    }

    async fn tasks_with(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
        limit: u32,
    ) -> Result<Vec<Task>, PortError> {
        self.store.tasks_with(user_id, kind, id, limit).await
    }
}

#[async_trait]
impl SeriesStore for Interposed {
    async fn find_series(&self, id: SeriesId) -> Result<Option<Series>, PortError> {
        self.store.find_series(id).await
    }

    async fn instance(&self, id: SeriesId, number: u32) -> Result<Option<Task>, PortError> {
        self.store.instance(id, number).await
    }

    async fn latest_instance(&self, id: SeriesId) -> Result<Option<Task>, PortError> {
        self.store.latest_instance(id).await
    }

    async fn due_series(
        &self,
        now: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Series>, PortError> {
        self.store.due_series(now, after, limit).await
    }
}

#[async_trait]
impl AnswerStore for Interposed {
    async fn answer(&self, user_id: UserId, key: &str) -> Result<Option<KeyedAnswer>, PortError> {
        self.store.answer(user_id, key).await
    }

    async fn purge_answers(&self, older_than: Duration, limit: u32) -> Result<u64, PortError> {
        self.store.purge_answers(older_than, limit).await
    }
}
