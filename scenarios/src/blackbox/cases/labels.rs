//! Tags and categories, as things of their own (T3). The two differ in nothing but what tasks do with them.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

const TAGS: &str = "/api/tags";
const CATEGORIES: &str = "/api/categories";

pub(super) fn cases() -> Vec<Case> {
    [changes(), lives()].concat()
}

fn changes() -> Vec<Case> {
    vec![
        case!("a tag is created", [T3 E1], [TagCreated], created, TAGS, "tag"),
        case!("a category is created", [T3 E1], [CategoryCreated], created, CATEGORIES, "category"),
        case!(
            "a tag of a colour of its own",
            [T3],
            [TagCreated],
            colored,
            "#FF8800",
            "#ff8800"
        ),
        case!(
            "a tag of a short colour",
            [T3],
            [TagCreated],
            colored,
            "#f80",
            "#ff8800"
        ),
        case!(
            "a tag's name is trimmed",
            [T3],
            [TagCreated],
            named,
            "  home ",
            "home"
        ),
        case!(
            "a tag's name of 50 characters",
            [T3],
            [TagCreated],
            longest_name
        ),
        case!(
            "a tag's name of other scripts",
            [T3],
            [TagCreated],
            named,
            "家 🏠",
            "家 🏠"
        ),
        case!("a tag is renamed", [T3 E1], [TagCreated TagUpdated], renamed, TAGS),
        case!(
            "a category is renamed", [T3 E1], [CategoryCreated CategoryUpdated], renamed,
            CATEGORIES
        ),
        case!("a tag gets another colour", [T3], [TagCreated TagUpdated], recolored),
        case!("a tag's name changes in case alone", [T3], [TagCreated TagUpdated], renamed_in_case),
        case!(
            "a change of a tag to what it is changes nothing",
            [T3],
            [TagCreated],
            unchanged
        ),
    ]
}

fn lives() -> Vec<Case> {
    vec![
        case!("a tag is deleted", [T3 E1], [TagCreated TagDeleted], deleted, TAGS),
        case!(
            "a category is deleted", [T3 E1], [CategoryCreated CategoryDeleted], deleted,
            CATEGORIES
        ),
        case!("a deleted tag's name is free again", [T3], [TagCreated TagDeleted], free_again),
        case!("tags are listed by name", [T3], [TagCreated], listed, TAGS),
        case!(
            "categories are listed by name",
            [T3],
            [CategoryCreated],
            listed,
            CATEGORIES
        ),
        case!("tags are listed page by page", [T3], [TagCreated], paged),
        case!("a tag and a category share a name", [T3], [TagCreated CategoryCreated], shared_name),
        case!(
            "two users have tags of one name",
            [T3],
            [TagCreated],
            each_their_own
        ),
    ]
}

async fn label(stage: &Stage, kind: &str, body: Value) -> Checked<Answer> {
    stage.me.post(kind, &body).send().await?.status(201)
}

async fn created(stage: Stage, path: &str, kind: &str) -> Checked<()> {
    let created = label(&stage, path, json!({"name": "Home"})).await?;
    let created = created
        .header("etag", "\"1\"")?
        .field("/user_id", stage.me.id())?
        .field("/kind", kind)?
        .field("/name", "Home")?
        .field("/color", "#808080")?
        .field("/version", 1)?
        .equal("/created_at", "/updated_at")?;
    let place = format!("{path}/{}", created.id()?);
    let read = stage.me.get(&place).send().await?.status(200)?;
    read.header("etag", "\"1\"")?.is(&created.body)?;
    created.header("location", &place)?;
    Ok(())
}

async fn colored(stage: Stage, given: &str, kept: &str) -> Checked<()> {
    let created = label(&stage, TAGS, json!({"name": "a", "color": given})).await?;
    created.field("/color", kept)?;
    Ok(())
}

async fn named(stage: Stage, given: &str, kept: &str) -> Checked<()> {
    label(&stage, TAGS, json!({ "name": given }))
        .await?
        .field("/name", kept)?;
    Ok(())
}

async fn longest_name(stage: Stage) -> Checked<()> {
    let longest = "ö".repeat(50);
    let created = label(&stage, TAGS, json!({ "name": longest })).await?;
    created.field("/name", longest)?;
    Ok(())
}

async fn changed(stage: &Stage, kind: &str, body: Value) -> Checked<Answer> {
    let created = label(stage, kind, json!({"name": "home", "color": "#112233"})).await?;
    let path = format!("{kind}/{}", created.id()?);
    stage.me.patch(path, &body).send().await?.status(200)
}

async fn renamed(stage: Stage, kind: &str) -> Checked<()> {
    let renamed = changed(&stage, kind, json!({"name": "house"})).await?;
    renamed
        .header("etag", "\"2\"")?
        .field("/name", "house")?
        .field("/color", "#112233")?
        .field("/version", 2)?;
    Ok(())
}

async fn recolored(stage: Stage) -> Checked<()> {
    let recolored = changed(&stage, TAGS, json!({"color": "#ABC"})).await?;
    recolored
        .field("/color", "#aabbcc")?
        .field("/name", "home")?;
    Ok(())
}

async fn renamed_in_case(stage: Stage) -> Checked<()> {
    changed(&stage, TAGS, json!({"name": "HOME"}))
        .await?
        .field("/name", "HOME")?;
    Ok(())
}

async fn unchanged(stage: Stage) -> Checked<()> {
    let same = changed(&stage, TAGS, json!({"name": "home", "color": "#112233"})).await?;
    same.header("etag", "\"1\"")?.field("/version", 1)?;
    Ok(())
}

async fn deleted(stage: Stage, kind: &str) -> Checked<()> {
    let created = label(&stage, kind, json!({"name": "home"})).await?;
    let path = format!("{kind}/{}", created.id()?);
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

async fn free_again(stage: Stage) -> Checked<()> {
    let first = label(&stage, TAGS, json!({"name": "home"})).await?.id()?;
    stage
        .me
        .delete(format!("{TAGS}/{first}"))
        .send()
        .await?
        .status(204)?;
    label(&stage, TAGS, json!({"name": "Home"}))
        .await?
        .field("/name", "Home")?;
    stage.me.get(TAGS).send().await?.titles(&["Home"])?;
    Ok(())
}

async fn listed(stage: Stage, kind: &str) -> Checked<()> {
    for name in ["work", "Errands", "home", "äpfel"] {
        label(&stage, kind, json!({ "name": name })).await?;
    }
    let listed = stage.me.get(kind).send().await?.status(200)?;
    listed
        .titles(&["Errands", "home", "work", "äpfel"])?
        .field("/next_cursor", json!(null))?;
    stage.stranger.get(kind).send().await?.count(0)?;
    Ok(())
}

async fn paged(stage: Stage) -> Checked<()> {
    for name in ["c", "a", "b"] {
        label(&stage, TAGS, json!({ "name": name })).await?;
    }
    let first = stage
        .me
        .get(TAGS)
        .query("limit", "2")
        .send()
        .await?
        .titles(&["a", "b"])?;
    let cursor = first.text("/next_cursor")?;
    let last = stage
        .me
        .get(TAGS)
        .query("limit", "2")
        .query("cursor", cursor)
        .send()
        .await?;
    last.titles(&["c"])?.field("/next_cursor", json!(null))?;
    Ok(())
}

async fn shared_name(stage: Stage) -> Checked<()> {
    stage.me.tag("home").await?;
    stage.me.category("home").await?;
    Ok(())
}

async fn each_their_own(stage: Stage) -> Checked<()> {
    stage.me.tag("home").await?;
    stage.stranger.tag("home").await?;
    stage.me.get(TAGS).send().await?.count(1)?;
    Ok(())
}
