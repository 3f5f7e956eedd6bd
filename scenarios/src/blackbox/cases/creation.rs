//! Tasks are created and read (T1).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    [wholes(), texts()].concat()
}

fn wholes() -> Vec<Case> {
    vec![
        case!("a title alone makes a task", [T1 E1], [TaskCreated], title_alone),
        case!(
            "a creation says where the task is",
            [T1],
            [TaskCreated],
            says_where
        ),
        case!(
            "a created task reads back the same",
            [T1],
            [TaskCreated],
            reads_back
        ),
    ]
}

fn texts() -> Vec<Case> {
    vec![
        case!(
            "a title is trimmed",
            [T1],
            [TaskCreated],
            title,
            "  water the roses \t",
            "water the roses"
        ),
        case!(
            "a title of one character",
            [T1],
            [TaskCreated],
            title,
            "x",
            "x"
        ),
        case!(
            "a title of other scripts",
            [T1],
            [TaskCreated],
            title,
            "買い物 Молоко חלב 🦀",
            "買い物 Молоко חלב 🦀"
        ),
        case!(
            "a title with quotes and markup",
            [T1],
            [TaskCreated],
            title,
            "'; DROP \"x\" <b>&amp;\\",
            "'; DROP \"x\" <b>&amp;\\"
        ),
        case!(
            "a title of 200 characters",
            [T1],
            [TaskCreated],
            longest_title
        ),
        case!(
            "a description of many lines",
            [T1],
            [TaskCreated],
            description,
            "one\n\ttwo\r\n three "
        ),
        case!("an empty description", [T1], [TaskCreated], description, ""),
        case!(
            "a description of 10,000 characters",
            [T1],
            [TaskCreated],
            longest_description
        ),
        case!(
            "two tasks of one title are two",
            [T1],
            [TaskCreated],
            two_of_one_title
        ),
        case!(
            "a title and a description that the seed chooses",
            [T1],
            [TaskCreated],
            seeded
        ),
    ]
}

async fn title_alone(stage: Stage) -> Checked<()> {
    let me = &stage.me;
    me.create(&json!({"title": "water the roses"}))
        .await?
        .header("content-type", "application/json")?
        .header("etag", "\"1\"")?
        .given("/id")?
        .field("/user_id", me.id())?
        .field("/title", "water the roses")?
        .field("/description", json!(null))?
        .field("/status", "pending")?
        .field("/priority", "medium")?
        .field("/due_date", json!(null))?
        .field("/time_zone", json!(null))?
        .field("/category_id", json!(null))?
        .field("/tags", json!([]))?
        .field("/occurrence", json!(null))?
        .field("/version", 1)?
        .field("/completed_at", json!(null))?
        .given("/created_at")?
        .equal("/created_at", "/updated_at")?;
    Ok(())
}

async fn says_where(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&json!({"title": "here"})).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    created.header("location", &path)?;
    Ok(())
}

async fn reads_back(stage: Stage) -> Checked<()> {
    let created = stage
        .me
        .create(&json!({"title": "a", "description": "b"}))
        .await?;
    let path = format!("/api/tasks/{}", created.id()?);
    let read = stage.me.get(path).send().await?.status(200)?;
    read.header("etag", "\"1\"")?.is(&created.body)?;
    Ok(())
}

async fn title(stage: Stage, given: &str, kept: &str) -> Checked<()> {
    let created = stage.me.create(&json!({ "title": given })).await?;
    created.field("/title", kept)?;
    Ok(())
}

async fn longest_title(stage: Stage) -> Checked<()> {
    let longest = "ä".repeat(200);
    let created = stage
        .me
        .create(&json!({ "title": format!(" {longest} ") }))
        .await?;
    created.field("/title", longest)?;
    Ok(())
}

async fn description(stage: Stage, text: &str) -> Checked<()> {
    let body = json!({"title": "a", "description": text});
    stage.me.create(&body).await?.field("/description", text)?;
    Ok(())
}

async fn longest_description(stage: Stage) -> Checked<()> {
    let longest = "é".repeat(10_000);
    let body = json!({"title": "a", "description": longest});
    stage
        .me
        .create(&body)
        .await?
        .field("/description", longest)?;
    Ok(())
}

async fn two_of_one_title(stage: Stage) -> Checked<()> {
    stage.me.task("twice").await?;
    stage.me.task("twice").await?;
    stage.me.tasks(&[]).await?.titles(&["twice", "twice"])?;
    Ok(())
}

/// Whatever letters it is made of.
async fn seeded(stage: Stage) -> Checked<()> {
    let (title, text) = (stage.inputs.word("title"), stage.inputs.word("description"));
    let body = json!({"title": title, "description": text});
    let created = stage.me.create(&body).await?;
    created
        .field("/title", title)?
        .field("/description", text)?;
    Ok(())
}
