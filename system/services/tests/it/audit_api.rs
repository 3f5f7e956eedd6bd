use gauntlet_contract::UserId;
use gauntlet_contract::task::{AuditEntry, Page};
use gauntlet_ports::AuditLog as _;
use gauntlet_ports::testsuite::storage::sample;

use crate::support::Api;

async fn trail(api: &Api, query: &str) -> Page<AuditEntry> {
    api.get(&format!("/api/audit?{query}"))
        .send("")
        .await
        .json()
}

#[tokio::test]
async fn a_user_sees_the_own_trail_and_no_other() {
    let api = Api::new();
    let mine = sample::task(api.user_id, "mine");
    let theirs = sample::task(UserId::generate(), "theirs");
    let events = [
        sample::event(None, Some(&mine)),
        sample::event(None, Some(&theirs)),
        sample::event(Some(&mine), None),
    ];
    api.audit.record(&events).await;

    let page = trail(&api, "").await;
    let actions: Vec<_> = page.items.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["created", "deleted"]);
    assert!(page.items.iter().all(|line| line.user_id == api.user_id));
    let by_task = trail(&api, &format!("task_id={}", theirs.id)).await;
    assert_eq!(by_task.items, []);
    let by_user = trail(&api, &format!("user={}", theirs.user_id)).await;
    assert_eq!(by_user.items, []);
    let own = trail(&api, &format!("user={}&action=deleted", api.user_id)).await;
    assert_eq!(own.items, page.items[1..]);
}

#[tokio::test]
async fn pages_run_oldest_first() {
    let api = Api::new();
    let tasks: Vec<_> = (0..5)
        .map(|n| sample::task(api.user_id, &format!("{n}")))
        .collect();
    let events: Vec<_> = tasks
        .iter()
        .map(|task| sample::event(None, Some(task)))
        .collect();
    api.audit.record(&events).await;
    let first = trail(&api, "limit=3").await;
    let cursor = first.next_cursor.expect("there is more");
    let second = trail(&api, &format!("limit=3&cursor={cursor}")).await;
    assert_eq!(second.next_cursor, None);
    let seen: Vec<_> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|line| line.event_id)
        .collect();
    let recorded: Vec<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(seen, recorded);
}
