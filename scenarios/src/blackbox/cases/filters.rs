//! Filters of the task list (T7).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "tasks of one status", [T7], [TaskCreated TaskUpdated TaskCompleted], by_status,
            "completed", &["done"]
        ),
        case!(
            "tasks of either status", [T7], [TaskCreated TaskUpdated TaskCompleted], by_status,
            "pending,in_progress", &["open", "begun"]
        ),
        case!("tasks of a category", [T7 T3], [CategoryCreated TaskCreated], of_category),
        case!("tasks of no category", [T7 T3], [CategoryCreated TaskCreated], of_no_category),
        case!(
            "tasks with a tag", [T7 T3], [TagCreated TaskCreated], with_tags, &[0],
            &["both", "first"]
        ),
        case!(
            "tasks with both tags, the field given twice", [T7 T3], [TagCreated TaskCreated],
            with_tags, &[0, 1], &["both"]
        ),
        case!(
            "tasks with both tags, with a comma", [T7 T3], [TagCreated TaskCreated],
            with_tags_by_comma
        ),
        case!("tasks with a word", [T7], [TaskCreated], with_word),
        case!(
            "tasks created from a time on",
            [T7],
            [TaskCreated],
            created_from
        ),
        case!(
            "tasks created before a time",
            [T7],
            [TaskCreated],
            created_to
        ),
        case!("filters add up", [T7 T2 T4], [TaskCreated], added_up),
        case!(
            "a list without a filter has every task",
            [T7],
            [TaskCreated],
            everything
        ),
        case!("a status that is none is refused", [T7 T13], [], refused, "status", "done"),
        case!("a category that is no id is refused", [T7 T13], [], refused, "category", "home"),
        case!("a tag that is no id is refused", [T7 T13], [], refused, "tag", "home"),
        case!("a filter that nobody knows is refused", [T7 T13], [], refused, "colour", "red"),
        case!("created since no time is refused", [T7 T13], [], refused, "created_from", "2031"),
        case!("a filter given twice is refused", [T7 T13], [], given_twice),
        case!("two wrong filters are told at once", [T7 T13], [], two_at_once),
    ]
}

async fn by_status(stage: Stage, status: &str, expected: &[&str]) -> Checked<()> {
    stage.me.task("open").await?;
    let half_done = stage.me.task("begun").await?;
    let done = stage.me.task("done").await?;
    let path = format!("/api/tasks/{half_done}");
    let begin = stage.me.patch(path, &json!({"status": "in_progress"}));
    begin.send().await?.status(200)?;
    stage.me.complete(&done, true).await?;
    stage
        .me
        .tasks(&[("status", status)])
        .await?
        .titles_in_any_order(expected)?;
    Ok(())
}

async fn categorized(stage: &Stage) -> Checked<String> {
    let (home, work) = (
        stage.me.category("home").await?,
        stage.me.category("work").await?,
    );
    for (title, category) in [
        ("at home", Some(&home)),
        ("at work", Some(&work)),
        ("anywhere", None),
    ] {
        stage
            .me
            .create(&json!({"title": title, "category_id": category}))
            .await?;
    }
    Ok(home)
}

async fn of_category(stage: Stage) -> Checked<()> {
    let home = categorized(&stage).await?;
    stage
        .me
        .tasks(&[("category", &home)])
        .await?
        .titles(&["at home"])?;
    Ok(())
}

async fn of_no_category(stage: Stage) -> Checked<()> {
    categorized(&stage).await?;
    stage
        .me
        .tasks(&[("category", "none")])
        .await?
        .titles(&["anywhere"])?;
    Ok(())
}

async fn tagged(stage: &Stage) -> Checked<[String; 2]> {
    let tags = [stage.me.tag("one").await?, stage.me.tag("two").await?];
    for (title, tags) in [
        ("first", &tags[..1]),
        ("second", &tags[1..]),
        ("both", &tags),
        ("none", &[]),
    ] {
        stage
            .me
            .create(&json!({"title": title, "tags": tags}))
            .await?;
    }
    Ok(tags)
}

async fn with_tags(stage: Stage, asked: &[usize], expected: &[&str]) -> Checked<()> {
    let tags = tagged(&stage).await?;
    let query: Vec<(&str, &str)> = asked
        .iter()
        .map(|position| ("tag", tags[*position].as_str()))
        .collect();
    stage
        .me
        .tasks(&query)
        .await?
        .titles_in_any_order(expected)?;
    Ok(())
}

async fn with_tags_by_comma(stage: Stage) -> Checked<()> {
    let tags = tagged(&stage).await?;
    stage
        .me
        .tasks(&[("tag", &tags.join(","))])
        .await?
        .titles(&["both"])?;
    Ok(())
}

async fn with_word(stage: Stage) -> Checked<()> {
    stage.me.create(&json!({"title": "buy milk"})).await?;
    stage
        .me
        .create(&json!({"title": "breakfast", "description": "with milk"}))
        .await?;
    stage.me.task("buy bread").await?;
    let found = stage.me.tasks(&[("q", "milk")]).await?;
    found.titles_in_any_order(&["buy milk", "breakfast"])?;
    Ok(())
}

/// Three tasks, and when the second was created.
async fn in_turn(stage: &Stage) -> Checked<String> {
    stage.me.task("first").await?;
    let second = stage.me.create(&json!({"title": "second"})).await?;
    stage.me.task("third").await?;
    second.text("/created_at")
}

async fn created_from(stage: Stage) -> Checked<()> {
    let second = in_turn(&stage).await?;
    let query = [("created_from", second.as_str())];
    stage
        .me
        .tasks(&query)
        .await?
        .titles_in_any_order(&["second", "third"])?;
    Ok(())
}

async fn created_to(stage: Stage) -> Checked<()> {
    let second = in_turn(&stage).await?;
    stage
        .me
        .tasks(&[("created_to", &second)])
        .await?
        .titles(&["first"])?;
    Ok(())
}

async fn added_up(stage: Stage) -> Checked<()> {
    for (title, priority, due) in [
        ("pay rent", "high", "2031-01-01T00:00:00Z"),
        ("pay taxes", "high", "2032-01-01T00:00:00Z"),
        ("pay back", "low", "2031-01-01T00:00:00Z"),
        ("call home", "high", "2031-01-01T00:00:00Z"),
    ] {
        let body = json!({"title": title, "priority": priority, "due_date": due});
        stage.me.create(&body).await?;
    }
    let query = [
        ("q", "pay"),
        ("priority", "high"),
        ("due_to", "2031-06-01T00:00:00Z"),
        ("status", "pending"),
        ("category", "none"),
    ];
    stage.me.tasks(&query).await?.titles(&["pay rent"])?;
    Ok(())
}

async fn everything(stage: Stage) -> Checked<()> {
    stage.me.task("mine").await?;
    stage.me.task("mine too").await?;
    stage.stranger.task("theirs").await?;
    let mine = stage
        .me
        .tasks(&[])
        .await?
        .titles_in_any_order(&["mine", "mine too"])?;
    mine.field("/next_cursor", json!(null))?;
    Ok(())
}

async fn refused(stage: Stage, field: &str, value: &str) -> Checked<()> {
    let list = stage.me.get("/api/tasks").query(field, value);
    list.send().await?.refuses(&[field])?;
    Ok(())
}

/// Which of the two was meant is not for the system to guess.
async fn given_twice(stage: Stage) -> Checked<()> {
    let list = stage
        .me
        .get("/api/tasks")
        .query("status", "pending")
        .query("status", "completed");
    list.send().await?.refuses(&["status"])?;
    Ok(())
}

async fn two_at_once(stage: Stage) -> Checked<()> {
    let list = stage
        .me
        .get("/api/tasks")
        .query("status", "done")
        .query("priority", "vital");
    list.send().await?.refuses(&["status", "priority"])?;
    Ok(())
}
