//! What the next due date costs when a series is ten years old: nothing may walk there from the start.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use gauntlet_contract::recurrence::{Mode, MonthEnd, Recurrence, Rule, Weekday};
use gauntlet_domain::recurrence::Schedule;
use jiff::civil;

const ZONE: &str = "Europe/Berlin";

fn rules() -> [(&'static str, Rule); 9] {
    let cron = |expression: &str| Rule::Cron {
        expression: expression.to_owned(),
    };
    let days = vec![Weekday::Monday, Weekday::Friday];
    [
        ("daily", Rule::Daily { interval: 1 }),
        ("weekly", weekly(Vec::new())),
        ("weekly-days", weekly(days)),
        ("monthly-clamp", monthly(MonthEnd::Clamp)),
        ("monthly-skip", monthly(MonthEnd::Skip)),
        ("yearly", yearly()),
        ("cron-minutes", cron("* * * * *")),
        ("cron-workdays", cron("30 9 * * 1-5")),
        ("cron-leap-day", cron("0 0 29 2 *")),
    ]
}

fn weekly(days: Vec<Weekday>) -> Rule {
    Rule::Weekly { interval: 1, days }
}

fn monthly(month_end: MonthEnd) -> Rule {
    Rule::Monthly {
        interval: 1,
        month_end,
    }
}

fn yearly() -> Rule {
    Rule::Yearly {
        interval: 1,
        month_end: MonthEnd::Clamp,
    }
}

fn next_after_ten_years(criterion: &mut Criterion) {
    let start = civil::date(2016, 1, 31).at(9, 0, 0, 0);
    let ten_years_on = "2026-01-30T12:00:00Z".parse().expect("an instant");
    let mut group = criterion.benchmark_group("next-after-10-years");
    for (name, rule) in rules() {
        let recurrence = Recurrence {
            rule,
            mode: Mode::OnSchedule,
            count: None,
            until: None,
        };
        let schedule = Schedule::new(&recurrence, start, ZONE).expect("a good rule");
        group.bench_function(name, |bencher| {
            bencher.iter(|| schedule.after(black_box(ten_years_on)));
        });
    }
    group.finish();
}

/// Paid with each request that names a rule, and with each instance.
fn making(criterion: &mut Criterion) {
    let start = civil::date(2016, 1, 31).at(9, 0, 0, 0);
    let mut group = criterion.benchmark_group("make");
    for (name, expression) in [("cron", "30 9 * * 1-5"), ("impossible-cron", "0 0 30 2 *")] {
        let recurrence = Recurrence {
            rule: Rule::Cron {
                expression: expression.to_owned(),
            },
            mode: Mode::OnSchedule,
            count: None,
            until: None,
        };
        group.bench_function(name, |bencher| {
            bencher.iter(|| Schedule::new(black_box(&recurrence), start, ZONE).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, next_after_ten_years, making);
criterion_main!(benches);
