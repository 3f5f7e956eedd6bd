//! Due dates of series: examples for each rule, and for what others got wrong about calendars.

use gauntlet_contract::recurrence::{Mode, Recurrence, Rule};
use gauntlet_domain::recurrence::{Schedule, zone};
use jiff::Timestamp;

pub(super) fn recurrence(json: &str) -> Recurrence {
    serde_json::from_str(json).unwrap()
}

pub(super) fn rule(json: &str) -> Recurrence {
    recurrence(&format!(r#"{{"rule":{json}}}"#))
}

pub(super) fn cron(expression: &str) -> Recurrence {
    Recurrence {
        rule: Rule::Cron {
            expression: expression.to_owned(),
        },
        mode: Mode::OnSchedule,
        count: None,
        until: None,
    }
}

pub(super) fn schedule(recurrence: &Recurrence, start: &str, zone: &str) -> Schedule {
    Schedule::new(recurrence, start.parse().unwrap(), zone).unwrap()
}

pub(super) fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap()
}

/// The first due dates as `month-day hour:minute+offset`, which shows the second pass of a fold.
pub(super) fn dues(recurrence: &Recurrence, start: &str, zone: &str, most: usize) -> Vec<String> {
    let found = zone::find(zone).unwrap();
    schedule(recurrence, start, zone)
        .occurrences()
        .take(most)
        .map(|due| {
            due.to_zoned(found.clone())
                .strftime("%m-%d %H:%M%z")
                .to_string()
        })
        .collect()
}

/// The dates alone.
pub(super) fn days(recurrence: &Recurrence, start: &str, most: usize) -> Vec<String> {
    schedule(recurrence, start, "Europe/Berlin")
        .occurrences()
        .take(most)
        .map(|due| {
            due.to_zoned(zone::find("Europe/Berlin").unwrap())
                .date()
                .to_string()
        })
        .collect()
}

#[test]
fn daily_keeps_the_time_of_day_when_the_clocks_change() {
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(
        dues(&daily, "2024-03-30T09:00", "Europe/Berlin", 3),
        ["03-30 09:00+0100", "03-31 09:00+0200", "04-01 09:00+0200"]
    );
    let third = rule(r#"{"frequency":"daily","interval":3}"#);
    assert_eq!(
        days(&third, "2024-02-27T09:00", 3),
        ["2024-02-27", "2024-03-01", "2024-03-04"]
    );
}

#[test]
fn a_time_that_is_left_out_moves_by_the_gap_for_that_day_only() {
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(
        dues(&daily, "2024-03-30T02:30", "Europe/Berlin", 3),
        ["03-30 02:30+0100", "03-31 03:30+0200", "04-01 02:30+0200"]
    );
    // Half an hour is a gap too.
    assert_eq!(
        dues(&daily, "2024-10-05T02:15", "Australia/Lord_Howe", 3),
        ["10-05 02:15+1030", "10-06 02:45+1100", "10-07 02:15+1100"]
    );
}

#[test]
fn a_series_that_begins_in_a_gap_returns_to_its_own_time() {
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(
        dues(&daily, "2024-03-31T02:30", "Europe/Berlin", 2),
        ["03-31 03:30+0200", "04-01 02:30+0200"]
    );
}

#[test]
fn a_time_that_comes_twice_is_due_the_first_time_and_once() {
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(
        dues(&daily, "2024-10-26T02:30", "Europe/Berlin", 3),
        ["10-26 02:30+0200", "10-27 02:30+0200", "10-28 02:30+0100"]
    );
    let schedule = schedule(&daily, "2024-10-26T02:30", "Europe/Berlin");
    let second_pass = at("2024-10-27T01:10:00Z");
    assert_eq!(
        schedule.after(second_pass),
        Some(at("2024-10-28T01:30:00Z"))
    );
}

#[test]
fn a_day_that_a_zone_left_out_is_not_due_twice() {
    // Samoa went from 29 to 31 December 2011; the 30th moves onto the 31st, which has its own.
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(
        dues(&daily, "2011-12-29T10:00", "Pacific/Apia", 3),
        ["12-29 10:00-1000", "12-31 10:00+1400", "01-01 10:00+1400"]
    );
}

#[test]
fn a_midnight_that_is_left_out_is_due_an_hour_later() {
    let daily = rule(r#"{"frequency":"daily"}"#);
    assert_eq!(
        dues(&daily, "2018-11-03T00:00", "America/Sao_Paulo", 3),
        ["11-03 00:00-0300", "11-04 01:00-0200", "11-05 00:00-0200"]
    );
}

#[test]
fn weekly_without_days_keeps_the_day_of_the_start() {
    let fortnight = rule(r#"{"frequency":"weekly","interval":2}"#);
    assert_eq!(
        days(&fortnight, "2024-02-21T09:00", 3),
        ["2024-02-21", "2024-03-06", "2024-03-20"]
    );
}

#[test]
fn weekly_names_days_in_any_order() {
    let weekly = rule(r#"{"frequency":"weekly","days":["fri","mon"]}"#);
    assert_eq!(
        days(&weekly, "2024-02-26T09:00", 4),
        ["2024-02-26", "2024-03-01", "2024-03-04", "2024-03-08"]
    );
}

#[test]
fn the_first_instance_is_due_at_the_start_whatever_the_rule_says() {
    let tuesdays = rule(r#"{"frequency":"weekly","days":["tue"]}"#);
    assert_eq!(
        days(&tuesdays, "2024-02-26T09:00", 3),
        ["2024-02-26", "2024-02-27", "2024-03-05"]
    );
    assert_eq!(
        dues(&cron("0 8 1 * *"), "2024-02-26T09:15", "UTC", 2),
        ["02-26 09:15+0000", "03-01 08:00+0000"]
    );
}

#[test]
fn weeks_begin_on_monday_and_are_counted_from_the_one_of_the_start() {
    // From Wednesday on: Sunday belongs to the same week, Monday to the next one.
    let fortnight = rule(r#"{"frequency":"weekly","interval":2,"days":["mon","sun"]}"#);
    assert_eq!(
        days(&fortnight, "2024-02-21T09:00", 5),
        [
            "2024-02-21",
            "2024-02-25",
            "2024-03-04",
            "2024-03-10",
            "2024-03-18"
        ]
    );
}

#[test]
fn monthly_is_a_month_and_not_thirty_days() {
    let monthly = rule(r#"{"frequency":"monthly"}"#);
    assert_eq!(
        days(&monthly, "2024-01-15T09:00", 4),
        ["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"]
    );
}

#[test]
fn the_31st_is_clamped_and_comes_back_after_february() {
    let monthly = rule(r#"{"frequency":"monthly"}"#);
    assert_eq!(
        days(&monthly, "2023-01-31T09:00", 5),
        [
            "2023-01-31",
            "2023-02-28",
            "2023-03-31",
            "2023-04-30",
            "2023-05-31"
        ]
    );
    assert_eq!(days(&monthly, "2024-01-31T09:00", 2)[1], "2024-02-29");
}

#[test]
fn the_31st_is_skipped_when_that_is_wanted() {
    let monthly = rule(r#"{"frequency":"monthly","month_end":"skip"}"#);
    assert_eq!(
        days(&monthly, "2023-01-31T09:00", 4),
        ["2023-01-31", "2023-03-31", "2023-05-31", "2023-07-31"]
    );
    let other = rule(r#"{"frequency":"monthly","interval":13,"month_end":"skip"}"#);
    assert_eq!(
        days(&other, "2023-01-30T09:00", 3),
        ["2023-01-30", "2025-03-30", "2026-04-30"]
    );
}

#[test]
fn the_29th_of_february_comes_each_year_or_in_leap_years() {
    let clamped = rule(r#"{"frequency":"yearly"}"#);
    assert_eq!(
        days(&clamped, "2024-02-29T09:00", 5),
        [
            "2024-02-29",
            "2025-02-28",
            "2026-02-28",
            "2027-02-28",
            "2028-02-29"
        ]
    );
    let skipped = rule(r#"{"frequency":"yearly","month_end":"skip"}"#);
    assert_eq!(
        days(&skipped, "2092-02-29T09:00", 4),
        ["2092-02-29", "2096-02-29", "2104-02-29", "2108-02-29"]
    );
}

#[test]
fn cron_lets_either_day_suffice_as_vixie_cron_does() {
    assert_eq!(
        days(&cron("0 9 13 * 5"), "2024-09-01T09:00", 5),
        [
            "2024-09-01",
            "2024-09-06",
            "2024-09-13",
            "2024-09-20",
            "2024-09-27"
        ]
    );
    // A field that begins with a star restricts nothing on its own: Mondays of odd date.
    assert_eq!(
        days(&cron("0 9 */2 * 1"), "2024-09-01T09:00", 4),
        ["2024-09-01", "2024-09-09", "2024-09-23", "2024-10-07"]
    );
}

#[test]
fn cron_times_that_a_gap_moves_count_once_and_in_order() {
    assert_eq!(
        dues(
            &cron("*/30 * * * *"),
            "2024-03-31T01:30",
            "Europe/Berlin",
            4
        ),
        [
            "03-31 01:30+0100",
            "03-31 03:00+0200",
            "03-31 03:30+0200",
            "03-31 04:00+0200"
        ]
    );
    // 02:50 moves behind 03:05.
    assert_eq!(
        dues(
            &cron("5-50/45 2-3 * * *"),
            "2024-03-31T01:00",
            "Europe/Berlin",
            4
        ),
        [
            "03-31 01:00+0100",
            "03-31 03:05+0200",
            "03-31 03:50+0200",
            "04-01 02:05+0200"
        ]
    );
    assert_eq!(
        dues(&cron("40 2 31 3 *"), "2024-03-31T03:20", "Europe/Berlin", 3),
        ["03-31 03:20+0200", "03-31 03:40+0200", "03-31 02:40+0200"]
    );
}

#[test]
fn cron_goes_through_a_fold_once() {
    assert_eq!(
        dues(
            &cron("*/30 * * * *"),
            "2024-10-27T01:30",
            "Europe/Berlin",
            5
        ),
        [
            "10-27 01:30+0200",
            "10-27 02:00+0200",
            "10-27 02:30+0200",
            "10-27 03:00+0100",
            "10-27 03:30+0100"
        ]
    );
}
