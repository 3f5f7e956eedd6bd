//! Changes that lose a race: decided anew, and told when that does not help.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use gauntlet_contract::{Task, TaskId, UserId};
use gauntlet_domain::{Command, Edit};
use gauntlet_ports::testsuite::storage::{MemoryStore, sample};
use gauntlet_ports::{PortError, TaskChange, TaskOutcome, TaskQuery, TaskStore};
use gauntlet_services::tasks::{Precondition, Request, TaskCommands, TaskError};
use tokio::sync::Notify;

use crate::support::topic;

/// A store in which somebody else is a moment faster, so many times.
struct Contended {
    store: MemoryStore,
    races: AtomicUsize,
}

#[async_trait]
impl TaskStore for Contended {
    async fn find(&self, user_id: UserId, id: TaskId) -> Result<Option<Task>, PortError> {
        self.store.find(user_id, id).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<Vec<Task>, PortError> {
        self.store.list(query).await
    }

    async fn commit(&self, change: &TaskChange) -> Result<(), PortError> {
        let less = |races: usize| races.checked_sub(1);
        let is_late = self
            .races
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less)
            .is_ok();
        if let (true, TaskOutcome::Put(task)) = (is_late, &change.outcome) {
            let current = self.find(task.user_id, task.id).await?.unwrap();
            let faster = sample::renamed(&current, "faster");
            self.store
                .commit(&sample::update(&current, &faster))
                .await?;
        }
        self.store.commit(change).await
    }
}

async fn rename_against(races: usize) -> (Result<Option<Task>, TaskError>, MemoryStore) {
    let store = MemoryStore::new(topic());
    let task = sample::task(UserId::generate(), "contended");
    store.commit(&sample::creation(&task)).await.unwrap();
    let contended = Contended {
        store: store.clone(),
        races: AtomicUsize::new(races),
    };
    let commands = TaskCommands::new(Arc::new(contended), Arc::new(Notify::new()));
    let request = Request {
        user_id: task.user_id,
        task_id: task.id,
        command: Command::Update(Edit {
            title: Some("at last".to_owned()),
            ..Edit::default()
        }),
        precondition: Precondition::None,
        traceparent: None,
    };
    (commands.execute(&request).await, store)
}

#[tokio::test]
async fn a_change_that_was_overtaken_is_decided_anew_on_what_is_there_now() {
    let (answer, store) = rename_against(3).await;
    let task = answer.unwrap().unwrap();
    assert_eq!((task.title.as_str(), task.version), ("at last", 5));
    let versions: Vec<_> = store.events().iter().map(|e| e.data.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_change_that_loses_every_race_says_so_and_is_not_made() {
    let (answer, store) = rename_against(usize::MAX).await;
    assert!(matches!(answer, Err(TaskError::Contended)), "{answer:?}");
    let events = store.events();
    let last = events.last().unwrap().data.new.as_ref().unwrap();
    assert_eq!(last.title, "faster");
}
