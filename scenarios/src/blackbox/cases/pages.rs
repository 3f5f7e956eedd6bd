//! Keyset pages (T7).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "pages by title follow without a gap",
            [T7],
            [TaskCreated],
            follow,
            &[("sort", "title")],
            &["a", "b", "c", "d", "e"]
        ),
        case!(
            "pages by creation follow without a gap",
            [T7],
            [TaskCreated],
            follow,
            &[],
            &["d", "a", "e", "b", "c"]
        ),
        case!(
            "pages of equals follow without a gap", [T7 T2], [TaskCreated], follow,
            &[("sort", "priority"), ("order", "asc")], &["c", "b", "e", "a", "d"]
        ),
        case!(
            "pages by due date go over to what is never due", [T7 T4], [TaskCreated], over_to_never
        ),
        case!(
            "a page that ends with the last task is the last",
            [T7],
            [TaskCreated],
            ends_exactly
        ),
        case!(
            "what is created meanwhile shifts no page",
            [T7],
            [TaskCreated],
            created_meanwhile
        ),
        case!(
            "what is deleted meanwhile shifts no page", [T7], [TaskCreated TaskDeleted],
            deleted_meanwhile
        ),
        case!("pages of a filter keep to it", [T7 T2], [TaskCreated], filtered),
        case!(
            "a cursor of another order is refused", [T7 T13], [TaskCreated], other_question,
            &[("sort", "priority")]
        ),
        case!(
            "a cursor of another direction is refused", [T7 T13], [TaskCreated], other_question,
            &[("sort", "title"), ("order", "desc")]
        ),
        case!(
            "a cursor of another filter is refused", [T7 T13], [TaskCreated], other_question,
            &[("sort", "title"), ("status", "pending")]
        ),
        case!("a cursor that is none is refused", [T7 T13], [], refused, "cursor", "nonsense"),
        case!("a page of nothing is refused", [T7 T13], [], refused, "limit", "0"),
        case!("a page of more than 100 is refused", [T7 T13], [], refused, "limit", "101"),
        case!("a page of some is refused", [T7 T13], [], refused, "limit", "some"),
    ]
}

/// Five tasks, in this order.
async fn five(stage: &Stage) -> Checked<Vec<String>> {
    let mut ids = Vec::new();
    for title in ["c", "b", "e", "a", "d"] {
        ids.push(stage.me.task(title).await?);
    }
    Ok(ids)
}

async fn follow(stage: Stage, query: &[(&str, &str)], expected: &[&str]) -> Checked<()> {
    five(&stage).await?;
    let page = async |cursor: Option<String>| {
        let cursor = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let fields: Vec<(&str, &str)> = query
            .iter()
            .copied()
            .chain([("limit", "2")])
            .chain(cursor)
            .collect();
        stage.me.tasks(&fields).await
    };
    let first = page(None).await?.titles(&expected[..2])?;
    let second = page(Some(first.text("/next_cursor")?))
        .await?
        .titles(&expected[2..4])?;
    let third = page(Some(second.text("/next_cursor")?))
        .await?
        .titles(&expected[4..])?;
    third.field("/next_cursor", json!(null))?;
    Ok(())
}

async fn over_to_never(stage: Stage) -> Checked<()> {
    for (title, due) in [
        ("never", None),
        ("later", Some("2032-01-01T00:00:00Z")),
        ("never too", None),
        ("soon", Some("2031-01-01T00:00:00Z")),
    ] {
        stage
            .me
            .create(&json!({"title": title, "due_date": due}))
            .await?;
    }
    let mut cursor = None;
    for expected in [&["soon", "later", "never"][..], &["never too"]] {
        let mut call = stage
            .me
            .get("/api/tasks")
            .query("sort", "due_date")
            .query("limit", "3");
        if let Some(cursor) = cursor {
            call = call.query("cursor", cursor);
        }
        let page = call.send().await?.status(200)?.titles(expected)?;
        cursor = page.text("/next_cursor").ok();
    }
    Ok(())
}

async fn ends_exactly(stage: Stage) -> Checked<()> {
    five(&stage).await?;
    let page = stage.me.tasks(&[("limit", "5")]).await?.count(5)?;
    page.field("/next_cursor", json!(null))?;
    Ok(())
}

/// The page behind `b`, after something came in between.
async fn next_page(stage: &Stage, cursor: &str, expected: &[&str]) -> Checked<()> {
    let next = [("sort", "title"), ("limit", "2"), ("cursor", cursor)];
    stage.me.tasks(&next).await?.titles(expected)?;
    Ok(())
}

async fn first_page(stage: &Stage) -> Checked<String> {
    let first = stage.me.tasks(&[("sort", "title"), ("limit", "2")]).await?;
    first.titles(&["a", "b"])?.text("/next_cursor")
}

async fn created_meanwhile(stage: Stage) -> Checked<()> {
    five(&stage).await?;
    let cursor = first_page(&stage).await?;
    stage.me.task("aa").await?;
    stage.me.task("cc").await?;
    next_page(&stage, &cursor, &["c", "cc"]).await
}

async fn deleted_meanwhile(stage: Stage) -> Checked<()> {
    let ids = five(&stage).await?;
    let cursor = first_page(&stage).await?;
    // `b`, behind which the next page begins, and `c`, which would be its first.
    for id in [&ids[1], &ids[0]] {
        stage
            .me
            .delete(format!("/api/tasks/{id}"))
            .send()
            .await?
            .status(204)?;
    }
    next_page(&stage, &cursor, &["d", "e"]).await
}

async fn filtered(stage: Stage) -> Checked<()> {
    for (title, priority) in [("a", "high"), ("b", "low"), ("c", "high"), ("d", "high")] {
        stage
            .me
            .create(&json!({"title": title, "priority": priority}))
            .await?;
    }
    let query = [("sort", "title"), ("priority", "high"), ("limit", "2")];
    let first = stage.me.tasks(&query).await?.titles(&["a", "c"])?;
    let cursor = first.text("/next_cursor")?;
    let next = [query[0], query[1], query[2], ("cursor", cursor.as_str())];
    stage.me.tasks(&next).await?.titles(&["d"])?;
    Ok(())
}

async fn other_question(stage: Stage, query: &[(&str, &str)]) -> Checked<()> {
    five(&stage).await?;
    let cursor = first_page(&stage).await?;
    let call = query
        .iter()
        .fold(stage.me.get("/api/tasks"), |call, (name, value)| {
            call.query(name, *value)
        });
    call.query("cursor", cursor)
        .send()
        .await?
        .refuses(&["cursor"])?;
    Ok(())
}

async fn refused(stage: Stage, field: &str, value: &str) -> Checked<()> {
    let list = stage.me.get("/api/tasks").query(field, value);
    list.send().await?.refuses(&[field])?;
    Ok(())
}
