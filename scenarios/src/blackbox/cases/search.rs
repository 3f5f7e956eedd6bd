//! Full-text search (T7).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    [words(), questions()].concat()
}

fn words() -> Vec<Case> {
    vec![
        case!(
            "a word is found by its beginning",
            [T7],
            [TaskCreated],
            found,
            "groc",
            &["weekly groceries"]
        ),
        case!(
            "a word is found in any case",
            [T7],
            [TaskCreated],
            found,
            "GROCERIES",
            &["weekly groceries"]
        ),
        case!(
            "an umlaut is found in any case",
            [T7],
            [TaskCreated],
            found,
            "KÄSE",
            &["Käse kaufen"]
        ),
        case!(
            "other scripts are found",
            [T7],
            [TaskCreated],
            found,
            "молоко",
            &["купить молоко"]
        ),
        case!(
            "every word has to be there",
            [T7],
            [TaskCreated],
            found,
            "kaufen käse",
            &["Käse kaufen"]
        ),
        case!(
            "a word in the middle of another is not found",
            [T7],
            [TaskCreated],
            found,
            "ceries",
            &[]
        ),
        case!(
            "what is nowhere is not found",
            [T7],
            [TaskCreated],
            found,
            "unicorn",
            &[]
        ),
        case!(
            "quotes and operators are not searched for",
            [T7],
            [TaskCreated],
            found,
            "'groceries' & !(",
            &["weekly groceries"]
        ),
    ]
}

fn questions() -> Vec<Case> {
    vec![
        case!(
            "a word in the title comes before one in the text",
            [T7],
            [TaskCreated],
            ranked
        ),
        case!("a search is narrowed down", [T7 T2], [TaskCreated], narrowed_down),
        case!(
            "a search is sorted otherwise",
            [T7],
            [TaskCreated],
            sorted_otherwise
        ),
        case!("a search goes page by page", [T7], [TaskCreated], paged),
        case!(
            "another user's tasks are not found",
            [T7],
            [TaskCreated],
            strangers
        ),
        case!(
            "a renamed task is found by its new name alone", [T7], [TaskCreated TaskUpdated],
            renamed
        ),
        case!("a deleted task is not found", [T7], [TaskCreated TaskDeleted], deleted),
        case!("a search for nothing is refused", [T7 T13], [], without_text),
    ]
}

const SEARCH: &str = "/api/tasks/search";

async fn found(stage: Stage, text: &str, expected: &[&str]) -> Checked<()> {
    for title in [
        "weekly groceries",
        "Käse kaufen",
        "Brot kaufen",
        "купить молоко",
    ] {
        stage.me.task(title).await?;
    }
    let found = stage
        .me
        .get(SEARCH)
        .query("q", text)
        .send()
        .await?
        .status(200)?;
    found.titles(expected)?;
    Ok(())
}

async fn ranked(stage: Stage) -> Checked<()> {
    stage
        .me
        .create(&json!({"title": "breakfast", "description": "bread and milk"}))
        .await?;
    stage
        .me
        .create(&json!({"title": "milk", "description": "two bottles"}))
        .await?;
    stage
        .me
        .create(&json!({"title": "lunch", "description": "no milk"}))
        .await?;
    let found = stage
        .me
        .get(SEARCH)
        .query("q", "milk")
        .send()
        .await?
        .status(200)?
        .count(3)?;
    found.field("/items/0/title", "milk")?;
    Ok(())
}

async fn narrowed_down(stage: Stage) -> Checked<()> {
    for (title, priority) in [
        ("call Ann", "high"),
        ("call Bob", "low"),
        ("write Ann", "high"),
    ] {
        stage
            .me
            .create(&json!({"title": title, "priority": priority}))
            .await?;
    }
    let search = stage
        .me
        .get(SEARCH)
        .query("q", "call")
        .query("priority", "high");
    search.send().await?.status(200)?.titles(&["call Ann"])?;
    Ok(())
}

async fn sorted_otherwise(stage: Stage) -> Checked<()> {
    for title in ["call Bob", "call Cid", "call Ann"] {
        stage.me.task(title).await?;
    }
    let search = stage
        .me
        .get(SEARCH)
        .query("q", "call")
        .query("sort", "title");
    search
        .send()
        .await?
        .status(200)?
        .titles(&["call Ann", "call Bob", "call Cid"])?;
    Ok(())
}

/// Equally relevant tasks: the newest comes first.
async fn paged(stage: Stage) -> Checked<()> {
    for title in ["call one", "call two", "call six"] {
        stage.me.task(title).await?;
    }
    let search = || stage.me.get(SEARCH).query("q", "call").query("limit", "2");
    let first = search()
        .send()
        .await?
        .status(200)?
        .titles(&["call six", "call two"])?;
    let next = search()
        .query("cursor", first.text("/next_cursor")?)
        .send()
        .await?;
    next.status(200)?
        .titles(&["call one"])?
        .field("/next_cursor", json!(null))?;
    Ok(())
}

async fn strangers(stage: Stage) -> Checked<()> {
    stage.stranger.task("secret plan").await?;
    let search = stage.me.get(SEARCH).query("q", "secret");
    search.send().await?.status(200)?.count(0)?;
    Ok(())
}

async fn renamed(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("buy tea").await?);
    stage
        .me
        .patch(path, &json!({"title": "buy coffee"}))
        .send()
        .await?
        .status(200)?;
    let search = async |text: &str| stage.me.get(SEARCH).query("q", text).send().await;
    search("tea").await?.count(0)?;
    search("coffee").await?.titles(&["buy coffee"])?;
    Ok(())
}

async fn deleted(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("buy tea").await?);
    stage.me.delete(path).send().await?.status(204)?;
    stage
        .me
        .get(SEARCH)
        .query("q", "tea")
        .send()
        .await?
        .count(0)?;
    Ok(())
}

async fn without_text(stage: Stage) -> Checked<()> {
    stage.me.get(SEARCH).send().await?.refuses(&["q"])?;
    Ok(())
}
