//! Tags and categories on tasks (T3, T8).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

/// So many tags can a task have.
const MOST: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("a task is created with tags", [T3], [TagCreated TaskCreated], created_with_tags),
        case!("a task has ten tags", [T3], [TagCreated TaskCreated], ten_tags),
        case!("an eleventh tag is refused at creation", [T3 T13], [TagCreated], eleven_at_creation),
        case!(
            "an eleventh tag is refused later", [T3 T8 T13], [TagCreated TaskCreated], eleven_later
        ),
        case!("a tag given twice counts once", [T3], [TagCreated TaskCreated], given_twice),
        case!("a tag is added to a task", [T3 T8], [TagCreated TaskCreated TaskUpdated], added),
        case!(
            "a tag that a task has is added to no effect", [T3 T8], [TagCreated TaskCreated],
            added_again
        ),
        case!(
            "a tag is taken off a task", [T3 T8], [TagCreated TaskCreated TaskUpdated], taken_off
        ),
        case!("tags are replaced", [T3], [TagCreated TaskCreated TaskUpdated], replaced),
        case!("tags are cleared", [T3], [TagCreated TaskCreated TaskUpdated], cleared),
        case!("another user's tag is refused", [T3 T13], [TagCreated], strangers_tag),
        case!("a tag that is not there is refused", [T3 T8 T13], [TaskCreated], unknown_tag),
        case!("a category is no tag of a task", [T3 T13], [CategoryCreated], category_as_tag),
        case!("a tag is no category of a task", [T3 T13], [TagCreated], tag_as_category),
        case!("a task has a category", [T3], [CategoryCreated TaskCreated], categorized),
        case!(
            "a category is changed and cleared", [T3], [CategoryCreated TaskCreated TaskUpdated],
            recategorized
        ),
        case!(
            "another user's category is refused", [T3 T13], [CategoryCreated TaskCreated],
            strangers_category
        ),
        case!(
            "a deleted tag comes off its tasks", [T3 E1],
            [TagCreated TaskCreated TaskUpdated TagDeleted], tag_deleted
        ),
        case!(
            "a deleted category comes off its tasks", [T3 E1],
            [CategoryCreated TaskCreated TaskUpdated CategoryDeleted], category_deleted
        ),
        case!(
            "a renamed tag leaves its tasks as they are", [T3], [TagCreated TaskCreated TagUpdated],
            tag_renamed
        ),
    ]
}

async fn tags(stage: &Stage, count: usize) -> Checked<Vec<String>> {
    let mut tags = Vec::with_capacity(count);
    for number in 0..count {
        tags.push(stage.me.tag(&format!("tag {number}")).await?);
    }
    Ok(tags)
}

/// In the order that a task shows them in.
fn sorted(tags: &[String]) -> Value {
    let mut tags = tags.to_vec();
    tags.sort();
    json!(tags)
}

async fn tagged(stage: &Stage, tags: &[String]) -> Checked<Answer> {
    stage.me.create(&json!({"title": "a", "tags": tags})).await
}

async fn created_with_tags(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 2).await?;
    let reversed: Vec<String> = tags.iter().rev().cloned().collect();
    tagged(&stage, &reversed)
        .await?
        .field("/tags", sorted(&tags))?;
    Ok(())
}

async fn ten_tags(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, MOST).await?;
    tagged(&stage, &tags).await?.field("/tags", sorted(&tags))?;
    Ok(())
}

async fn eleven_at_creation(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, MOST + 1).await?;
    let body = json!({"title": "a", "tags": tags});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(&["tags"])?;
    stage.me.tasks(&[]).await?.count(0)?;
    Ok(())
}

async fn eleven_later(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, MOST + 1).await?;
    let created = tagged(&stage, &tags[..MOST]).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    let added = stage
        .me
        .post(format!("{path}/tags"), &json!({"tags": tags[MOST..]}));
    added.send().await?.refuses(&["tags"])?;
    stage.me.get(path).send().await?.is(&created.body)?;
    Ok(())
}

async fn given_twice(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 1).await?;
    let twice = [tags[0].clone(), tags[0].clone()];
    tagged(&stage, &twice)
        .await?
        .field("/tags", sorted(&tags))?;
    Ok(())
}

async fn added(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 2).await?;
    let path = format!("/api/tasks/{}", tagged(&stage, &tags[..1]).await?.id()?);
    let added = stage
        .me
        .post(format!("{path}/tags"), &json!({"tags": tags[1..]}));
    let added = added.send().await?.succeeded()?;
    let added = added.field("/tags", sorted(&tags))?.field("/version", 2)?;
    stage
        .me
        .get(path)
        .send()
        .await?
        .header("etag", "\"2\"")?
        .is(&added.body)?;
    Ok(())
}

async fn added_again(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 1).await?;
    let created = tagged(&stage, &tags).await?;
    let path = format!("/api/tasks/{}/tags", created.id()?);
    let added = stage.me.post(path, &json!({"tags": tags})).send().await?;
    added.succeeded()?.is(&created.body)?;
    Ok(())
}

async fn taken_off(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 2).await?;
    let path = format!("/api/tasks/{}", tagged(&stage, &tags).await?.id()?);
    stage
        .me
        .delete(format!("{path}/tags/{}", tags[0]))
        .send()
        .await?
        .succeeded()?;
    let left = stage.me.get(path).send().await?.field("/version", 2)?;
    left.field("/tags", sorted(&tags[1..]))?;
    // The tag itself stays.
    stage.me.get("/api/tags").send().await?.count(2)?;
    Ok(())
}

async fn retagged(stage: &Stage, before: &[String], after: &[String]) -> Checked<()> {
    let path = format!("/api/tasks/{}", tagged(stage, before).await?.id()?);
    let changed = stage
        .me
        .patch(path, &json!({ "tags": after }))
        .send()
        .await?;
    changed
        .status(200)?
        .field("/tags", sorted(after))?
        .field("/version", 2)?;
    Ok(())
}

async fn replaced(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 3).await?;
    retagged(&stage, &tags[..2], &tags[1..]).await
}

async fn cleared(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 2).await?;
    retagged(&stage, &tags, &[]).await
}

async fn strangers_tag(stage: Stage) -> Checked<()> {
    let theirs = stage.stranger.tag("theirs").await?;
    let body = json!({"title": "a", "tags": [theirs]});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(&["tags"])?;
    Ok(())
}

async fn unknown_tag(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}/tags", stage.me.task("a").await?);
    let body = json!({"tags": ["01990000-0000-7000-8000-000000000001"]});
    stage
        .me
        .post(path, &body)
        .send()
        .await?
        .refuses(&["tags"])?;
    Ok(())
}

async fn category_as_tag(stage: Stage) -> Checked<()> {
    let category = stage.me.category("home").await?;
    let body = json!({"title": "a", "tags": [category]});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(&["tags"])?;
    Ok(())
}

async fn tag_as_category(stage: Stage) -> Checked<()> {
    let tag = stage.me.tag("home").await?;
    let body = json!({"title": "a", "category_id": tag});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(&["category_id"])?;
    Ok(())
}

async fn categorized(stage: Stage) -> Checked<()> {
    let category = stage.me.category("home").await?;
    let created = stage
        .me
        .create(&json!({"title": "a", "category_id": category}))
        .await?;
    created.field("/category_id", category)?;
    Ok(())
}

async fn recategorized(stage: Stage) -> Checked<()> {
    let (home, work) = (
        stage.me.category("home").await?,
        stage.me.category("work").await?,
    );
    let created = stage
        .me
        .create(&json!({"title": "a", "category_id": home}))
        .await?;
    let path = format!("/api/tasks/{}", created.id()?);
    let change = |category: Value| stage.me.patch(&path, &json!({ "category_id": category }));
    change(json!(work))
        .send()
        .await?
        .status(200)?
        .field("/category_id", work.as_str())?;
    change(Value::Null)
        .send()
        .await?
        .status(200)?
        .field("/category_id", json!(null))?;
    Ok(())
}

async fn strangers_category(stage: Stage) -> Checked<()> {
    let theirs = stage.stranger.category("theirs").await?;
    let path = format!("/api/tasks/{}", stage.me.task("a").await?);
    let changed = stage
        .me
        .patch(path, &json!({"category_id": theirs}))
        .send()
        .await?;
    changed.refuses(&["category_id"])?;
    Ok(())
}

async fn tag_deleted(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 2).await?;
    let both = tagged(&stage, &tags).await?.id()?;
    let one = tagged(&stage, &tags[..1]).await?.id()?;
    let other = tagged(&stage, &tags[1..]).await?;
    stage
        .me
        .delete(format!("/api/tags/{}", tags[0]))
        .send()
        .await?
        .status(204)?;
    let read = async |id: &str| {
        stage
            .me
            .get(format!("/api/tasks/{id}"))
            .send()
            .await?
            .status(200)
    };
    read(&both)
        .await?
        .field("/tags", sorted(&tags[1..]))?
        .field("/version", 2)?;
    read(&one)
        .await?
        .field("/tags", json!([]))?
        .field("/version", 2)?;
    read(&other.id()?).await?.is(&other.body)?;
    Ok(())
}

async fn category_deleted(stage: Stage) -> Checked<()> {
    let category = stage.me.category("home").await?;
    let created = stage
        .me
        .create(&json!({"title": "a", "category_id": category}))
        .await?;
    let path = format!("/api/tasks/{}", created.id()?);
    stage
        .me
        .delete(format!("/api/categories/{category}"))
        .send()
        .await?
        .status(204)?;
    let left = stage
        .me
        .get(path)
        .send()
        .await?
        .field("/category_id", json!(null))?;
    left.field("/version", 2)?;
    Ok(())
}

async fn tag_renamed(stage: Stage) -> Checked<()> {
    let tags = tags(&stage, 1).await?;
    let created = tagged(&stage, &tags).await?;
    let renamed = stage
        .me
        .patch(format!("/api/tags/{}", tags[0]), &json!({"name": "new"}));
    renamed.send().await?.status(200)?;
    let path = format!("/api/tasks/{}", created.id()?);
    stage.me.get(path).send().await?.is(&created.body)?;
    Ok(())
}
