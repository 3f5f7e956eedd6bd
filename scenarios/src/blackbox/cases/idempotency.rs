//! `Idempotency-Key`: the same request again gets the same answer, and does nothing (T1).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

const KEY: &str = "idempotency-key";
const REPLAYED: &str = "idempotency-replayed";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("a creation that is repeated creates once", [T1 E2], [TaskCreated], creation),
        case!("a change that is repeated changes once", [T1 E2], [TaskCreated TaskUpdated], change),
        case!(
            "a deletion that is repeated is no 404", [T1 E2], [TaskCreated TaskDeleted], deletion
        ),
        case!(
            "a repetition gets the first answer whatever came since", [T1],
            [TaskCreated TaskUpdated], first_answer
        ),
        case!("another body under a key is refused", [T1 T13], [TaskCreated], other_body),
        case!(
            "another path under a key is refused", [T1 T13], [TaskCreated TaskUpdated], other_path
        ),
        case!("a key is each user's own", [T1], [TaskCreated], own_keys),
        case!("a refusal is not kept under a key", [T1 T13], [TaskCreated], refusal),
        case!(
            "a change of nothing is kept under a key", [T1], [TaskCreated TaskUpdated],
            nothing_changed
        ),
        case!("two keys are two creations", [T1], [TaskCreated], two_keys),
        case!("a tag that is created twice under a key is one", [T1 T3], [TagCreated], tag),
    ]
}

async fn creation(stage: Stage) -> Checked<()> {
    let key = stage.inputs.word("key");
    let create = || {
        let body = json!({"title": "once"});
        stage.me.post("/api/tasks", &body).header(KEY, &key)
    };
    let first = create()
        .send()
        .await?
        .status(201)?
        .without_header(REPLAYED)?;
    let location = format!("/api/tasks/{}", first.id()?);
    let again = create()
        .send()
        .await?
        .status(201)?
        .header(REPLAYED, "true")?;
    again
        .header("etag", "\"1\"")?
        .header("location", &location)?
        .is(&first.body)?;
    stage.me.tasks(&[]).await?.titles(&["once"])?;
    Ok(())
}

async fn change(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("a").await?);
    let change = || {
        stage
            .me
            .patch(&path, &json!({"title": "b"}))
            .header(KEY, "k")
    };
    let first = change().send().await?.status(200)?;
    let again = change()
        .send()
        .await?
        .status(200)?
        .header(REPLAYED, "true")?;
    again.header("etag", "\"2\"")?.is(&first.body)?;
    Ok(())
}

async fn deletion(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("a").await?);
    let delete = || stage.me.delete(&path).header(KEY, "k");
    delete().send().await?.status(204)?;
    delete()
        .send()
        .await?
        .status(204)?
        .header(REPLAYED, "true")?
        .empty()?;
    // Without the key it is another request.
    stage
        .me
        .delete(&path)
        .send()
        .await?
        .problem(404, "not-found")?;
    Ok(())
}

async fn first_answer(stage: Stage) -> Checked<()> {
    let create = || {
        stage
            .me
            .post("/api/tasks", &json!({"title": "a"}))
            .header(KEY, "k")
    };
    let first = create().send().await?.status(201)?;
    let path = format!("/api/tasks/{}", first.id()?);
    stage
        .me
        .patch(&path, &json!({"title": "b"}))
        .send()
        .await?
        .status(200)?;
    create()
        .send()
        .await?
        .status(201)?
        .header(REPLAYED, "true")?
        .is(&first.body)?;
    stage.me.get(path).send().await?.field("/title", "b")?;
    Ok(())
}

async fn other_body(stage: Stage) -> Checked<()> {
    let create = |title: &str| {
        let body = json!({ "title": title });
        stage.me.post("/api/tasks", &body).header(KEY, "k")
    };
    create("a").send().await?.status(201)?;
    create("b")
        .send()
        .await?
        .problem(422, "idempotency-key-reused")?;
    stage.me.tasks(&[]).await?.titles(&["a"])?;
    Ok(())
}

async fn other_path(stage: Stage) -> Checked<()> {
    let (one, other) = (stage.me.task("one").await?, stage.me.task("other").await?);
    let change = |id: &str| {
        let path = format!("/api/tasks/{id}");
        stage
            .me
            .patch(path, &json!({"title": "new"}))
            .header(KEY, "k")
    };
    change(&one).send().await?.status(200)?;
    change(&other)
        .send()
        .await?
        .problem(422, "idempotency-key-reused")?;
    stage
        .me
        .get(format!("/api/tasks/{other}"))
        .send()
        .await?
        .field("/title", "other")?;
    Ok(())
}

async fn own_keys(stage: Stage) -> Checked<()> {
    let body = json!({"title": "a"});
    let mine = stage
        .me
        .post("/api/tasks", &body)
        .header(KEY, "k")
        .send()
        .await?
        .status(201)?;
    let theirs = stage
        .stranger
        .post("/api/tasks", &body)
        .header(KEY, "k")
        .send()
        .await?;
    let theirs = theirs.status(201)?.without_header(REPLAYED)?;
    theirs.field("/user_id", stage.stranger.id())?;
    mine.field("/user_id", stage.me.id())?;
    Ok(())
}

async fn refusal(stage: Stage) -> Checked<()> {
    let create = |title: &str| {
        let body = json!({ "title": title });
        stage.me.post("/api/tasks", &body).header(KEY, "k")
    };
    create("").send().await?.refuses(&["title"])?;
    create("a")
        .send()
        .await?
        .status(201)?
        .without_header(REPLAYED)?;
    Ok(())
}

async fn nothing_changed(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&json!({"title": "a"})).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    let same = || {
        stage
            .me
            .patch(&path, &json!({"title": "a"}))
            .header(KEY, "k")
    };
    same().send().await?.status(200)?.header("etag", "\"1\"")?;
    stage
        .me
        .patch(&path, &json!({"title": "b"}))
        .send()
        .await?
        .status(200)?;
    let again = same().send().await?.status(200)?.header(REPLAYED, "true")?;
    again.header("etag", "\"1\"")?.is(&created.body)?;
    Ok(())
}

async fn two_keys(stage: Stage) -> Checked<()> {
    for key in ["k1", "k2"] {
        let create = stage
            .me
            .post("/api/tasks", &json!({"title": "a"}))
            .header(KEY, key);
        create.send().await?.status(201)?.without_header(REPLAYED)?;
    }
    stage.me.tasks(&[]).await?.count(2)?;
    Ok(())
}

/// Without the key the second one would be refused for its name.
async fn tag(stage: Stage) -> Checked<()> {
    let create = || {
        stage
            .me
            .post("/api/tags", &json!({"name": "home"}))
            .header(KEY, "k")
    };
    let first = create().send().await?.status(201)?;
    create()
        .send()
        .await?
        .status(201)?
        .header(REPLAYED, "true")?
        .is(&first.body)?;
    stage.me.get("/api/tags").send().await?.titles(&["home"])?;
    Ok(())
}
