//! Instances that the schedule alone brings about (T6). What is due in the past is due at once, one
//! occurrence after the other, none left out.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::case::{Case, case};
use super::super::stage::Stage;
use super::super::surprise::Checked;

/// In 2001 the clocks of Berlin leave out 02:00–03:00 on 25 March and repeat it on 28 October.
pub(super) fn cases() -> Vec<Case> {
    [by_day_and_week(), by_month_and_year(), others()].concat()
}

/// A schedule that lies in the past: when its instances are due, all of them.
macro_rules! scheduled {
    ($name:literal, $start:literal, $recurrence:tt, $due:expr) => {
        case!(
            $name, [T6 T4 D1 D3 D4], [TaskCreated SeriesCreated SeriesAdvanced SeriesEnded],
            scheduled, $start, json!($recurrence), $due
        )
    };
}

fn by_day_and_week() -> Vec<Case> {
    vec![
        scheduled!(
            "each day by schedule", "2001-01-01T09:00",
            {"rule": {"frequency": "daily"}, "count": 4},
            &["2001-01-01T08:00:00Z", "2001-01-02T08:00:00Z", "2001-01-03T08:00:00Z", "2001-01-04T08:00:00Z"]
        ),
        scheduled!(
            "every third day by schedule", "2001-01-30T09:00",
            {"rule": {"frequency": "daily", "interval": 3}, "count": 3},
            &["2001-01-30T08:00:00Z", "2001-02-02T08:00:00Z", "2001-02-05T08:00:00Z"]
        ),
        scheduled!(
            "each day across a gap of the clocks", "2001-03-24T02:30",
            {"rule": {"frequency": "daily"}, "count": 3},
            &["2001-03-24T01:30:00Z", "2001-03-25T01:30:00Z", "2001-03-26T00:30:00Z"]
        ),
        scheduled!(
            "each day across a fold of the clocks", "2001-10-27T02:30",
            {"rule": {"frequency": "daily"}, "count": 3},
            &["2001-10-27T00:30:00Z", "2001-10-28T00:30:00Z", "2001-10-29T01:30:00Z"]
        ),
        scheduled!(
            "each week by schedule", "2001-01-01T09:00",
            {"rule": {"frequency": "weekly"}, "count": 3},
            &["2001-01-01T08:00:00Z", "2001-01-08T08:00:00Z", "2001-01-15T08:00:00Z"]
        ),
        scheduled!(
            "on days of each week by schedule", "2001-01-01T09:00",
            {"rule": {"frequency": "weekly", "days": ["mon", "wed"]}, "count": 3},
            &["2001-01-01T08:00:00Z", "2001-01-03T08:00:00Z", "2001-01-08T08:00:00Z"]
        ),
    ]
}

fn by_month_and_year() -> Vec<Case> {
    vec![
        scheduled!(
            "at each month's end by schedule", "2001-01-31T09:00",
            {"rule": {"frequency": "monthly"}, "count": 4},
            &["2001-01-31T08:00:00Z", "2001-02-28T08:00:00Z", "2001-03-31T07:00:00Z", "2001-04-30T07:00:00Z"]
        ),
        scheduled!(
            "on each 31st by schedule", "2001-01-31T09:00",
            {"rule": {"frequency": "monthly", "month_end": "skip"}, "count": 3},
            &["2001-01-31T08:00:00Z", "2001-03-31T07:00:00Z", "2001-05-31T07:00:00Z"]
        ),
        scheduled!(
            "each year by schedule", "2000-02-29T09:00",
            {"rule": {"frequency": "yearly"}, "count": 3},
            &["2000-02-29T08:00:00Z", "2001-02-28T08:00:00Z", "2002-02-28T08:00:00Z"]
        ),
        scheduled!(
            "each leap year by schedule", "2000-02-29T09:00",
            {"rule": {"frequency": "yearly", "month_end": "skip"}, "count": 3},
            &["2000-02-29T08:00:00Z", "2004-02-29T08:00:00Z", "2008-02-29T08:00:00Z"]
        ),
        scheduled!(
            "by cron and schedule", "2001-01-05T09:00",
            {"rule": {"frequency": "cron", "expression": "30 8 * * 1-5"}, "count": 3},
            &["2001-01-05T08:00:00Z", "2001-01-08T07:30:00Z", "2001-01-09T07:30:00Z"]
        ),
        scheduled!(
            "until a last day by schedule", "2001-01-01T09:00",
            {"rule": {"frequency": "daily"}, "until": "2001-01-02"},
            &["2001-01-01T08:00:00Z", "2001-01-02T08:00:00Z"]
        ),
    ]
}

fn others() -> Vec<Case> {
    vec![
        case!(
            "a single instance by schedule", [T6], [TaskCreated SeriesCreated SeriesEnded],
            scheduled, "2001-01-01T09:00", json!({"rule": {"frequency": "daily"}, "count": 1}),
            &["2001-01-01T08:00:00Z"]
        ),
        case!(
            "a scheduled series does not wait for what is undone", [T6 T7],
            [TaskCreated SeriesCreated SeriesAdvanced SeriesEnded], all_pending
        ),
        case!(
            "a scheduled series does not hurry for what is done", [T6 T9],
            [TaskCreated SeriesCreated TaskCompleted InstanceSettled], done_early
        ),
    ]
}

async fn begun(stage: &Stage, start: &str, mut recurrence: Value) -> Checked<String> {
    recurrence["mode"] = json!("on_schedule");
    let body = json!({
        "title": "by the clock",
        "due_date": start,
        "time_zone": "Europe/Berlin",
        "recurrence": recurrence,
    });
    stage.me.create(&body).await?.id()
}

/// Waits until the schedule has come to its end.
async fn over(stage: &Stage, first: &str) -> Checked<Answer> {
    let series = stage.me.get(format!("/api/tasks/{first}/recurring"));
    let is_over = |answer: &Answer| !answer.body["ended_at"].is_null();
    let over = stage
        .me
        .eventually(series, "the end of the series", is_over);
    over.await?.status(200)
}

async fn scheduled(stage: Stage, start: &str, recurrence: Value, due: &[&str]) -> Checked<()> {
    let first = begun(&stage, start, recurrence).await?;
    over(&stage, &first).await?;
    let instances = stage
        .me
        .get(format!("/api/tasks/{first}/instances"))
        .send()
        .await?;
    let due: Vec<Value> = due.iter().copied().map(Value::from).collect();
    let instances = instances.status(200)?.columns("due_date", &due)?;
    let numbers = instances.column("occurrence");
    let are_in_order = (1_u64..)
        .zip(&numbers)
        .all(|(number, at)| at["number"] == number);
    if !are_in_order {
        return Err(instances.surprise("the instances are not numbered in order"));
    }
    Ok(())
}

async fn all_pending(stage: Stage) -> Checked<()> {
    let recurrence = json!({"rule": {"frequency": "daily"}, "count": 3});
    let first = begun(&stage, "2001-01-01T09:00", recurrence).await?;
    over(&stage, &first).await?;
    stage
        .me
        .tasks(&[("overdue", "true"), ("status", "pending")])
        .await?
        .count(3)?;
    Ok(())
}

/// It is due in 2031, and until then the next one is not.
async fn done_early(stage: Stage) -> Checked<()> {
    let recurrence = json!({"rule": {"frequency": "daily"}});
    let first = begun(&stage, "2031-05-05T09:00", recurrence).await?;
    stage.me.complete(&first, true).await?;
    stage
        .me
        .trail(&[("entity_id", &first), ("action", "completed")], 1)
        .await?;
    stage
        .me
        .get(format!("/api/tasks/{first}/instances"))
        .send()
        .await?
        .status(200)?
        .count(1)?;
    let series = stage
        .me
        .get(format!("/api/tasks/{first}/recurring"))
        .send()
        .await?;
    series
        .field("/ended_at", json!(null))?
        .field("/next_occurrence", 2)?;
    Ok(())
}
