//! What is refused of tags and categories (T3, T13).

use serde_json::{Value, json};

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

const TAGS: &str = "/api/tags";
const CATEGORIES: &str = "/api/categories";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "a tag without a name is refused", [T3 T13], [], refused, TAGS, json!({"name": " "}),
            &["name"]
        ),
        case!(
            "a tag's name of 51 characters is refused", [T3 T13], [], refused, TAGS,
            json!({"name": "x".repeat(51)}), &["name"]
        ),
        case!(
            "a tag's name of two lines is refused", [T3 T13], [], refused, TAGS,
            json!({"name": "a\nb"}), &["name"]
        ),
        case!(
            "a category without a name is refused", [T3 T13], [], refused, CATEGORIES,
            json!({"name": ""}), &["name"]
        ),
        case!(
            "a colour by its name is refused", [T3 T13], [], refused, TAGS,
            json!({"name": "a", "color": "red"}), &["color"]
        ),
        case!(
            "a colour of four digits is refused", [T3 T13], [], refused, TAGS,
            json!({"name": "a", "color": "#ff88"}), &["color"]
        ),
        case!(
            "a colour of other letters is refused", [T3 T13], [], refused, CATEGORIES,
            json!({"name": "a", "color": "#gg8800"}), &["color"]
        ),
        case!(
            "a field of a tag that nobody knows is refused", [T3 T13], [], refused, TAGS,
            json!({"name": "a", "icon": "x"}), &["icon"]
        ),
        case!("a tag's name is taken in another case", [T3 T13], [TagCreated], taken, TAGS),
        case!(
            "a category's name is taken in another case", [T3 T13], [CategoryCreated], taken,
            CATEGORIES
        ),
        case!(
            "a name with an umlaut is taken in another case", [T3 T13], [TagCreated], taken_umlaut
        ),
        case!("a tag cannot be renamed to a taken name", [T3 T13], [TagCreated], renamed_to_taken),
        case!(
            "a stale version stops the change of a tag", [T3 T13], [TagCreated TagUpdated], stale
        ),
        case!("another user's tag is not there", [T3 T13], [TagCreated], strangers),
        case!("a tag is no category", [T3 T13], [TagCreated], other_kind),
    ]
}

async fn refused(stage: Stage, kind: &str, body: Value, fields: &[&str]) -> Checked<()> {
    stage.me.post(kind, &body).send().await?.refuses(fields)?;
    stage.me.get(kind).send().await?.status(200)?.count(0)?;
    Ok(())
}

async fn taken(stage: Stage, kind: &str) -> Checked<()> {
    let create = |name: &str| stage.me.post(kind, &json!({ "name": name }));
    create("Home").send().await?.status(201)?;
    create("hOME").send().await?.problem(409, "name-taken")?;
    stage.me.get(kind).send().await?.titles(&["Home"])?;
    Ok(())
}

async fn taken_umlaut(stage: Stage) -> Checked<()> {
    stage.me.tag("Übung").await?;
    let again = stage
        .me
        .post(TAGS, &json!({"name": "übung"}))
        .send()
        .await?;
    again.problem(409, "name-taken")?;
    Ok(())
}

async fn renamed_to_taken(stage: Stage) -> Checked<()> {
    stage.me.tag("home").await?;
    let path = format!("{TAGS}/{}", stage.me.tag("work").await?);
    let renamed = stage
        .me
        .patch(&path, &json!({"name": "Home"}))
        .send()
        .await?;
    renamed.problem(409, "name-taken")?;
    stage
        .me
        .get(path)
        .send()
        .await?
        .field("/name", "work")?
        .field("/version", 1)?;
    Ok(())
}

async fn stale(stage: Stage) -> Checked<()> {
    let path = format!("{TAGS}/{}", stage.me.tag("home").await?);
    let rename = |name: &str| {
        let body = json!({ "name": name });
        stage.me.patch(&path, &body).header("if-match", "\"1\"")
    };
    rename("house").send().await?.status(200)?;
    rename("flat")
        .send()
        .await?
        .problem(412, "precondition-failed")?;
    let deletion = stage.me.delete(&path).header("if-match", "\"1\"");
    deletion.send().await?.problem(412, "precondition-failed")?;
    Ok(())
}

async fn strangers(stage: Stage) -> Checked<()> {
    let path = format!("{TAGS}/{}", stage.me.tag("mine").await?);
    stage
        .stranger
        .get(&path)
        .send()
        .await?
        .problem(404, "not-found")?;
    let changed = stage
        .stranger
        .patch(&path, &json!({"name": "theirs"}))
        .send()
        .await?;
    changed.problem(404, "not-found")?;
    stage
        .stranger
        .delete(&path)
        .send()
        .await?
        .problem(404, "not-found")?;
    stage.me.get(path).send().await?.field("/name", "mine")?;
    Ok(())
}

async fn other_kind(stage: Stage) -> Checked<()> {
    let tag = stage.me.tag("home").await?;
    stage
        .me
        .get(format!("{CATEGORIES}/{tag}"))
        .send()
        .await?
        .problem(404, "not-found")?;
    Ok(())
}
