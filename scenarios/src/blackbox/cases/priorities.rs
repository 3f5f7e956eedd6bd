//! Priorities (T2).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "a task of low priority",
            [T2],
            [TaskCreated],
            created_with,
            "low"
        ),
        case!(
            "a task of medium priority",
            [T2],
            [TaskCreated],
            created_with,
            "medium"
        ),
        case!(
            "a task of high priority",
            [T2],
            [TaskCreated],
            created_with,
            "high"
        ),
        case!(
            "a task of urgent priority",
            [T2],
            [TaskCreated],
            created_with,
            "urgent"
        ),
        case!("a priority is raised", [T2], [TaskCreated TaskUpdated], raised),
        case!("a priority that is none is refused", [T2 T13], [], refused, json!("critical")),
        case!("a priority by number is refused", [T2 T13], [], refused, json!(1)),
        case!("a list of one priority", [T2 T7], [TaskCreated], listed, "high", &["high"]),
        case!(
            "a list of two priorities", [T2 T7], [TaskCreated], listed, "urgent,low",
            &["urgent", "low"]
        ),
        case!("a list of a priority that is none is refused", [T2 T7 T13], [], list_refused),
    ]
}

async fn created_with(stage: Stage, priority: &str) -> Checked<()> {
    let body = json!({"title": "a", "priority": priority});
    let created = stage.me.create(&body).await?.field("/priority", priority)?;
    let path = format!("/api/tasks/{}", created.id()?);
    stage
        .me
        .get(path)
        .send()
        .await?
        .field("/priority", priority)?;
    Ok(())
}

async fn raised(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("a").await?);
    let raised = stage
        .me
        .patch(&path, &json!({"priority": "urgent"}))
        .send()
        .await?;
    raised
        .status(200)?
        .field("/priority", "urgent")?
        .field("/version", 2)?;
    Ok(())
}

async fn refused(stage: Stage, priority: serde_json::Value) -> Checked<()> {
    let body = json!({"title": "a", "priority": priority});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(&["priority"])?;
    Ok(())
}

async fn listed(stage: Stage, asked: &str, expected: &[&str]) -> Checked<()> {
    for priority in ["low", "medium", "high", "urgent"] {
        let body = json!({"title": priority, "priority": priority});
        stage.me.create(&body).await?;
    }
    stage
        .me
        .tasks(&[("priority", asked)])
        .await?
        .titles_in_any_order(expected)?;
    Ok(())
}

async fn list_refused(stage: Stage) -> Checked<()> {
    let list = stage
        .me
        .get("/api/tasks")
        .query("priority", "high,critical");
    list.send().await?.refuses(&["priority"])?;
    Ok(())
}
