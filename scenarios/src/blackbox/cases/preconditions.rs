//! `If-Match`: a change that depends on the version which the client has seen (T1).

use serde_json::json;

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "the version that was seen lets a change through", [T1], [TaskCreated TaskUpdated],
            passes, "\"1\""
        ),
        case!(
            "one of several versions lets a change through", [T1], [TaskCreated TaskUpdated],
            passes, "\"7\", \"1\""
        ),
        case!("any version lets a change through", [T1], [TaskCreated TaskUpdated], passes, "*"),
        case!("another version stops a change", [T1 T13], [TaskCreated], stops, "\"2\""),
        case!("a weak tag stops a change", [T1 T13], [TaskCreated], stops, "W/\"1\""),
        case!("a tag of somebody else stops a change", [T1 T13], [TaskCreated], stops, "\"abc\""),
        case!(
            "a stale version stops a deletion", [T1 T13], [TaskCreated TaskUpdated], stale_deletion
        ),
        case!(
            "a stale version stops a completion", [T1 T13], [TaskCreated TaskUpdated],
            stale_completion
        ),
        case!(
            "of two writers the second learns of the first", [T1 T13], [TaskCreated TaskUpdated],
            two_writers
        ),
    ]
}

async fn task(stage: &Stage) -> Checked<(Answer, String)> {
    let created = stage.me.create(&json!({"title": "a"})).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    Ok((created, path))
}

async fn passes(stage: Stage, tags: &str) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let change = stage
        .me
        .patch(path, &json!({"title": "b"}))
        .header("if-match", tags);
    change
        .send()
        .await?
        .status(200)?
        .header("etag", "\"2\"")?
        .field("/title", "b")?;
    Ok(())
}

async fn stops(stage: Stage, tags: &str) -> Checked<()> {
    let (created, path) = task(&stage).await?;
    let change = stage
        .me
        .patch(&path, &json!({"title": "b"}))
        .header("if-match", tags);
    change.send().await?.problem(412, "precondition-failed")?;
    stage.me.get(path).send().await?.is(&created.body)?;
    Ok(())
}

/// A task at version 2, and the path to it.
async fn moved_on(stage: &Stage) -> Checked<String> {
    let (_, path) = task(stage).await?;
    let change = stage.me.patch(&path, &json!({"title": "b"}));
    change.send().await?.status(200)?.header("etag", "\"2\"")?;
    Ok(path)
}

async fn stale_deletion(stage: Stage) -> Checked<()> {
    let path = moved_on(&stage).await?;
    let deletion = stage.me.delete(&path).header("if-match", "\"1\"");
    deletion.send().await?.problem(412, "precondition-failed")?;
    stage.me.get(path).send().await?.status(200)?;
    Ok(())
}

async fn stale_completion(stage: Stage) -> Checked<()> {
    let path = moved_on(&stage).await?;
    let body = json!({"completed": true});
    let completion = stage
        .me
        .patch(format!("{path}/complete"), &body)
        .header("if-match", "\"1\"");
    completion
        .send()
        .await?
        .problem(412, "precondition-failed")?;
    stage
        .me
        .get(path)
        .send()
        .await?
        .field("/status", "pending")?;
    Ok(())
}

async fn two_writers(stage: Stage) -> Checked<()> {
    let (_, path) = task(&stage).await?;
    let write = |title: &str| {
        let body = json!({ "title": title });
        stage.me.patch(&path, &body).header("if-match", "\"1\"")
    };
    write("first").send().await?.status(200)?;
    write("second")
        .send()
        .await?
        .problem(412, "precondition-failed")?;
    stage.me.get(&path).send().await?.field("/title", "first")?;
    Ok(())
}
