use std::time::Duration;

use axum::http::StatusCode;
use gauntlet_contract::task::Page;
use gauntlet_contract::{AuditEntry, LabelKind, UserId};
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{AuditLog as _, OutboxQueue as _};

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
async fn every_filter_narrows_the_trail() {
    let api = Api::new();
    let task = sample::task(api.user_id, "task");
    let renamed = sample::renamed(&task, "renamed");
    let tag = sample::label(api.user_id, LabelKind::Tag, "tag");
    let category = sample::label(api.user_id, LabelKind::Category, "category");
    let mut events = [
        sample::event(None, Some(&task)),
        sample::event(Some(&task), Some(&renamed)),
        sample::label_event(None, Some(&tag)),
        sample::label_event(None, Some(&category)),
    ];
    for (event, time) in events.iter_mut().zip(["00", "01", "02", "03"]) {
        event.time = format!("2026-01-01T00:{time}:00Z").parse().unwrap();
    }
    api.audit.record(&events).await;
    for (query, expected) in [
        (String::new(), &[0, 1, 2, 3][..]),
        (format!("task_id={}", task.id), &[0, 1]),
        (format!("entity_id={}", task.id), &[0, 1]),
        (
            format!("entity=task&entity_id={0}&task_id={0}", task.id),
            &[0, 1],
        ),
        // A task's id alone is not enough for a tag.
        (format!("task_id={}", tag.id), &[]),
        (format!("entity_id={}", tag.id), &[2]),
        (format!("entity=task&entity_id={}", tag.id), &[]),
        ("entity=task".to_owned(), &[0, 1]),
        ("entity=tag".to_owned(), &[2]),
        ("entity=category".to_owned(), &[3]),
        ("entity=series".to_owned(), &[]),
        ("action=updated".to_owned(), &[1]),
        ("action=advanced".to_owned(), &[]),
        ("from=2026-01-01T00:01:00Z".to_owned(), &[1, 2, 3]),
        ("to=2026-01-01T00:01:00Z".to_owned(), &[0]),
        (
            "from=2026-01-01T00:01:00Z&to=2026-01-01T00:03:00Z&order=desc".to_owned(),
            &[2, 1],
        ),
    ] {
        let found: Vec<_> = trail(&api, &query)
            .await
            .items
            .iter()
            .map(|line| line.event_id)
            .collect();
        let expected: Vec<_> = expected.iter().map(|place| events[*place].id).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_refused_by_its_name() {
    let api = Api::new();
    let id = UserId::generate();
    for (query, field) in [
        ("entity=reminder".to_owned(), "entity"),
        ("action=erased".to_owned(), "action"),
        ("order=random".to_owned(), "order"),
        ("from=yesterday".to_owned(), "from"),
        (format!("task_id={id}&entity=tag"), "entity"),
        (
            format!("task_id={id}&entity_id={}", UserId::generate()),
            "entity_id",
        ),
        ("cursor=x".to_owned(), "cursor"),
    ] {
        let answer = api.get(&format!("/api/audit?{query}")).send("").await;
        assert_eq!(
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY),
            [field],
            "{query}"
        );
    }
}

#[tokio::test]
async fn pages_run_in_either_order_and_a_cursor_keeps_to_its_own() {
    let api = Api::new();
    let tasks: Vec<_> = (0..5)
        .map(|n| sample::task(api.user_id, &format!("{n}")))
        .collect();
    let events: Vec<_> = tasks
        .iter()
        .map(|task| sample::event(None, Some(task)))
        .collect();
    api.audit.record(&events).await;
    let mut expected: Vec<_> = events.iter().map(|event| event.id).collect();
    for (order, other) in [("asc", "desc"), ("desc", "asc")] {
        let first = trail(&api, &format!("limit=3&order={order}")).await;
        let cursor = first.next_cursor.expect("there is more");
        let second = trail(&api, &format!("limit=3&order={order}&cursor={cursor}")).await;
        assert_eq!(second.next_cursor, None);
        let seen: Vec<_> = first
            .items
            .iter()
            .chain(&second.items)
            .map(|line| line.event_id)
            .collect();
        assert_eq!(seen, expected);
        expected.reverse();
        let path = format!("/api/audit?order={other}&cursor={cursor}");
        let refused = api.get(&path).send("").await;
        assert_eq!(
            refused.refused(StatusCode::UNPROCESSABLE_ENTITY),
            ["cursor"]
        );
    }
    let unordered = trail(&api, "limit=3").await;
    let ascending = trail(&api, "limit=3&order=asc").await;
    assert_eq!(unordered, ascending);
}

/// What a compliance export keeps can be held against the trail.
#[tokio::test]
async fn what_is_published_of_a_line_is_what_a_client_is_answered() {
    let api = Api::new();
    let task = sample::task(api.user_id, "Grüße, \"quoted\" 🦀");
    let event = sample::event(None, Some(&task));
    api.audit.record(&[event]).await;
    let outbox = api.audit.outbox();
    outbox.renew(Duration::from_mins(1)).await.unwrap();
    let entries = outbox.unsent(10, &[]).await.unwrap();
    let published = serde_json::to_string(&entries[0].envelope.data).unwrap();
    let answer = api.get("/api/audit").send("").await;
    let expected = format!("{{\"items\":[{published}],\"next_cursor\":null}}");
    assert_eq!(answer.text(), expected);
}
