//! Due dates and their time zones (T4).

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

/// In 2031 the clocks of Berlin leave out 02:00–03:00 on 30 March and repeat it on 26 October; those of New
/// York leave out 02:00–03:00 on 9 March and repeat 01:00–02:00 on 2 November.
pub(super) fn cases() -> Vec<Case> {
    [zones(), clocks(), changes(), refusals()].concat()
}

/// A local time or instant, its zone, and the instant that it is.
macro_rules! due {
    ($name:literal, $date:literal, $zone:literal, $instant:literal) => {
        case!($name, [T4], [TaskCreated], due, $date, $zone, $instant)
    };
}

/// A body, and the field of it that is refused.
macro_rules! refused {
    ($name:literal, $body:tt, $field:literal) => {
        case!($name, [T4 T13], [], refused, json!($body), &[$field])
    };
}

fn zones() -> Vec<Case> {
    vec![
        due!(
            "a local time in a zone",
            "2031-11-30T17:00",
            "Europe/Berlin",
            "2031-11-30T16:00:00Z"
        ),
        due!(
            "a local time in summer",
            "2031-07-01T17:00:30",
            "Europe/Berlin",
            "2031-07-01T15:00:30Z"
        ),
        due!(
            "a local time a quarter of an hour off",
            "2031-06-01T12:00",
            "Asia/Kathmandu",
            "2031-06-01T06:15:00Z"
        ),
        due!(
            "a local time beyond the date line",
            "2031-06-01T01:00",
            "Pacific/Kiritimati",
            "2031-05-31T11:00:00Z"
        ),
        due!(
            "an instant keeps its meaning in any zone",
            "2031-07-01T12:00:00+02:00",
            "America/New_York",
            "2031-07-01T10:00:00Z"
        ),
        case!(
            "a due date without a zone is in UTC",
            [T4],
            [TaskCreated],
            without_zone
        ),
    ]
}

fn clocks() -> Vec<Case> {
    vec![
        due!(
            "a time that Berlin leaves out moves forward",
            "2031-03-30T02:30",
            "Europe/Berlin",
            "2031-03-30T01:30:00Z"
        ),
        due!(
            "a time that Berlin repeats is the first",
            "2031-10-26T02:30",
            "Europe/Berlin",
            "2031-10-26T00:30:00Z"
        ),
        due!(
            "a time that New York leaves out moves forward",
            "2031-03-09T02:30",
            "America/New_York",
            "2031-03-09T07:30:00Z"
        ),
        due!(
            "a time that New York repeats is the first",
            "2031-11-02T01:30",
            "America/New_York",
            "2031-11-02T05:30:00Z"
        ),
    ]
}

fn changes() -> Vec<Case> {
    vec![
        case!("a due date is moved and keeps its zone", [T4], [TaskCreated TaskUpdated], moved),
        case!("another zone keeps the local time", [T4], [TaskCreated TaskUpdated], other_zone),
        case!("a due date is cleared with its zone", [T4], [TaskCreated TaskUpdated], cleared),
        case!("a due date is given later", [T4], [TaskCreated TaskUpdated], given_later),
    ]
}

fn refusals() -> Vec<Case> {
    vec![
        refused!(
            "a date without a time is refused",
            {"title": "a", "due_date": "2031-11-30"}, "due_date"
        ),
        refused!(
            "a due date in words is refused", {"title": "a", "due_date": "tomorrow"}, "due_date"
        ),
        refused!(
            "a day that is in no calendar is refused",
            {"title": "a", "due_date": "2031-02-30T10:00"}, "due_date"
        ),
        refused!(
            "a zone that is none is refused",
            {"title": "a", "due_date": "2031-11-30T17:00", "time_zone": "Europe/Atlantis"},
            "time_zone"
        ),
        refused!(
            "a zone without a due date is refused",
            {"title": "a", "time_zone": "Europe/Berlin"}, "time_zone"
        ),
    ]
}

async fn created(stage: &Stage, date: &str, zone: &str) -> Checked<Answer> {
    let body = json!({"title": "a", "due_date": date, "time_zone": zone});
    stage.me.create(&body).await
}

async fn due(stage: Stage, date: &str, zone: &str, instant: &str) -> Checked<()> {
    let created = created(&stage, date, zone).await?;
    let created = created
        .field("/due_date", instant)?
        .field("/time_zone", zone)?;
    let path = format!("/api/tasks/{}", created.id()?);
    stage.me.get(path).send().await?.is(&created.body)?;
    Ok(())
}

async fn without_zone(stage: Stage) -> Checked<()> {
    let body = json!({"title": "a", "due_date": "2031-11-30T17:00"});
    let created = stage.me.create(&body).await?;
    created
        .field("/due_date", "2031-11-30T17:00:00Z")?
        .field("/time_zone", "UTC")?;
    Ok(())
}

/// A task due in Berlin at 17:00 in winter, changed.
async fn changed(stage: &Stage, body: Value) -> Checked<Answer> {
    let created = created(stage, "2031-11-30T17:00", "Europe/Berlin").await?;
    let path = format!("/api/tasks/{}", created.id()?);
    stage.me.patch(path, &body).send().await?.status(200)
}

async fn moved(stage: Stage) -> Checked<()> {
    let moved = changed(&stage, json!({"due_date": "2031-07-01T09:00"})).await?;
    moved
        .field("/due_date", "2031-07-01T07:00:00Z")?
        .field("/time_zone", "Europe/Berlin")?;
    Ok(())
}

async fn other_zone(stage: Stage) -> Checked<()> {
    let moved = changed(&stage, json!({"time_zone": "America/New_York"})).await?;
    moved
        .field("/due_date", "2031-11-30T22:00:00Z")?
        .field("/time_zone", "America/New_York")?;
    Ok(())
}

async fn cleared(stage: Stage) -> Checked<()> {
    let cleared = changed(&stage, json!({"due_date": null})).await?;
    cleared
        .field("/due_date", json!(null))?
        .field("/time_zone", json!(null))?;
    Ok(())
}

async fn given_later(stage: Stage) -> Checked<()> {
    let path = format!("/api/tasks/{}", stage.me.task("a").await?);
    let body = json!({"due_date": "2031-01-15T08:00", "time_zone": "Asia/Tokyo"});
    let given = stage.me.patch(path, &body).send().await?.status(200)?;
    given
        .field("/due_date", "2031-01-14T23:00:00Z")?
        .field("/time_zone", "Asia/Tokyo")?;
    Ok(())
}

async fn refused(stage: Stage, body: Value, fields: &[&str]) -> Checked<()> {
    stage
        .me
        .post("/api/tasks", &body)
        .send()
        .await?
        .refuses(fields)?;
    stage.me.tasks(&[]).await?.count(0)?;
    Ok(())
}
