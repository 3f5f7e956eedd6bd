//! The five sort keys, in both directions (T7).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    [by_key(), others()].concat()
}

/// A sort key and a direction, and the order that they give.
macro_rules! sorted {
    ($name:literal, $key:literal, $order:literal, $expected:expr) => {
        case!($name, [T7 T2 T4], [TaskCreated TaskUpdated], sorted, $key, $order, $expected)
    };
}

fn by_key() -> Vec<Case> {
    vec![
        sorted!(
            "by due date, soonest first",
            "due_date",
            "asc",
            &["Cherry", "apple", "banana", "Date"]
        ),
        sorted!(
            "by due date, latest first, never last",
            "due_date",
            "desc",
            &["banana", "apple", "Cherry", "Date"]
        ),
        sorted!(
            "by priority, least first",
            "priority",
            "asc",
            &["banana", "Date", "Cherry", "apple"]
        ),
        sorted!(
            "by priority, most first",
            "priority",
            "desc",
            &["apple", "Cherry", "Date", "banana"]
        ),
        sorted!(
            "by creation, oldest first",
            "created_at",
            "asc",
            &["banana", "apple", "Date", "Cherry"]
        ),
        sorted!(
            "by creation, newest first",
            "created_at",
            "desc",
            &["Cherry", "Date", "apple", "banana"]
        ),
        sorted!(
            "by change, longest ago first",
            "updated_at",
            "asc",
            &["banana", "Date", "Cherry", "apple"]
        ),
        sorted!(
            "by change, latest first",
            "updated_at",
            "desc",
            &["apple", "Cherry", "Date", "banana"]
        ),
        sorted!(
            "by title, without regard to case",
            "title",
            "asc",
            &["apple", "banana", "Cherry", "Date"]
        ),
        sorted!(
            "by title, backwards",
            "title",
            "desc",
            &["Date", "Cherry", "banana", "apple"]
        ),
    ]
}

fn others() -> Vec<Case> {
    vec![
        case!(
            "unsorted is newest first", [T7], [TaskCreated TaskUpdated], unordered, None,
            &["Cherry", "Date", "apple", "banana"]
        ),
        case!(
            "by due date alone is soonest first", [T7 T4], [TaskCreated TaskUpdated], unordered,
            Some("due_date"), &["Cherry", "apple", "banana", "Date"]
        ),
        case!(
            "by priority alone is most first", [T7 T2], [TaskCreated TaskUpdated], unordered,
            Some("priority"), &["apple", "Cherry", "Date", "banana"]
        ),
        case!(
            "by title alone is from A to Z", [T7], [TaskCreated TaskUpdated], unordered,
            Some("title"), &["apple", "banana", "Cherry", "Date"]
        ),
        case!(
            "equals are in the order of their creation", [T7 T2], [TaskCreated], equals, "asc",
            &["first", "second", "third"]
        ),
        case!(
            "equals are in the order of their creation, backwards", [T7 T2], [TaskCreated], equals,
            "desc", &["third", "second", "first"]
        ),
        case!("a sort key that is none is refused", [T7 T13], [], refused, "sort", "colour"),
        case!("a direction that is none is refused", [T7 T13], [], refused, "order", "sideways"),
        case!("relevance without a text is refused", [T7 T13], [], refused, "sort", "relevance"),
    ]
}

/// Four tasks that every key puts into another order. The second one is changed last.
async fn four(stage: &Stage) -> Checked<()> {
    let mut ids = Vec::new();
    for (title, priority, due) in [
        ("banana", "low", Some("2033-01-01T00:00:00Z")),
        ("apple", "high", Some("2032-01-01T00:00:00Z")),
        ("Date", "medium", None),
        ("Cherry", "high", Some("2031-01-01T00:00:00Z")),
    ] {
        let body = json!({"title": title, "priority": priority, "due_date": due});
        ids.push(stage.me.create(&body).await?.id()?);
    }
    let raised = stage.me.patch(
        format!("/api/tasks/{}", ids[1]),
        &json!({"priority": "urgent"}),
    );
    raised.send().await?.status(200)?;
    Ok(())
}

async fn sorted(stage: Stage, key: &str, order: &str, expected: &[&str]) -> Checked<()> {
    four(&stage).await?;
    stage
        .me
        .tasks(&[("sort", key), ("order", order)])
        .await?
        .titles(expected)?;
    Ok(())
}

async fn unordered(stage: Stage, key: Option<&str>, expected: &[&str]) -> Checked<()> {
    four(&stage).await?;
    let query: Vec<(&str, &str)> = key.into_iter().map(|key| ("sort", key)).collect();
    stage.me.tasks(&query).await?.titles(expected)?;
    Ok(())
}

/// Ids are drawn in the order of creation.
async fn equals(stage: Stage, order: &str, expected: &[&str]) -> Checked<()> {
    for title in ["first", "second", "third"] {
        stage.me.task(title).await?;
    }
    stage
        .me
        .tasks(&[("sort", "priority"), ("order", order)])
        .await?
        .titles(expected)?;
    Ok(())
}

async fn refused(stage: Stage, field: &str, value: &str) -> Checked<()> {
    let list = stage.me.get("/api/tasks").query(field, value);
    list.send().await?.refuses(&[field])?;
    Ok(())
}
