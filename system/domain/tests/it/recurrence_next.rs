//! Due dates of series: where they end, what follows a settlement, and what is refused.

use gauntlet_contract::recurrence::{Mode, Recurrence};
use gauntlet_domain::recurrence::{LAST_YEAR, Schedule};

use super::recurrence::{at, cron, days, dues, recurrence, rule, schedule};

#[test]
fn count_has_the_first_instance_in_it() {
    let thrice = recurrence(r#"{"rule":{"frequency":"daily"},"count":3}"#);
    assert_eq!(days(&thrice, "2024-01-01T09:00", 10).len(), 3);
    let schedule = schedule(&thrice, "2024-01-01T09:00", "UTC");
    let has: Vec<_> = (0..5).map(|number| schedule.has_number(number)).collect();
    assert_eq!(has, [false, true, true, true, false]);
}

#[test]
fn until_has_its_own_day_in_it_in_the_zone_of_the_series() {
    let until = recurrence(r#"{"rule":{"frequency":"daily"},"until":"2024-01-03"}"#);
    // 23:30 in New York is the next day in UTC.
    assert_eq!(
        dues(&until, "2024-01-01T23:30", "America/New_York", 10),
        ["01-01 23:30-0500", "01-02 23:30-0500", "01-03 23:30-0500"]
    );
    let schedule = schedule(&until, "2024-01-01T23:30", "America/New_York");
    assert_eq!(schedule.after(at("2030-01-01T00:00:00Z")), None);
    // The same end holds for what is counted from a completion.
    let next = |settled| schedule.next_due(schedule.first(), Some(at(settled)), Mode::OnCompletion);
    assert_eq!(
        next("2024-01-02T12:00:00Z"),
        Some(at("2024-01-04T04:30:00Z"))
    );
    assert_eq!(next("2024-01-03T12:00:00Z"), None);
}

#[test]
fn nothing_is_due_after_the_last_year() {
    let yearly = rule(r#"{"frequency":"yearly","interval":1000}"#);
    let dues = days(&yearly, "2024-06-01T09:00", 10);
    assert_eq!(dues, ["2024-06-01", "3024-06-01", "4024-06-01"]);
    let skip = rule(r#"{"frequency":"monthly","interval":1,"month_end":"skip"}"#);
    assert_eq!(days(&skip, "4999-12-31T09:00", 10).len(), 1);
    assert_eq!(days(&cron("0 9 1 1 *"), "4998-12-31T09:00", 10).len(), 2);
    assert_eq!(LAST_YEAR, 4_999);
}

#[test]
fn a_past_due_date_never_ends_the_chain() {
    let long_ago = at("2020-01-31T08:00:00Z");
    for json in [
        r#"{"frequency":"daily"}"#,
        r#"{"frequency":"weekly"}"#,
        r#"{"frequency":"weekly","days":["mon"]}"#,
        r#"{"frequency":"monthly","month_end":"skip"}"#,
        r#"{"frequency":"yearly"}"#,
        r#"{"frequency":"cron","expression":"0 9 * * *"}"#,
    ] {
        let schedule = schedule(&rule(json), "2020-01-31T09:00", "Europe/Berlin");
        let done = at("2026-05-05T12:00:00Z");
        let next = schedule.next_due(long_ago, Some(done), Mode::OnCompletion);
        assert!(next.is_some_and(|next| next > done), "{json}");
        let missed = schedule.next_due(long_ago, None, Mode::OnSchedule);
        assert!(missed.is_some_and(|missed| missed < done), "{json}");
    }
}

#[test]
fn on_schedule_leaves_no_occurrence_out() {
    let daily = schedule(&rule(r#"{"frequency":"daily"}"#), "2024-01-01T09:00", "UTC");
    let latest = at("2024-01-05T09:00:00Z");
    let next = Some(at("2024-01-06T09:00:00Z"));
    let late = Some(at("2024-03-01T00:00:00Z"));
    assert_eq!(daily.next_due(latest, None, Mode::OnSchedule), next);
    assert_eq!(daily.next_due(latest, late, Mode::OnSchedule), next);
    assert_eq!(daily.next_due(latest, None, Mode::OnCompletion), next);
}

#[test]
fn on_completion_a_mere_interval_counts_from_the_day_it_was_done() {
    let third = rule(r#"{"frequency":"daily","interval":3}"#);
    let third = schedule(&third, "2024-01-01T09:00", "Europe/Berlin");
    let next = |settled| {
        third.next_due(
            at("2024-01-10T08:00:00Z"),
            Some(at(settled)),
            Mode::OnCompletion,
        )
    };
    // Late, in time, and early; the day is the one of the zone, where 23:30 UTC is tomorrow.
    assert_eq!(
        next("2024-01-20T20:00:00Z"),
        Some(at("2024-01-23T08:00:00Z"))
    );
    assert_eq!(
        next("2024-01-10T07:00:00Z"),
        Some(at("2024-01-13T08:00:00Z"))
    );
    assert_eq!(
        next("2024-01-08T07:00:00Z"),
        Some(at("2024-01-11T08:00:00Z"))
    );
    assert_eq!(
        next("2024-01-20T23:30:00Z"),
        Some(at("2024-01-24T08:00:00Z"))
    );

    let weekly = schedule(
        &rule(r#"{"frequency":"weekly"}"#),
        "2024-01-01T09:00",
        "UTC",
    );
    let done = Some(at("2024-01-10T20:00:00Z"));
    assert_eq!(
        weekly.next_due(at("2024-01-08T09:00:00Z"), done, Mode::OnCompletion),
        Some(at("2024-01-17T09:00:00Z"))
    );
}

#[test]
fn on_completion_an_interval_goes_on_when_tomorrow_is_over_already() {
    // In Newfoundland the clocks went from 00:01 on the 7th back to 23:01 on the 6th.
    let daily = rule(r#"{"frequency":"daily"}"#);
    let daily = schedule(&daily, "2010-11-01T00:00", "America/St_Johns");
    let second_evening = at("2010-11-07T03:00:00Z");
    assert_eq!(
        daily.next_due(
            at("2010-11-06T02:30:00Z"),
            Some(second_evening),
            Mode::OnCompletion
        ),
        Some(at("2010-11-08T03:30:00Z"))
    );
}

#[test]
fn on_completion_days_of_a_calendar_stay_on_it() {
    let mondays = rule(r#"{"frequency":"weekly","days":["mon"]}"#);
    let mondays = schedule(&mondays, "2024-01-01T09:00", "UTC");
    let latest = at("2024-01-08T09:00:00Z");
    let next = |settled| mondays.next_due(latest, Some(at(settled)), Mode::OnCompletion);
    // Early: not the same Monday again. Late: the next one to come.
    assert_eq!(
        next("2024-01-05T12:00:00Z"),
        Some(at("2024-01-15T09:00:00Z"))
    );
    assert_eq!(
        next("2024-01-31T12:00:00Z"),
        Some(at("2024-02-05T09:00:00Z"))
    );

    let monthly = schedule(
        &rule(r#"{"frequency":"monthly"}"#),
        "2024-01-31T09:00",
        "UTC",
    );
    assert_eq!(
        monthly.next_due(
            at("2024-01-31T09:00:00Z"),
            Some(at("2024-02-29T09:00:00Z")),
            Mode::OnCompletion
        ),
        Some(at("2024-03-31T09:00:00Z"))
    );
}

fn refused(recurrence: &Recurrence, start: &str, zone: &str) -> Vec<&'static str> {
    let refused = Schedule::new(recurrence, start.parse().unwrap(), zone).unwrap_err();
    let violations = refused.into_violations();
    assert!(violations.iter().all(|v| !v.detail.is_empty()));
    violations.into_iter().map(|v| v.field).collect()
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = recurrence(
        r#"{"rule":{"frequency":"weekly","interval":0,"days":["mon","tue","mon"]},"count":0,"until":"2023-12-31"}"#,
    );
    assert_eq!(
        refused(&wrong, "2024-01-01T09:00", "Mars/Olympus"),
        [
            "recurrence.rule.interval",
            "recurrence.rule.days",
            "recurrence.count",
            "time_zone",
            "recurrence.until"
        ]
    );
    let error = Schedule::new(&wrong, "2024-01-01T09:00".parse().unwrap(), "UTC").unwrap_err();
    assert_eq!(
        error.to_string(),
        "make a schedule of invalid fields: recurrence.rule.interval, recurrence.rule.days, \
         recurrence.count, recurrence.until"
    );
}

#[test]
fn each_rule_has_its_interval_checked() {
    for frequency in ["daily", "weekly", "monthly", "yearly"] {
        for (interval, is_good) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
            let json = format!(r#"{{"frequency":"{frequency}","interval":{interval}}}"#);
            let made = Schedule::new(&rule(&json), "2024-01-31T09:00".parse().unwrap(), "UTC");
            assert_eq!(made.is_ok(), is_good, "{json}");
        }
    }
}

#[test]
fn a_start_or_an_end_out_of_range_is_refused() {
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(refused(&daily, "5000-01-01T00:00", "UTC"), ["due_date"]);
    assert_eq!(refused(&daily, "0000-12-31T00:00", "UTC"), ["due_date"]);
    let until = recurrence(r#"{"rule":{"frequency":"daily"},"until":"2024-01-01"}"#);
    assert_eq!(
        refused(&until, "2024-01-02T00:00", "UTC"),
        ["recurrence.until"]
    );
    assert_eq!(dues(&until, "2024-01-01T23:59", "UTC", 9).len(), 1);
}

#[test]
fn an_impossible_cron_is_refused_when_written() {
    let never = cron("0 0 30 2 *");
    assert_eq!(
        refused(&never, "2024-01-01T00:00", "UTC"),
        ["recurrence.rule.expression"]
    );
    // Six fields would be seconds: more often than once a minute.
    let seconds = cron("* * * * * *");
    assert_eq!(
        refused(&seconds, "2024-01-01T00:00", "UTC"),
        ["recurrence.rule.expression"]
    );
}
