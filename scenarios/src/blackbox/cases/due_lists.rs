//! Overdue and upcoming tasks, and ranges of due dates (T4, T7).

use serde_json::json;

use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("overdue is what should have been done", [T4 T7], [TaskCreated], overdue),
        case!(
            "what is done is not overdue", [T4 T7], [TaskCreated TaskCompleted],
            done_is_not_overdue
        ),
        case!(
            "what is reopened is overdue again", [T4 T7], [TaskCreated TaskCompleted TaskReopened],
            reopened_is_overdue
        ),
        case!(
            "what got a later date is not overdue", [T4 T7], [TaskCreated TaskUpdated],
            moved_is_not_overdue
        ),
        case!("upcoming is what is due within a week", [T4 T7], [TaskCreated], upcoming),
        case!(
            "what is done is not upcoming", [T4 T7], [TaskCreated TaskCompleted],
            done_is_not_upcoming
        ),
        case!(
            "a range of due dates has its beginning and not its end", [T4 T7], [TaskCreated], range,
            Some("2031-01-02T00:00:00Z"), Some("2031-01-03T00:00:00Z"), &["second"]
        ),
        case!(
            "due from a time on", [T4 T7], [TaskCreated], range, Some("2031-01-02T00:00:00Z"), None,
            &["second", "third"]
        ),
        case!(
            "due before a time", [T4 T7], [TaskCreated], range, None, Some("2031-01-03T00:00:00Z"),
            &["first", "second"]
        ),
        case!(
            "a range with an offset is the same instants", [T4 T7], [TaskCreated], range,
            Some("2031-01-02T02:00:00+02:00"), Some("2031-01-03T02:00:00+02:00"), &["second"]
        ),
        case!(
            "an odd question for overdue is refused", [T4 T7 T13], [], refused, "overdue", "maybe"
        ),
        case!(
            "an odd question for upcoming is refused", [T4 T7 T13], [], refused, "due_within",
            "soon"
        ),
        case!("a range from no time is refused", [T4 T7 T13], [], refused, "due_from", "yesterday"),
    ]
}

/// Due a week ago, in six days, in eight days, and never.
async fn spread(stage: &Stage) -> Checked<[String; 4]> {
    let due = |title: &str, days| json!({"title": title, "due_date": stage.inputs.in_days(days)});
    Ok([
        stage.me.create(&due("a week ago", -7)).await?.id()?,
        stage.me.create(&due("in six days", 6)).await?.id()?,
        stage.me.create(&due("in eight days", 8)).await?.id()?,
        stage.me.task("some day").await?,
    ])
}

async fn overdue(stage: Stage) -> Checked<()> {
    spread(&stage).await?;
    stage
        .me
        .tasks(&[("overdue", "true")])
        .await?
        .titles(&["a week ago"])?;
    Ok(())
}

async fn done_is_not_overdue(stage: Stage) -> Checked<()> {
    let [late, ..] = spread(&stage).await?;
    stage.me.complete(&late, true).await?;
    stage.me.tasks(&[("overdue", "true")]).await?.titles(&[])?;
    Ok(())
}

async fn reopened_is_overdue(stage: Stage) -> Checked<()> {
    let [late, ..] = spread(&stage).await?;
    stage.me.complete(&late, true).await?;
    stage.me.complete(&late, false).await?;
    stage
        .me
        .tasks(&[("overdue", "true")])
        .await?
        .titles(&["a week ago"])?;
    Ok(())
}

async fn moved_is_not_overdue(stage: Stage) -> Checked<()> {
    let [late, ..] = spread(&stage).await?;
    let body = json!({"due_date": stage.inputs.in_days(1)});
    stage
        .me
        .patch(format!("/api/tasks/{late}"), &body)
        .send()
        .await?
        .status(200)?;
    stage.me.tasks(&[("overdue", "true")]).await?.titles(&[])?;
    let upcoming = stage
        .me
        .tasks(&[("due_within", "7d"), ("sort", "due_date")])
        .await?;
    upcoming.titles(&["a week ago", "in six days"])?;
    Ok(())
}

async fn upcoming(stage: Stage) -> Checked<()> {
    spread(&stage).await?;
    stage
        .me
        .tasks(&[("due_within", "7d")])
        .await?
        .titles(&["in six days"])?;
    let longer = stage
        .me
        .tasks(&[("due_within", "30d"), ("sort", "due_date")])
        .await?;
    longer.titles(&["in six days", "in eight days"])?;
    Ok(())
}

async fn done_is_not_upcoming(stage: Stage) -> Checked<()> {
    let [_, next, ..] = spread(&stage).await?;
    stage.me.complete(&next, true).await?;
    stage.me.tasks(&[("due_within", "7d")]).await?.titles(&[])?;
    Ok(())
}

async fn range(
    stage: Stage,
    from: Option<&str>,
    to: Option<&str>,
    expected: &[&str],
) -> Checked<()> {
    for (title, due) in [
        ("first", "2031-01-01T23:59:59Z"),
        ("second", "2031-01-02T00:00:00Z"),
        ("third", "2031-01-03T00:00:00Z"),
    ] {
        stage
            .me
            .create(&json!({"title": title, "due_date": due}))
            .await?;
    }
    stage.me.task("never").await?;
    let bounds = [("due_from", from), ("due_to", to)];
    let query: Vec<(&str, &str)> = bounds
        .into_iter()
        .filter_map(|(name, bound)| Some((name, bound?)))
        .chain([("sort", "due_date")])
        .collect();
    stage.me.tasks(&query).await?.titles(expected)?;
    Ok(())
}

async fn refused(stage: Stage, field: &str, value: &str) -> Checked<()> {
    let list = stage.me.get("/api/tasks").query(field, value);
    list.send().await?.refuses(&[field])?;
    Ok(())
}
