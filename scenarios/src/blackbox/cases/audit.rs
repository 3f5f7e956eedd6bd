//! The audit trail and its queries (T9): api → topic → audit, in whichever mode.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    [trails(), refusals()].concat()
}

fn trails() -> Vec<Case> {
    vec![
        case!(
            "a creation is in the trail with its new state", [T9 E1 E2 D1], [TaskCreated], creation
        ),
        case!(
            "a change is in the trail with both states", [T9 E1 D1], [TaskCreated TaskUpdated],
            change
        ),
        case!(
            "a deletion is in the trail with its last state", [T9 E1 D1], [TaskCreated TaskDeleted],
            deletion
        ),
        case!(
            "a life is in the trail in its order", [T9 E1 E2 D1],
            [TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted], life, "asc"
        ),
        case!(
            "a life is in the trail backwards", [T9 D1],
            [TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted], life, "desc"
        ),
        case!(
            "a tag is in the trail", [T9 T3 D1], [TagCreated TagUpdated TagDeleted], label, "tags",
            "tag"
        ),
        case!(
            "a category is in the trail", [T9 T3 D1],
            [CategoryCreated CategoryUpdated CategoryDeleted], label, "categories", "category"
        ),
        case!(
            "a series is in the trail", [T9 T6 D1], [TaskCreated SeriesCreated SeriesEnded], series
        ),
        case!(
            "the trail by action", [T9 D1],
            [TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted], by_action
        ),
        case!("the trail by kind of thing", [T9 T3 D1], [TaskCreated TagCreated], by_entity),
        case!("the trail by task", [T9 D1], [TaskCreated TaskUpdated], by_task),
        case!(
            "the trail from a time on has that time", [T9 D1],
            [TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted], from
        ),
        case!(
            "the trail until a time has not that time", [T9 D1],
            [TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted], to
        ),
        case!(
            "the trail goes page by page", [T9 D1],
            [TaskCreated TaskUpdated TaskCompleted TaskReopened TaskDeleted], paged
        ),
        case!("another user's trail is empty", [T9 T13 D1], [TaskCreated], strangers),
        case!("one's own trail by user", [T9 D1], [TaskCreated], own),
        case!(
            "what changed nothing is not in the trail", [T9 T1 D1], [TaskCreated TaskUpdated],
            nothing_changed
        ),
        case!(
            "what was refused is not in the trail", [T9 T13 D1], [TaskCreated TaskUpdated],
            refused_change
        ),
        case!(
            "every instance of a schedule is in the trail", [T9 T6 D1 D4],
            [TaskCreated SeriesCreated SeriesAdvanced SeriesEnded], instances
        ),
    ]
}

fn refusals() -> Vec<Case> {
    vec![
        case!("an action that is none is refused", [T9 T13], [], refused, "action", "stolen"),
        case!("a trail from no time is refused", [T9 T13], [], refused, "from", "yesterday"),
        case!("a trail of no id is refused", [T9 T13], [], refused, "task_id", "1"),
        case!("a trail of no kind of thing is refused", [T9 T13], [], refused, "entity", "user"),
        case!(
            "a question to the trail that nobody knows is refused", [T9 T13], [], refused, "colour",
            "red"
        ),
        case!("the trail asks for a token", [T9 T13], [], without_token),
    ]
}

/// The actions of [`lived`], in their order.
const LIFE: [&str; 5] = ["created", "updated", "completed", "reopened", "deleted"];

/// A task that everything happened to; its id.
async fn lived(stage: &Stage) -> Checked<String> {
    let id = stage.me.task("a").await?;
    let path = format!("/api/tasks/{id}");
    stage
        .me
        .patch(&path, &json!({"title": "b"}))
        .send()
        .await?
        .status(200)?;
    stage.me.complete(&id, true).await?;
    stage.me.complete(&id, false).await?;
    stage.me.delete(&path).send().await?.status(204)?;
    Ok(id)
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().copied().map(Value::from).collect()
}

fn numbers(numbers: &[u64]) -> Vec<Value> {
    numbers.iter().copied().map(Value::from).collect()
}

async fn creation(stage: Stage) -> Checked<()> {
    let created = stage
        .me
        .create(&json!({"title": "a", "priority": "high"}))
        .await?;
    let id = created.id()?;
    stage
        .me
        .trail(&[("entity_id", &id)], 1)
        .await?
        .field("/items/0/entity", "task")?
        .field("/items/0/entity_id", id)?
        .field("/items/0/user_id", stage.me.id())?
        .field("/items/0/action", "created")?
        .field("/items/0/version", 1)?
        .field("/items/0/old", json!(null))?
        .field("/items/0/occurred_at", created.body["updated_at"].clone())?
        .field("/items/0/new", created.body)?
        .given("/items/0/event_id")?
        .given("/items/0/recorded_at")?;
    Ok(())
}

async fn change(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&json!({"title": "a"})).await?;
    let id = created.id()?;
    let path = format!("/api/tasks/{id}");
    let changed = stage
        .me
        .patch(path, &json!({"title": "b"}))
        .send()
        .await?
        .status(200)?;
    let trail = stage.me.trail(&[("entity_id", &id)], 2).await?;
    trail
        .field("/items/1/action", "updated")?
        .field("/items/1/version", 2)?
        .field("/items/1/old", created.body)?
        .field("/items/1/new", changed.body)?;
    Ok(())
}

async fn deletion(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&json!({"title": "a"})).await?;
    let id = created.id()?;
    stage
        .me
        .delete(format!("/api/tasks/{id}"))
        .send()
        .await?
        .status(204)?;
    let trail = stage.me.trail(&[("entity_id", &id)], 2).await?;
    trail
        .field("/items/1/action", "deleted")?
        .field("/items/1/version", 2)?
        .field("/items/1/old", created.body)?
        .field("/items/1/new", json!(null))?;
    Ok(())
}

async fn life(stage: Stage, order: &str) -> Checked<()> {
    let id = lived(&stage).await?;
    let trail = stage
        .me
        .trail(&[("entity_id", &id), ("order", order)], 5)
        .await?;
    let (mut actions, mut versions) = (LIFE, [1, 2, 3, 4, 5]);
    if order == "desc" {
        actions.reverse();
        versions.reverse();
    }
    trail
        .columns("action", &texts(&actions))?
        .columns("version", &numbers(&versions))?;
    Ok(())
}

async fn label(stage: Stage, path: &str, entity: &str) -> Checked<()> {
    let created = stage
        .me
        .post(format!("/api/{path}"), &json!({"name": "home"}))
        .send()
        .await?;
    let id = created.status(201)?.id()?;
    let place = format!("/api/{path}/{id}");
    stage
        .me
        .patch(&place, &json!({"color": "#112233"}))
        .send()
        .await?
        .status(200)?;
    stage.me.delete(&place).send().await?.status(204)?;
    let trail = stage
        .me
        .trail(&[("entity", entity), ("entity_id", &id)], 3)
        .await?;
    trail
        .columns("action", &texts(&["created", "updated", "deleted"]))?
        .field("/items/0/new/name", "home")?
        .field("/items/1/new/color", "#112233")?
        .field("/items/2/new", json!(null))?;
    Ok(())
}

async fn series(stage: Stage) -> Checked<()> {
    let body = json!({
        "title": "a",
        "due_date": "2031-05-05T09:00",
        "recurrence": {"rule": {"frequency": "daily"}},
    });
    let created = stage.me.create(&body).await?;
    let series = created.text("/occurrence/series_id")?;
    let path = format!("/api/tasks/{}/recurring", created.id()?);
    stage.me.delete(path).send().await?.succeeded()?;
    let trail = stage
        .me
        .trail(&[("entity", "series"), ("entity_id", &series)], 2)
        .await?;
    trail
        .columns("action", &texts(&["created", "ended"]))?
        .field("/items/1/old/ended_at", json!(null))?
        .given("/items/1/new/ended_at")?;
    Ok(())
}

async fn by_action(stage: Stage) -> Checked<()> {
    let id = lived(&stage).await?;
    stage.me.trail(&[("entity_id", &id)], 5).await?;
    for (action, version) in LIFE.into_iter().zip(1_u64..) {
        let trail = stage.me.trail(&[("action", action)], 1).await?;
        trail
            .field("/items/0/version", version)?
            .field("/items/0/entity_id", id.as_str())?;
    }
    Ok(())
}

async fn by_entity(stage: Stage) -> Checked<()> {
    let (task, tag) = (stage.me.task("a").await?, stage.me.tag("home").await?);
    stage.me.trail(&[], 2).await?;
    stage
        .me
        .trail(&[("entity", "task")], 1)
        .await?
        .field("/items/0/entity_id", task)?;
    stage
        .me
        .trail(&[("entity", "tag")], 1)
        .await?
        .field("/items/0/entity_id", tag)?;
    stage.me.trail(&[("entity", "category")], 0).await?;
    Ok(())
}

async fn by_task(stage: Stage) -> Checked<()> {
    let (one, other) = (stage.me.task("one").await?, stage.me.task("other").await?);
    let rename = stage
        .me
        .patch(format!("/api/tasks/{one}"), &json!({"title": "new"}));
    rename.send().await?.status(200)?;
    stage.me.trail(&[], 3).await?;
    let trail = stage.me.trail(&[("task_id", &one)], 2).await?;
    trail.columns("action", &texts(&["created", "updated"]))?;
    stage.me.trail(&[("task_id", &other)], 1).await?;
    Ok(())
}

/// The trail of a whole life, and when its third line occurred.
async fn third_of_life(stage: &Stage) -> Checked<String> {
    let id = lived(stage).await?;
    let trail = stage.me.trail(&[("entity_id", &id)], 5).await?;
    trail.text("/items/2/occurred_at")
}

async fn from(stage: Stage) -> Checked<()> {
    let third = third_of_life(&stage).await?;
    let trail = stage.me.trail(&[("from", &third)], 3).await?;
    trail.columns("action", &texts(&LIFE[2..]))?;
    Ok(())
}

async fn to(stage: Stage) -> Checked<()> {
    let third = third_of_life(&stage).await?;
    let trail = stage.me.trail(&[("to", &third)], 2).await?;
    trail.columns("action", &texts(&LIFE[..2]))?;
    Ok(())
}

async fn paged(stage: Stage) -> Checked<()> {
    let id = lived(&stage).await?;
    stage.me.trail(&[("entity_id", &id)], 5).await?;
    let page = async |cursor: Option<String>| -> Checked<Answer> {
        let call = stage
            .me
            .get("/api/audit")
            .query("entity_id", &id)
            .query("limit", "2");
        let call = cursor
            .into_iter()
            .fold(call, |call, cursor| call.query("cursor", cursor));
        call.send().await?.status(200)
    };
    let first = page(None).await?.columns("action", &texts(&LIFE[..2]))?;
    let second = page(Some(first.text("/next_cursor")?)).await?;
    let second = second.columns("action", &texts(&LIFE[2..4]))?;
    let third = page(Some(second.text("/next_cursor")?)).await?;
    third
        .columns("action", &texts(&LIFE[4..]))?
        .field("/next_cursor", json!(null))?;
    Ok(())
}

async fn strangers(stage: Stage) -> Checked<()> {
    let id = stage.me.task("a").await?;
    stage.me.trail(&[("task_id", &id)], 1).await?;
    stage.stranger.trail(&[], 0).await?;
    stage.stranger.trail(&[("task_id", &id)], 0).await?;
    stage.stranger.trail(&[("user", &stage.me.id())], 0).await?;
    Ok(())
}

async fn own(stage: Stage) -> Checked<()> {
    let id = stage.me.task("a").await?;
    let trail = stage.me.trail(&[("user", &stage.me.id())], 1).await?;
    trail.field("/items/0/entity_id", id)?;
    Ok(())
}

/// A later change shows that the trail has come so far.
async fn nothing_changed(stage: Stage) -> Checked<()> {
    let id = stage.me.task("a").await?;
    let path = format!("/api/tasks/{id}");
    for title in ["a", "b"] {
        stage
            .me
            .patch(&path, &json!({ "title": title }))
            .send()
            .await?
            .status(200)?;
    }
    let trail = stage.me.trail(&[("entity_id", &id)], 2).await?;
    trail.columns("version", &numbers(&[1, 2]))?;
    Ok(())
}

async fn refused_change(stage: Stage) -> Checked<()> {
    let id = stage.me.task("a").await?;
    let path = format!("/api/tasks/{id}");
    stage
        .me
        .patch(&path, &json!({"title": ""}))
        .send()
        .await?
        .refuses(&["title"])?;
    stage
        .me
        .patch(&path, &json!({"title": "b"}))
        .send()
        .await?
        .status(200)?;
    let trail = stage.me.trail(&[("entity_id", &id)], 2).await?;
    trail.columns("version", &numbers(&[1, 2]))?;
    Ok(())
}

async fn instances(stage: Stage) -> Checked<()> {
    let body = json!({
        "title": "a",
        "due_date": "2001-01-01T09:00",
        "recurrence": {"rule": {"frequency": "daily"}, "mode": "on_schedule", "count": 3},
    });
    let created = stage.me.create(&body).await?;
    let series = created.text("/occurrence/series_id")?;
    let trail = stage.me.trail(&[("entity_id", &series)], 4).await?;
    trail.columns(
        "action",
        &texts(&["created", "advanced", "advanced", "ended"]),
    )?;
    let list = format!("/api/tasks/{}/instances", created.id()?);
    let list = stage.me.get(list).send().await?.status(200)?.count(3)?;
    for item in list.items() {
        let id = item["id"].as_str().unwrap_or_default();
        stage
            .me
            .trail(&[("task_id", id), ("action", "created")], 1)
            .await?;
    }
    Ok(())
}

async fn refused(stage: Stage, field: &str, value: &str) -> Checked<()> {
    let query = stage.me.get("/api/audit").query(field, value);
    query.send().await?.refuses(&[field])?;
    Ok(())
}

async fn without_token(stage: Stage) -> Checked<()> {
    let answer = stage.me.get("/api/audit").without_token().send().await?;
    answer.problem(401, "unauthorized")?;
    Ok(())
}
