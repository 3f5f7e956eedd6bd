//! Tasks are changed, completed, reopened and deleted (T1).

use reqwest::Method;
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("a task is renamed and keeps the rest", [T1 E1], [TaskCreated TaskUpdated], renamed),
        case!(
            "a description is cleared by null", [T1], [TaskCreated TaskUpdated],
            description_cleared
        ),
        case!("a task is begun", [T1], [TaskCreated TaskUpdated], begun),
        case!("several fields change at once", [T1], [TaskCreated TaskUpdated], several_fields),
        case!(
            "a change to what is there changes nothing",
            [T1],
            [TaskCreated],
            unchanged,
            json!({"title": "a"})
        ),
        case!(
            "a change of nothing changes nothing",
            [T1],
            [TaskCreated],
            unchanged,
            json!({})
        ),
        case!("a task is completed", [T1 E1], [TaskCreated TaskCompleted], completed),
        case!(
            "a task is completed without a body", [T1], [TaskCreated TaskCompleted],
            completed_without_body
        ),
        case!(
            "completing twice completes once", [T1], [TaskCreated TaskCompleted], completed_twice
        ),
        case!("completion is undone", [T1 E1], [TaskCreated TaskCompleted TaskReopened], undone),
        case!(
            "undoing twice undoes once", [T1], [TaskCreated TaskCompleted TaskReopened],
            undone_twice
        ),
        case!(
            "undoing what was never done changes nothing",
            [T1],
            [TaskCreated],
            undone_never_done
        ),
        case!(
            "a status of completed completes", [T1], [TaskCreated TaskCompleted],
            completed_by_status
        ),
        case!(
            "a status of in progress reopens", [T1], [TaskCreated TaskCompleted TaskReopened],
            reopened_by_status
        ),
        case!(
            "a completed task can be renamed and stays so", [T1],
            [TaskCreated TaskCompleted TaskUpdated], renamed_when_completed
        ),
        case!("a deleted task is gone", [T1 E1], [TaskCreated TaskDeleted], deleted),
        case!(
            "a deleted task is in no list", [T1 T7], [TaskCreated TaskDeleted], deleted_from_lists
        ),
        case!(
            "a deleted task cannot be changed", [T1 T13], [TaskCreated TaskDeleted],
            deleted_and_changed
        ),
    ]
}

/// A task, and the path to it.
async fn task(stage: &Stage) -> Checked<(Answer, String)> {
    let created = stage
        .me
        .create(&json!({"title": "a", "description": "b"}))
        .await?;
    let path = format!("/api/tasks/{}", created.id()?);
    Ok((created, path))
}

async fn patched(stage: &Stage, path: &str, body: Value) -> Checked<Answer> {
    stage.me.patch(path, &body).send().await?.status(200)
}

async fn renamed(stage: Stage) -> Checked<()> {
    let (created, path) = task(&stage).await?;
    let renamed = patched(&stage, &path, json!({"title": " c "})).await?;
    let renamed = renamed
        .header("etag", "\"2\"")?
        .field("/id", created.id()?)?
        .field("/title", "c")?
        .field("/description", "b")?
        .field("/status", "pending")?
        .field("/version", 2)?
        .field("/created_at", created.body["created_at"].clone())?;
    stage
        .me
        .get(path)
        .send()
        .await?
        .status(200)?
        .is(&renamed.body)?;
    Ok(())
}

async fn description_cleared(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let cleared = patched(&stage, &path, json!({"description": null})).await?;
    cleared
        .field("/description", json!(null))?
        .field("/title", "a")?;
    Ok(())
}

async fn begun(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let begun = patched(&stage, &path, json!({"status": "in_progress"})).await?;
    begun
        .field("/status", "in_progress")?
        .field("/completed_at", json!(null))?;
    Ok(())
}

async fn several_fields(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let body =
        json!({"title": "c", "description": "d", "status": "in_progress", "priority": "low"});
    patched(&stage, &path, body)
        .await?
        .field("/title", "c")?
        .field("/description", "d")?
        .field("/status", "in_progress")?
        .field("/priority", "low")?
        .field("/version", 2)?;
    Ok(())
}

async fn unchanged(stage: Stage, body: Value) -> Checked<()> {
    let (created, path) = task(&stage).await?;
    patched(&stage, &path, body)
        .await?
        .header("etag", "\"1\"")?
        .is(&created.body)?;
    Ok(())
}

async fn completed(stage: Stage) -> Checked<()> {
    let (created, _) = task(&stage).await?;
    let completed = stage.me.complete(&created.id()?, true).await?;
    completed
        .header("etag", "\"2\"")?
        .field("/status", "completed")?
        .field("/version", 2)?
        .equal("/completed_at", "/updated_at")?;
    Ok(())
}

async fn completed_without_body(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let call = stage.me.call(Method::PATCH, format!("{path}/complete"));
    let completed = call.send().await?.status(200)?;
    completed
        .field("/status", "completed")?
        .given("/completed_at")?;
    Ok(())
}

async fn completed_twice(stage: Stage) -> Checked<()> {
    let (created, _) = task(&stage).await?;
    let once = stage.me.complete(&created.id()?, true).await?;
    let twice = stage.me.complete(&created.id()?, true).await?;
    twice.header("etag", "\"2\"")?.is(&once.body)?;
    Ok(())
}

async fn undone(stage: Stage) -> Checked<()> {
    let (created, _) = task(&stage).await?;
    stage.me.complete(&created.id()?, true).await?;
    let undone = stage.me.complete(&created.id()?, false).await?;
    undone
        .field("/status", "pending")?
        .field("/completed_at", json!(null))?
        .field("/version", 3)?;
    Ok(())
}

async fn undone_twice(stage: Stage) -> Checked<()> {
    let (created, _) = task(&stage).await?;
    stage.me.complete(&created.id()?, true).await?;
    let once = stage.me.complete(&created.id()?, false).await?;
    let twice = stage.me.complete(&created.id()?, false).await?;
    twice.is(&once.body)?;
    Ok(())
}

async fn undone_never_done(stage: Stage) -> Checked<()> {
    let (created, _) = task(&stage).await?;
    let undone = stage.me.complete(&created.id()?, false).await?;
    undone.is(&created.body)?;
    Ok(())
}

async fn completed_by_status(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let completed = patched(&stage, &path, json!({"status": "completed"})).await?;
    completed
        .field("/status", "completed")?
        .equal("/completed_at", "/updated_at")?;
    Ok(())
}

async fn reopened_by_status(stage: Stage) -> Checked<()> {
    let (created, path) = task(&stage).await?;
    stage.me.complete(&created.id()?, true).await?;
    let reopened = patched(&stage, &path, json!({"status": "in_progress"})).await?;
    reopened
        .field("/status", "in_progress")?
        .field("/completed_at", json!(null))?;
    Ok(())
}

async fn renamed_when_completed(stage: Stage) -> Checked<()> {
    let (created, path) = task(&stage).await?;
    let completed = stage.me.complete(&created.id()?, true).await?;
    let renamed = patched(&stage, &path, json!({"title": "c"})).await?;
    renamed
        .field("/status", "completed")?
        .field("/completed_at", completed.body["completed_at"].clone())?;
    Ok(())
}

async fn deleted(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    stage.me.delete(&path).send().await?.status(204)?.empty()?;
    stage
        .me
        .get(&path)
        .send()
        .await?
        .problem(404, "not-found")?;
    stage
        .me
        .delete(&path)
        .send()
        .await?
        .problem(404, "not-found")?;
    Ok(())
}

async fn deleted_from_lists(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    stage.me.task("kept").await?;
    stage.me.delete(&path).send().await?.status(204)?;
    stage.me.tasks(&[]).await?.titles(&["kept"])?;
    Ok(())
}

async fn deleted_and_changed(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    stage.me.delete(&path).send().await?.status(204)?;
    let changed = stage.me.patch(&path, &json!({"title": "c"})).send().await?;
    changed.problem(404, "not-found")?;
    let completed = stage
        .me
        .patch(format!("{path}/complete"), &json!({"completed": true}));
    completed.send().await?.problem(404, "not-found")?;
    Ok(())
}
