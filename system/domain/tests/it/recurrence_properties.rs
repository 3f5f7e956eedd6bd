//! Due dates of series, held against implementations that share nothing with ours: the crate rrule and
//! a matcher of cron minutes for the civil dates, chrono-tz for the zones.

use chrono::{
    DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike,
    Utc,
};
use chrono_tz::Tz;
use gauntlet_contract::recurrence::{Mode, MonthEnd, Recurrence, Rule, Weekday};
use gauntlet_domain::recurrence::Schedule;
use jiff::{Timestamp, civil};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use rrule::RRuleSet;

/// Zones with changes at one, two, three and at midnight, by an hour, by half of one and by a day, and
/// in both hemispheres.
const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
];
const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Monday, "MO"),
    (Weekday::Tuesday, "TU"),
    (Weekday::Wednesday, "WE"),
    (Weekday::Thursday, "TH"),
    (Weekday::Friday, "FR"),
    (Weekday::Saturday, "SA"),
    (Weekday::Sunday, "SU"),
];
/// The years for which both copies of the time zone database say the same.
const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2037;

fn to_jiff(local: NaiveDateTime) -> civil::DateTime {
    local.to_string().parse().unwrap()
}

fn timestamp(instant: DateTime<Utc>) -> Timestamp {
    Timestamp::from_second(instant.timestamp()).unwrap()
}

/// A gap moves forward by its length, which is what the offset of before makes of the local time.
fn instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(only) => only.to_utc(),
        MappedLocalTime::Ambiguous(first, _) => first.to_utc(),
        MappedLocalTime::None => {
            let minutes = (1..).map(TimeDelta::minutes);
            let mut before = minutes.map(|back| (back, zone.from_local_datetime(&(local - back))));
            let (back, valid) = before
                .find_map(|(back, at)| Some((back, at.latest()?)))
                .unwrap();
            valid.to_utc() + back
        }
    }
}

/// The start and every later match, in order, each instant once, up to the end.
fn expected(
    start: NaiveDateTime,
    matches: impl IntoIterator<Item = NaiveDateTime>,
    zone: Tz,
    until: Option<NaiveDate>,
) -> Vec<Timestamp> {
    let first = instant(start, zone);
    let later = matches.into_iter().map(|local| instant(local, zone));
    let mut all: Vec<_> = later.filter(|at| *at > first).collect();
    all.push(first);
    all.sort_unstable();
    all.dedup();
    let is_open = |at: &DateTime<Utc>| {
        until.is_none_or(|until| at.with_timezone(&zone).date_naive() <= until)
    };
    all.into_iter().filter(is_open).map(timestamp).collect()
}

/// The rule in RFC 5545's terms. What is clamped is the last of the days that might do.
fn rrule_of(rule: &Rule, start: NaiveDateTime) -> String {
    let day = start.day();
    let days = |month_end: MonthEnd| match month_end {
        MonthEnd::Clamp if day > 28 => {
            let days: Vec<_> = (28..=day).map(|day| day.to_string()).collect();
            format!("BYMONTHDAY={};BYSETPOS=-1", days.join(","))
        }
        _ => format!("BYMONTHDAY={day}"),
    };
    match rule {
        Rule::Daily { interval } => format!("FREQ=DAILY;INTERVAL={interval}"),
        Rule::Weekly { interval, days } => {
            let names = WEEK.iter().filter(|(day, _)| days.contains(day));
            let names: Vec<_> = names.map(|(_, name)| *name).collect();
            let by_day = if names.is_empty() {
                String::new()
            } else {
                format!(";BYDAY={}", names.join(","))
            };
            format!("FREQ=WEEKLY;WKST=MO;INTERVAL={interval}{by_day}")
        }
        Rule::Monthly {
            interval,
            month_end,
        } => {
            format!("FREQ=MONTHLY;INTERVAL={interval};{}", days(*month_end))
        }
        Rule::Yearly {
            interval,
            month_end,
        } => format!(
            "FREQ=YEARLY;INTERVAL={interval};BYMONTH={};{}",
            start.month(),
            days(*month_end)
        ),
        Rule::Cron { .. } => unreachable!("cron has a model of its own"),
    }
}

/// The matches according to rrule, in civil time carried as UTC. Given the zone itself, rrule 0.14 reckons
/// a match in a gap or a fold from that day's midnight, and drops it when midnight is in there too
/// (`add_time_to_date` in its `src/iter/utils.rs`); so the zone is left to [`instant`].
fn rrule_matches(rule: &Rule, start: NaiveDateTime, most: u16) -> Vec<NaiveDateTime> {
    let text = format!(
        "DTSTART:{}Z\nRRULE:{};UNTIL={LAST_YEAR}1231T235959Z",
        start.format("%Y%m%dT%H%M%S"),
        rrule_of(rule, start)
    );
    let set: RRuleSet = text.parse().unwrap();
    let found = set.all(most).dates;
    found.into_iter().map(|at| at.naive_utc()).collect()
}

fn zone() -> impl Strategy<Value = &'static str> {
    select(&ZONES[..])
}

/// Ends of months, and the hours in which clocks change, more often than chance would have them.
fn start() -> impl Strategy<Value = NaiveDateTime> {
    let day = prop_oneof![Just(31_u32), Just(30), Just(29), 1_u32..=31];
    let month = prop_oneof![Just(2_u32), Just(3), Just(10), Just(12), 1_u32..=12];
    let hour = prop_oneof![0_u32..=3, 0_u32..24];
    let date = (FIRST_YEAR..=LAST_YEAR - 7, month, day)
        .prop_filter_map("no such day", |(year, month, day)| {
            NaiveDate::from_ymd_opt(year, month, day)
        });
    (date, hour, select(vec![0_u32, 1, 15, 30, 59]))
        .prop_map(|(date, hour, minute)| date.and_hms_opt(hour, minute, 0).unwrap())
}

fn interval() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 1_u32..=4, 1 => 1_u32..=60]
}

fn calendar_rule() -> impl Strategy<Value = Rule> {
    let month_end = || select(vec![MonthEnd::Clamp, MonthEnd::Skip]);
    let days = subsequence(WEEK.map(|(day, _)| day).to_vec(), 0..=7).prop_shuffle();
    prop_oneof![
        interval().prop_map(|interval| Rule::Daily { interval }),
        (interval(), days).prop_map(|(interval, days)| Rule::Weekly { interval, days }),
        (interval(), month_end()).prop_map(|(interval, month_end)| Rule::Monthly {
            interval,
            month_end
        }),
        (interval(), month_end()).prop_map(|(interval, month_end)| Rule::Yearly {
            interval,
            month_end
        }),
    ]
}

/// One field: a star, values, ranges and steps within its bounds.
fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
    let value = least..=most;
    let range = (value.clone(), value.clone()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let item = prop_oneof![
        value.prop_map(|value| value.to_string()),
        range
            .clone()
            .prop_map(|(first, last)| format!("{first}-{last}")),
        (range, 1_u32..=12).prop_map(|((first, last), step)| format!("{first}-{last}/{step}")),
    ];
    prop_oneof![
        2 => Just("*".to_owned()),
        1 => (1_u32..=20).prop_map(|step| format!("*/{step}")),
        3 => proptest::collection::vec(item, 1..=3).prop_map(|items| items.join(",")),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    let hours = prop_oneof![field(0, 3), field(0, 23)];
    (field(0, 59), hours, field(1, 31), field(1, 12), field(0, 7)).prop_map(
        |(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"),
    )
}

/// Whether a value is in a field, the plain way: item by item, step by step.
fn is_in(field: &str, value: u32, lowest: u32, highest: u32) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let step: usize = step.parse().unwrap();
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (lowest, highest),
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        (first..=last).step_by(step).any(|listed| listed == value)
    })
}

/// Whether an expression matches a minute, after the manual of Vixie cron.
fn is_match(expression: &str, at: NaiveDateTime) -> bool {
    let fields: Vec<_> = expression.split(' ').collect();
    let sunday_is_0 = at.weekday().num_days_from_sunday();
    let weekday =
        is_in(fields[4], sunday_is_0, 0, 7) || (sunday_is_0 == 0 && is_in(fields[4], 7, 0, 7));
    let day = is_in(fields[2], at.day(), 1, 31);
    let is_starred = fields[2].starts_with('*') || fields[4].starts_with('*');
    is_in(fields[0], at.minute(), 0, 59)
        && is_in(fields[1], at.hour(), 0, 23)
        && is_in(fields[3], at.month(), 1, 12)
        && if is_starred {
            day && weekday
        } else {
            day || weekday
        }
}

fn schedule(recurrence: &Recurrence, start: NaiveDateTime, zone: &str) -> Schedule {
    Schedule::new(recurrence, to_jiff(start), zone).unwrap()
}

fn endless(rule: Rule) -> Recurrence {
    Recurrence {
        rule,
        mode: Mode::OnSchedule,
        count: None,
        until: None,
    }
}

/// Matches that rrule is asked for: each more costs it time.
const MOST: u16 = 400;

/// Just before changes of the clocks, and anywhere.
fn near_a_change() -> impl Strategy<Value = (&'static str, NaiveDateTime)> {
    let changes = select(vec![
        ("Europe/Berlin", (2024, 3, 30)),
        ("Europe/Berlin", (2024, 10, 26)),
        ("America/Sao_Paulo", (2018, 11, 3)),
        ("America/Sao_Paulo", (2018, 2, 17)),
        ("America/St_Johns", (2010, 3, 13)),
        ("America/St_Johns", (2010, 11, 6)),
        ("Australia/Lord_Howe", (2024, 4, 6)),
        ("Australia/Lord_Howe", (2024, 10, 5)),
        ("Pacific/Apia", (2011, 12, 29)),
        ("Asia/Beirut", (2021, 3, 27)),
    ]);
    let change =
        (changes, 0_u32..24, 0_u32..60).prop_map(|((zone, (year, month, day)), hour, minute)| {
            let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
            (zone, date.and_hms_opt(hour, minute, 0).unwrap())
        });
    prop_oneof![3 => change, 1 => (zone(), start())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn calendar_rules_agree_with_rrule(
        rule in calendar_rule(),
        start in start(),
        zone in zone(),
        length in proptest::option::of(0_u64..4_000),
    ) {
        let until = length.and_then(|days| start.date().checked_add_days(chrono::Days::new(days)));
        // Where a gap carries the start into the next day, that is the first possible end.
        let tz: Tz = zone.parse().unwrap();
        let first_date = instant(start, tz).with_timezone(&tz).date_naive();
        let until = until.map(|until| until.max(first_date));
        let recurrence = Recurrence {
            until: until.map(|until| to_jiff(until.and_hms_opt(0, 0, 0).unwrap()).date()),
            ..endless(rule)
        };
        let matches = rrule_matches(&recurrence.rule, start, MOST);
        let is_past = |until: NaiveDate| matches.last().is_some_and(|last| last.date() > until);
        // By their number alone that could not be told: a day that a zone left out merges two matches.
        let is_all = matches.len() < usize::from(MOST) || until.is_some_and(is_past);
        let expected = expected(start, matches, tz, until);
        let schedule = schedule(&recurrence, start, zone);
        let found: Vec<_> = schedule.occurrences().take(expected.len()).collect();
        prop_assert_eq!(&found, &expected);
        // And where rrule came to the end of the rule itself, so must we.
        if until.is_some_and(|until| until.year() < LAST_YEAR) && is_all {
            prop_assert_eq!(schedule.after(found[found.len() - 1]), None);
        }
    }

    #[test]
    fn cron_agrees_with_a_look_at_every_minute(
        expression in expression(),
        (zone, start) in near_a_change(),
    ) {
        let recurrence = endless(Rule::Cron { expression: expression.clone() });
        // Whether a refusal is right is for the test below to say.
        let Ok(schedule) = Schedule::new(&recurrence, to_jiff(start), zone) else {
            return Ok(());
        };
        let tz: Tz = zone.parse().unwrap();
        // From two days before, because a gap can carry an earlier match behind the start.
        let minutes = (-2 * 24 * 60..5 * 24 * 60).map(|minute| start + TimeDelta::minutes(minute));
        let matches = minutes.filter(|minute| is_match(&expression, *minute));
        let horizon = timestamp(instant(start, tz) + TimeDelta::days(3));
        let mut expected = expected(start, matches, tz, None);
        expected.retain(|at| *at < horizon);
        let found: Vec<_> = schedule.occurrences().take_while(|at| *at < horizon).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_cron_is_refused_exactly_if_no_day_matches(
        day in field(1, 31), month in field(1, 12), weekday in field(0, 7),
    ) {
        let expression = format!("0 0 {day} {month} {weekday}");
        let first = NaiveDate::from_ymd_opt(FIRST_YEAR, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
        let mut days = (0..40 * 366).map(|day| first + TimeDelta::days(day));
        let is_possible = days.any(|day| is_match(&expression, day));
        let made = Schedule::new(&endless(Rule::Cron { expression }), to_jiff(first), "UTC");
        prop_assert_eq!(made.is_ok(), is_possible);
    }

    #[test]
    fn after_is_the_first_later_one_of_the_enumeration(
        rule in prop_oneof![
            calendar_rule(),
            expression().prop_map(|expression| Rule::Cron { expression }),
        ],
        (zone, start) in near_a_change(),
        shift in -100_000_i64..100_000,
        index in any::<Index>(),
    ) {
        let Ok(schedule) = Schedule::new(&endless(rule), to_jiff(start), zone) else {
            return Ok(());
        };
        let all: Vec<_> = schedule.occurrences().take(200).collect();
        prop_assert!(all.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(all[0], schedule.first());
        let probe = *index.get(&all);
        for at in [probe, probe + jiff::SignedDuration::from_secs(shift)] {
            if all.last().is_some_and(|last| at < *last) {
                let first = all.iter().copied().find(|due| *due > at);
                prop_assert_eq!(schedule.after(at), first);
            }
        }
    }

    #[test]
    fn a_chain_goes_on_after_every_settlement(
        rule in calendar_rule(),
        (zone, start) in near_a_change(),
        settled in -5_000_000_i64..50_000_000,
    ) {
        let schedule = schedule(&endless(rule), start, zone);
        let latest = schedule.first();
        let settled = latest + jiff::SignedDuration::from_secs(settled);
        let next = schedule.next_due(latest, Some(settled), Mode::OnCompletion);
        prop_assert!(next.is_some_and(|next| next > settled));
        let missed = schedule.next_due(latest, Some(settled), Mode::OnSchedule);
        prop_assert_eq!(missed, schedule.occurrences().nth(1));
    }
}
