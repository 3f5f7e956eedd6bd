//! Instances that a completion brings about (T6): api → topic → recurring → api, in whichever mode.

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::{Checked, Surprise};

/// In Berlin 09:00 is 08:00 in UTC, and 07:00 from 30 March to 25 October 2031.
pub(super) fn cases() -> Vec<Case> {
    [by_rule(), by_interval(), others()].concat()
}

/// A rule that names days of a calendar: two completions, and when the two next instances are due.
macro_rules! twice {
    ($name:literal, $start:literal, $rule:tt, $due:expr) => {
        case!(
            $name, [T6 E2 D1 D2 D3 D4],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced],
            twice, $start, json!($rule), $due
        )
    };
}

fn by_rule() -> Vec<Case> {
    vec![
        twice!(
            "each week on its days", "2031-05-05T09:00",
            {"frequency": "weekly", "days": ["mon", "thu"]},
            ["2031-05-08T07:00:00Z", "2031-05-12T07:00:00Z"]
        ),
        twice!(
            "every other week on its days", "2031-05-05T09:00",
            {"frequency": "weekly", "interval": 2, "days": ["mon", "thu"]},
            ["2031-05-08T07:00:00Z", "2031-05-19T07:00:00Z"]
        ),
        twice!(
            "a weekly task that begins on another day", "2031-05-05T09:00",
            {"frequency": "weekly", "days": ["tue"]},
            ["2031-05-06T07:00:00Z", "2031-05-13T07:00:00Z"]
        ),
        twice!(
            "each month, on its last day where it is short", "2031-01-31T09:00",
            {"frequency": "monthly"}, ["2031-02-28T08:00:00Z", "2031-03-31T07:00:00Z"]
        ),
        twice!(
            "each month that is long enough", "2031-01-31T09:00",
            {"frequency": "monthly", "month_end": "skip"},
            ["2031-03-31T07:00:00Z", "2031-05-31T07:00:00Z"]
        ),
        twice!(
            "every other month", "2031-01-15T09:00", {"frequency": "monthly", "interval": 2},
            ["2031-03-15T08:00:00Z", "2031-05-15T07:00:00Z"]
        ),
        twice!(
            "each year, on 28 February where there is no 29th", "2032-02-29T09:00",
            {"frequency": "yearly"}, ["2033-02-28T08:00:00Z", "2034-02-28T08:00:00Z"]
        ),
        twice!(
            "each year that has a 29 February", "2032-02-29T09:00",
            {"frequency": "yearly", "month_end": "skip"},
            ["2036-02-29T08:00:00Z", "2040-02-29T08:00:00Z"]
        ),
        twice!(
            "on working days, by cron", "2031-06-12T09:00",
            {"frequency": "cron", "expression": "0 9 * * 1-5"},
            ["2031-06-13T07:00:00Z", "2031-06-16T07:00:00Z"]
        ),
        twice!(
            "on the 13th and on Fridays, by cron", "2031-07-11T09:00",
            {"frequency": "cron", "expression": "0 9 13 * 5"},
            ["2031-07-13T07:00:00Z", "2031-07-18T07:00:00Z"]
        ),
    ]
}

fn by_interval() -> Vec<Case> {
    vec![
        case!(
            "a day after it was done", [T6 D1 D4],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced], days_after,
            json!({"frequency": "daily"}), 1
        ),
        case!(
            "three days after it was done", [T6 D1 D4],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced], days_after,
            json!({"frequency": "daily", "interval": 3}), 3
        ),
        case!(
            "a week after it was done", [T6 D1 D4],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced], days_after,
            json!({"frequency": "weekly"}), 7
        ),
        case!(
            "a task done years too late goes on in the future", [T6 D1 D4],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced], late
        ),
    ]
}

fn others() -> Vec<Case> {
    vec![
        case!(
            "the next instance is like the one before", [T6 T2 T3],
            [TagCreated CategoryCreated TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced],
            alike
        ),
        case!(
            "a series that was begun later goes on", [T6 T8],
            [TaskCreated TaskUpdated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced],
            begun_later
        ),
        case!(
            "a count ends a series", [T6],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced SeriesEnded],
            ends, json!({"rule": {"frequency": "monthly"}, "count": 2})
        ),
        case!(
            "a last day ends a series", [T6],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced SeriesEnded],
            ends, json!({"rule": {"frequency": "monthly"}, "until": "2031-03-30"})
        ),
        case!(
            "a last day counts itself", [T6],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced SeriesEnded],
            ends, json!({"rule": {"frequency": "monthly"}, "until": "2031-02-28"})
        ),
        case!(
            "doing it again after undoing brings no second instance", [T6 T1],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled SeriesAdvanced TaskReopened],
            done_again
        ),
        case!(
            "a deleted instance is followed by the next", [T6],
            [TaskCreated SeriesCreated TaskDeleted InstanceSettled SeriesAdvanced], deleted
        ),
    ]
}

fn monthly() -> Value {
    json!({"rule": {"frequency": "monthly"}})
}

/// The first task of a series that begins in Berlin.
async fn begun(stage: &Stage, start: &str, recurrence: &Value) -> Checked<String> {
    let body = json!({
        "title": "again",
        "due_date": start,
        "time_zone": "Europe/Berlin",
        "recurrence": recurrence,
    });
    stage
        .me
        .create(&body)
        .await?
        .field("/occurrence/number", 1)?
        .id()
}

/// Waits for the instance of this number, and answers the list that ends with it.
async fn instance(stage: &Stage, first: &str, number: usize) -> Checked<Answer> {
    let call = stage.me.get(format!("/api/tasks/{first}/instances"));
    let what = format!("instance {number}");
    let answer = stage
        .me
        .eventually(call, &what, |answer| answer.items().count() >= number);
    let last = format!("/items/{}", number - 1);
    let answer = answer.await?.status(200)?.count(number)?;
    answer
        .field(&format!("{last}/occurrence/number"), number)?
        .field(&format!("{last}/status"), "pending")?
        .field(&format!("{last}/version"), 1)
}

/// Completes the last of the instances.
async fn done(stage: &Stage, instances: &Answer) -> Checked<()> {
    let last = instances.items().count().saturating_sub(1);
    stage
        .me
        .complete(&instances.text(&format!("/items/{last}/id"))?, true)
        .await?;
    Ok(())
}

async fn twice(stage: Stage, start: &str, rule: Value, due: [&str; 2]) -> Checked<()> {
    let recurrence = json!({"rule": rule, "mode": "on_completion"});
    let first = begun(&stage, start, &recurrence).await?;
    stage.me.complete(&first, true).await?;
    let second = instance(&stage, &first, 2).await?;
    let second = second
        .field("/items/1/due_date", due[0])?
        .field("/items/1/time_zone", "Europe/Berlin")?
        .equal(
            "/items/0/occurrence/series_id",
            "/items/1/occurrence/series_id",
        )?;
    done(&stage, &second).await?;
    instance(&stage, &first, 3)
        .await?
        .field("/items/2/due_date", due[1])?;
    Ok(())
}

/// A mere interval counts from the day on which it was done, in the zone of the task. There it is noon.
async fn days_after(stage: Stage, rule: Value, days: i64) -> Checked<()> {
    let noon = stage.inputs.noon();
    let body = json!({
        "title": "again",
        "due_date": "2031-05-05T09:30",
        "time_zone": noon.zone,
        "recurrence": {"rule": rule},
    });
    let first = stage.me.create(&body).await?.id()?;
    stage.me.complete(&first, true).await?;
    let due = noon.instant(noon.date + days.days(), Time::constant(9, 30, 0, 0));
    instance(&stage, &first, 2)
        .await?
        .field("/items/1/due_date", due)?;
    Ok(())
}

/// The first last day of a month that is yet to come.
async fn late(stage: Stage) -> Checked<()> {
    let first = begun(&stage, "2001-01-31T09:00", &monthly()).await?;
    stage.me.complete(&first, true).await?;
    let next = instance(&stage, &first, 2).await?;
    let due = next.text("/items/1/due_date")?;
    let at: Timestamp = due
        .parse()
        .map_err(|error| Surprise::new("its due date", error))?;
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let is_last = |day: Date| day == day.last_of_month();
    if at <= stage.inputs.begun_at() || !is_last(day) {
        return Err(next.surprise(format!("{due} is not the last day of a month to come")));
    }
    let within = stage.inputs.begun_at() + (32 * 24).hours();
    if at > within {
        return Err(next.surprise(format!("{due} leaves a month out")));
    }
    Ok(())
}

async fn alike(stage: Stage) -> Checked<()> {
    let (tag, category) = (
        stage.me.tag("home").await?,
        stage.me.category("chores").await?,
    );
    let body = json!({
        "title": "clean",
        "description": "the windows",
        "priority": "high",
        "category_id": category,
        "tags": [tag],
        "due_date": "2031-05-05T09:00",
        "time_zone": "Europe/Berlin",
        "recurrence": monthly(),
    });
    let first = stage.me.create(&body).await?.id()?;
    stage.me.complete(&first, true).await?;
    instance(&stage, &first, 2)
        .await?
        .field("/items/1/title", "clean")?
        .field("/items/1/description", "the windows")?
        .field("/items/1/priority", "high")?
        .field("/items/1/category_id", category)?
        .field("/items/1/tags", json!([tag]))?
        .field("/items/1/completed_at", json!(null))?;
    Ok(())
}

async fn begun_later(stage: Stage) -> Checked<()> {
    let body = json!({"title": "a", "due_date": "2031-05-05T09:00", "time_zone": "Europe/Berlin"});
    let first = stage.me.create(&body).await?.id()?;
    let recurring = stage
        .me
        .post(format!("/api/tasks/{first}/recurring"), &monthly());
    recurring.send().await?.status(200)?;
    stage.me.complete(&first, true).await?;
    let next = instance(&stage, &first, 2).await?;
    next.field("/items/1/due_date", "2031-06-05T07:00:00Z")?;
    Ok(())
}

/// On the last of January and of February, and no more.
async fn ends(stage: Stage, recurrence: Value) -> Checked<()> {
    let first = begun(&stage, "2031-01-31T09:00", &recurrence).await?;
    stage.me.complete(&first, true).await?;
    let second = instance(&stage, &first, 2).await?;
    done(&stage, &second).await?;
    let series = stage.me.get(format!("/api/tasks/{first}/recurring"));
    let is_over = |answer: &Answer| !answer.body["ended_at"].is_null();
    stage
        .me
        .eventually(series, "the end of the series", is_over)
        .await?
        .status(200)?;
    stage
        .me
        .get(format!("/api/tasks/{first}/instances"))
        .send()
        .await?
        .count(2)?;
    Ok(())
}

/// The third instance shows that the second completion of the first one had its time.
async fn done_again(stage: Stage) -> Checked<()> {
    let first = begun(&stage, "2031-05-05T09:00", &monthly()).await?;
    stage.me.complete(&first, true).await?;
    let second = instance(&stage, &first, 2).await?;
    stage.me.complete(&first, false).await?;
    stage.me.complete(&first, true).await?;
    done(&stage, &second).await?;
    let third = instance(&stage, &first, 3).await?;
    let due = [
        "2031-05-05T07:00:00Z",
        "2031-06-05T07:00:00Z",
        "2031-07-05T07:00:00Z",
    ];
    third.columns("due_date", &due.map(Value::from))?;
    Ok(())
}

async fn deleted(stage: Stage) -> Checked<()> {
    let first = begun(&stage, "2031-05-05T09:00", &monthly()).await?;
    stage
        .me
        .delete(format!("/api/tasks/{first}"))
        .send()
        .await?
        .status(204)?;
    let list = stage.me.get("/api/tasks");
    let next = stage
        .me
        .eventually(list, "the next instance", |list| list.items().count() > 0);
    next.await?
        .count(1)?
        .field("/items/0/occurrence/number", 2)?
        .field("/items/0/title", "again")?
        .field("/items/0/due_date", "2031-06-05T07:00:00Z")?;
    Ok(())
}
