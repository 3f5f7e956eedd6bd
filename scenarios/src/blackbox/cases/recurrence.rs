//! Series begin, are read, end, and are refused (T6, T8).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

pub(super) fn cases() -> Vec<Case> {
    [told_and_ended(), not_accepted()].concat()
}

fn told_and_ended() -> Vec<Case> {
    vec![
        case!(
            "a task begins a series at its creation", [T6 E1], [TaskCreated SeriesCreated], begins
        ),
        case!(
            "a task is made to recur later", [T6 T8 E1], [TaskCreated TaskUpdated SeriesCreated],
            made_to_recur
        ),
        case!(
            "a rule is told as it was given", [T6], [TaskCreated SeriesCreated], told,
            json!({"rule": {"frequency": "weekly", "interval": 2, "days": ["mon", "thu"]}, "mode": "on_schedule", "count": 10, "until": "2031-12-31"})
        ),
        case!(
            "a rule of months is told as it was given", [T6], [TaskCreated SeriesCreated], told,
            json!({"rule": {"frequency": "monthly", "interval": 3, "month_end": "skip"}, "mode": "on_completion"})
        ),
        case!(
            "a cron rule is told as it was given", [T6], [TaskCreated SeriesCreated], told,
            json!({"rule": {"frequency": "cron", "expression": "*/15 8-18 * * 1-5"}, "mode": "on_schedule"})
        ),
        case!(
            "the first instance is in its series", [T6 T8], [TaskCreated SeriesCreated],
            first_instance
        ),
        case!("a series is ended", [T6 T8 E1], [TaskCreated SeriesCreated SeriesEnded], ended),
        case!(
            "an ended series has no further instance", [T6 T9],
            [TaskCreated SeriesCreated SeriesEnded TaskCompleted InstanceSettled], ended_for_good
        ),
        case!("a task without a series has none to show", [T6 T8 T13], [TaskCreated], no_series),
        case!(
            "another user's series is not there", [T6 T13], [TaskCreated SeriesCreated], strangers
        ),
    ]
}

fn not_accepted() -> Vec<Case> {
    vec![
        case!("a recurrence without a due date is refused", [T6 T13], [], without_due_date),
        case!(
            "a recurrence of a task without a due date is refused", [T6 T8 T13], [TaskCreated],
            later_without_due_date
        ),
        case!(
            "an interval of none is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "daily", "interval": 0}}), &["recurrence.rule.interval"]
        ),
        case!(
            "an interval of 1001 is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "yearly", "interval": 1001}}),
            &["recurrence.rule.interval"]
        ),
        case!(
            "a count of none is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "daily"}, "count": 0}), &["recurrence.count"]
        ),
        case!(
            "an end before the beginning is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "daily"}, "until": "2031-05-04"}), &["recurrence.until"]
        ),
        case!(
            "a day of the week given twice is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "weekly", "days": ["mon", "mon"]}}),
            &["recurrence.rule.days"]
        ),
        case!(
            "a cron of six fields is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "cron", "expression": "0 0 9 * * 1"}}),
            &["recurrence.rule.expression"]
        ),
        case!(
            "a cron of 30 February is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "cron", "expression": "0 9 30 2 *"}}),
            &["recurrence.rule.expression"]
        ),
        case!(
            "a cron that is none is refused", [T6 T13], [], refused,
            json!({"rule": {"frequency": "cron", "expression": "every day"}}),
            &["recurrence.rule.expression"]
        ),
        case!(
            "a frequency that is none is refused", [T6 T13], [], unreadable,
            json!({"rule": {"frequency": "hourly"}})
        ),
        case!(
            "a mode that is none is refused", [T6 T13], [], unreadable,
            json!({"rule": {"frequency": "daily"}, "mode": "now and then"})
        ),
    ]
}

fn body(recurrence: &Value) -> Value {
    json!({
        "title": "a",
        "due_date": "2031-05-05T09:00",
        "time_zone": "Europe/Berlin",
        "recurrence": recurrence,
    })
}

fn daily() -> Value {
    json!({"rule": {"frequency": "daily", "interval": 1}, "mode": "on_completion"})
}

/// The path to the first task of a daily series.
async fn series(stage: &Stage) -> Checked<String> {
    let created = stage.me.create(&body(&daily())).await?;
    Ok(format!("/api/tasks/{}", created.id()?))
}

async fn recurring(stage: &Stage, path: &str) -> Checked<Answer> {
    stage
        .me
        .get(format!("{path}/recurring"))
        .send()
        .await?
        .status(200)
}

async fn begins(stage: Stage) -> Checked<()> {
    let created = stage
        .me
        .create(&body(&json!({"rule": {"frequency": "daily"}})))
        .await?;
    let created = created
        .field("/due_date", "2031-05-05T07:00:00Z")?
        .field("/occurrence/number", 1)?
        .field("/version", 1)?;
    let series = created.text("/occurrence/series_id")?;
    let path = format!("/api/tasks/{}", created.id()?);
    recurring(&stage, &path)
        .await?
        .field("/id", series)?
        .field("/user_id", stage.me.id())?
        .field("/recurrence", daily())?
        .field("/start", "2031-05-05T09:00:00")?
        .field("/time_zone", "Europe/Berlin")?
        .field("/next_occurrence", 2)?
        .field("/latest_due_at", "2031-05-05T07:00:00Z")?
        .field("/ended_at", json!(null))?
        .field("/version", 1)?;
    Ok(())
}

async fn made_to_recur(stage: Stage) -> Checked<()> {
    let task = json!({"title": "a", "due_date": "2031-05-05T09:00", "time_zone": "Europe/Berlin"});
    let created = stage
        .me
        .create(&task)
        .await?
        .field("/occurrence", json!(null))?;
    let path = format!("/api/tasks/{}", created.id()?);
    let made = stage
        .me
        .post(format!("{path}/recurring"), &daily())
        .send()
        .await?
        .status(200)?;
    let made = made.field("/occurrence/number", 1)?.field("/version", 2)?;
    stage.me.get(&path).send().await?.is(&made.body)?;
    recurring(&stage, &path)
        .await?
        .field("/recurrence", daily())?;
    Ok(())
}

async fn told(stage: Stage, recurrence: Value) -> Checked<()> {
    let created = stage.me.create(&body(&recurrence)).await?;
    let path = format!("/api/tasks/{}", created.id()?);
    recurring(&stage, &path)
        .await?
        .field("/recurrence", recurrence)?;
    Ok(())
}

async fn first_instance(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&body(&daily())).await?;
    let path = format!("/api/tasks/{}/instances", created.id()?);
    let instances = stage.me.get(path).send().await?.status(200)?.count(1)?;
    instances
        .field("/items/0", created.body)?
        .field("/next_cursor", json!(null))?;
    Ok(())
}

async fn ended(stage: Stage) -> Checked<()> {
    let path = series(&stage).await?;
    stage
        .me
        .delete(format!("{path}/recurring"))
        .send()
        .await?
        .succeeded()?;
    let series = recurring(&stage, &path).await?;
    series.given("/ended_at")?.field("/version", 2)?;
    // The task itself stays.
    stage
        .me
        .get(path)
        .send()
        .await?
        .status(200)?
        .field("/status", "pending")?;
    Ok(())
}

async fn ended_for_good(stage: Stage) -> Checked<()> {
    let created = stage.me.create(&body(&daily())).await?;
    let id = created.id()?;
    let path = format!("/api/tasks/{id}");
    stage
        .me
        .delete(format!("{path}/recurring"))
        .send()
        .await?
        .succeeded()?;
    stage.me.complete(&id, true).await?;
    // A consumer has had the completion by then. An instance that came all the same would leave events.
    stage
        .me
        .trail(&[("entity_id", &id), ("action", "completed")], 1)
        .await?;
    stage
        .me
        .get(format!("{path}/instances"))
        .send()
        .await?
        .status(200)?
        .count(1)?;
    Ok(())
}

async fn no_series(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}/recurring", stage.me.task("a").await?);
    stage.me.get(path).send().await?.problem(404, "not-found")?;
    Ok(())
}

async fn strangers(stage: Stage) -> Checked<()> {
    let path = series(&stage).await?;
    for below in ["recurring", "instances"] {
        let read = stage.stranger.get(format!("{path}/{below}")).send().await?;
        read.problem(404, "not-found")?;
    }
    let ended = stage
        .stranger
        .delete(format!("{path}/recurring"))
        .send()
        .await?;
    ended.problem(404, "not-found")?;
    recurring(&stage, &path)
        .await?
        .field("/ended_at", json!(null))?;
    Ok(())
}

async fn without_due_date(stage: Stage) -> Checked<()> {
    let body = json!({"title": "a", "recurrence": daily()});
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(&["recurrence"])?;
    Ok(())
}

async fn later_without_due_date(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}/recurring", stage.me.task("a").await?);
    stage
        .me
        .post(path, &daily())
        .send()
        .await?
        .problem(422, "invalid")?;
    Ok(())
}

async fn refused(stage: Stage, recurrence: Value, fields: &[&str]) -> Checked<()> {
    stage
        .me
        .post("/api/tasks", &body(&recurrence))
        .send()
        .await?
        .refuses(fields)?;
    stage.me.tasks(&[]).await?.count(0)?;
    Ok(())
}

async fn unreadable(stage: Stage, recurrence: Value) -> Checked<()> {
    let answer = stage
        .me
        .post("/api/tasks", &body(&recurrence))
        .send()
        .await?;
    answer.problem(422, "invalid")?;
    Ok(())
}
