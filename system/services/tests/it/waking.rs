//! The relay is woken by what may have something to publish, and by nothing else.

use std::sync::Arc;

use futures::FutureExt as _;
use gauntlet_contract::{Task, TaskId, UserId};
use gauntlet_domain::{Command, NewTask};
use gauntlet_ports::StoredAnswer;
use gauntlet_ports::testsuite::storage::{MemoryStore, Planted};
use gauntlet_services::commands::{CommandError, Commands, Precondition, Request};
use tokio::sync::Notify;

#[expect(clippy::unnecessary_wraps, reason = "a Render can fail")]
fn nothing(_: Option<&Task>) -> Result<StoredAnswer, serde_json::Error> {
    Ok(StoredAnswer {
        status: 204,
        headers: Vec::new(),
        body: String::new(),
    })
}

/// Creates a task with the title; tells how that ended, and whether the relay was woken.
async fn create(store: &MemoryStore, title: &str) -> (Result<(), CommandError>, bool) {
    let wake_relay = Arc::new(Notify::new());
    let commands = Commands::new(Arc::new(store.clone()), Arc::clone(&wake_relay));
    let request = Request {
        user_id: UserId::generate(),
        precondition: Precondition::None,
        key: None,
        traceparent: None,
    };
    let command = Command::Create(NewTask {
        title: title.to_owned(),
        ..NewTask::default()
    });
    let done = commands
        .change_task(&request, TaskId::generate(), command, nothing)
        .await;
    let is_woken = wake_relay.notified().now_or_never().is_some();
    (done.map(drop), is_woken)
}

#[tokio::test]
async fn a_commit_wakes_it_also_when_nobody_knows_how_it_ended() {
    let store = MemoryStore::new("");
    assert!(matches!(create(&store, "a").await, (Ok(()), true)));
    store.plant(Some(Planted::AnswerLost));
    let lost = create(&store, "b").await;
    assert!(
        matches!(lost, (Err(CommandError::Commit(_)), true)),
        "{lost:?}"
    );
    assert_eq!(store.events().len(), 2);
}

#[tokio::test]
async fn a_refusal_does_not() {
    let store = MemoryStore::new("");
    let refused = create(&store, "").await;
    let is_as_expected = matches!(refused, (Err(CommandError::Rejected(_)), false));
    assert!(is_as_expected, "{refused:?}");
}
