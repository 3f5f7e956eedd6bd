use gauntlet_contract::recurrence::{Mode, NextInstance, Rule};
use gauntlet_contract::{
    EventData, EventType, LabelId, Priority, Recurrence, Series, Task, TaskId,
};
use gauntlet_domain::{
    Advance, Change, Command, Decision, Edit, NewTask, Row, advance, decide, end_recurrence, recur,
};
use jiff::Timestamp;

use crate::support::{at, change, created, fields, ids, the_event};

fn daily(mode: Mode) -> Recurrence {
    Recurrence {
        rule: Rule::Daily { interval: 1 },
        mode,
        count: None,
        until: None,
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn series_of(change: &Change<Task>) -> Series {
    let mut series = change.rows.iter().filter_map(|row| match row {
        Row::PutSeries(_, series) => Some(series.clone()),
        _ => None,
    });
    series.next_back().expect("a change of a series")
}

/// A task due on 1 July 2026 at 17:00 in Berlin with everything that an instance copies, and its series.
fn begun(recurrence: Recurrence) -> (Task, Series) {
    let command = Command::Create(NewTask {
        title: "water the plants".to_owned(),
        description: Some("all of them".to_owned()),
        priority: Priority::High,
        due_date: Some("2026-07-01T17:00".parse().unwrap()),
        time_zone: Some("Europe/Berlin".to_owned()),
        category_id: Some(LabelId::generate()),
        tags: vec![LabelId::generate(), LabelId::generate()],
        recurrence: Some(recurrence),
    });
    let begun = change(decide(None, command, time("2026-06-30T12:00:00Z"), ids()).unwrap());
    let series = series_of(&begun);
    (begun.after.unwrap(), series)
}

fn next(number: u32, settled_at: Option<&str>) -> NextInstance {
    NextInstance {
        number,
        settled_at: settled_at.map(time),
    }
}

fn asked(series: &Series, latest: Option<&Task>, asked: NextInstance, now: &str) -> Advance {
    advance(series, latest, asked, time(now), TaskId::generate()).unwrap()
}

fn step(advance: Advance) -> (Option<Task>, Series) {
    let Advance::Step(change) = advance else {
        panic!("no step: {advance:?}");
    };
    let series = series_of(&change);
    (change.after, series)
}

#[test]
fn a_task_that_recurs_is_the_first_instance_and_the_series_remembers_its_local_time() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    let occurrence = task.occurrence.unwrap();
    assert_eq!((occurrence.series_id, occurrence.number), (series.id, 1));
    assert_eq!(series.start.to_string(), "2026-07-01T17:00:00");
    assert_eq!(series.next_occurrence, 2);
}

fn daily_from(due_date: &str, zone: &str) -> (Task, Series) {
    let command = Command::Create(NewTask {
        title: "take the pills".to_owned(),
        due_date: Some(due_date.parse().unwrap()),
        time_zone: Some(zone.to_owned()),
        recurrence: Some(daily(Mode::OnSchedule)),
        ..NewTask::default()
    });
    let begun = change(decide(None, command, time("2026-01-01T00:00:00Z"), ids()).unwrap());
    let series = series_of(&begun);
    (begun.after.unwrap(), series)
}

/// Half past two was wanted; that on one day there is none is no reason to come at half past three for ever.
#[test]
fn a_series_that_begins_in_a_gap_of_the_clocks_comes_at_the_time_that_was_wanted() {
    for (zone, start, first, second) in [
        (
            "Europe/Berlin",
            "2026-03-29T02:30:00.123456",
            "2026-03-29T01:30:00.123456Z",
            "2026-03-30T00:30:00.123456Z",
        ),
        // Half an hour, and across midnight.
        (
            "Australia/Lord_Howe",
            "2026-10-04T02:10:00",
            "2026-10-03T15:40:00Z",
            "2026-10-04T15:10:00Z",
        ),
        (
            "Africa/Cairo",
            "2026-04-24T00:20:00",
            "2026-04-23T22:20:00Z",
            "2026-04-24T21:20:00Z",
        ),
        // No gap.
        (
            "Europe/Berlin",
            "2026-03-28T02:30:00",
            "2026-03-28T01:30:00Z",
            "2026-03-29T01:30:00Z",
        ),
    ] {
        let (task, series) = daily_from(start, zone);
        assert_eq!(task.due_date, Some(time(first)), "{zone}");
        assert_eq!(series.start.to_string(), start, "{zone}");
        assert_eq!(series.latest_due_at, time(first), "{zone}");
        let (instance, _) = step(asked(
            &series,
            Some(&task),
            next(2, None),
            "2027-01-01T00:00:00Z",
        ));
        let due = instance.unwrap().due_date;
        assert_eq!(due, Some(time(second)), "{zone}");
    }
    // What the store cannot keep is cut off, as it is of the due date.
    let (_, series) = daily_from("2026-03-29T02:30:00.123456789", "Europe/Berlin");
    assert_eq!(series.start.to_string(), "2026-03-29T02:30:00.123456");
}

#[test]
fn a_series_needs_a_due_date_and_a_rule_that_is_allowed() {
    let task = created(ids());
    let refused = recur(
        &task,
        None,
        daily(Mode::OnSchedule),
        at(200),
        ids().series_id,
    );
    assert_eq!(fields(&refused.unwrap_err()), ["recurrence"]);
    let (task, _) = begun(daily(Mode::OnSchedule));
    let mut wrong = daily(Mode::OnSchedule);
    wrong.rule = Rule::Daily { interval: 0 };
    let refused = recur(&task, None, wrong, at(200), ids().series_id);
    assert_eq!(fields(&refused.unwrap_err()), ["recurrence.rule.interval"]);
}

/// One that was would create instances for days.
#[test]
fn a_series_on_schedule_does_not_begin_endlessly_far_behind() {
    let begin = |mode, due: &str| {
        let command = Command::Create(NewTask {
            title: "a".to_owned(),
            due_date: Some(due.parse().unwrap()),
            recurrence: Some(daily(mode)),
            ..NewTask::default()
        });
        decide(None, command, time("2026-07-01T12:00:00Z"), ids())
    };
    let refused = begin(Mode::OnSchedule, "2020-01-01T00:00:00Z").unwrap_err();
    assert_eq!(fields(&refused), ["due_date"]);
    assert!(begin(Mode::OnSchedule, "2025-01-01T00:00:00Z").is_ok());
    assert!(begin(Mode::OnCompletion, "2020-01-01T00:00:00Z").is_ok());
}

/// Tags were lost on the next instance in a system that we know.
#[test]
fn the_next_instance_has_everything_of_the_latest_one() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    let edit = Command::Update(Edit {
        title: Some("water the cactus".to_owned()),
        ..Edit::default()
    });
    let edited = change(decide(Some(&task), edit, at(1), ids()).unwrap());
    let latest = edited.after.unwrap();
    let question = next(2, Some("2026-07-01T18:00:00Z"));
    let (instance, series) = step(asked(
        &series,
        Some(&latest),
        question,
        "2026-07-01T18:00:01Z",
    ));
    let instance = instance.unwrap();
    assert_eq!(instance.title, "water the cactus");
    assert_eq!(instance.description, latest.description);
    assert_eq!(instance.priority, latest.priority);
    assert_eq!(instance.category_id, latest.category_id);
    assert_eq!(instance.tags, latest.tags);
    assert_eq!(instance.occurrence.unwrap().number, 2);
    assert_eq!(instance.due_date, Some(time("2026-07-02T15:00:00Z")));
    assert_eq!(series.next_occurrence, 3);
}

#[test]
fn without_an_earlier_instance_the_template_stands_in() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    let question = next(2, Some("2026-07-01T18:00:00Z"));
    let (instance, _) = step(asked(&series, None, question, "2026-07-01T18:00:01Z"));
    let instance = instance.unwrap();
    assert_eq!(instance.title, task.title);
    assert_eq!(instance.tags, task.tags);
}

/// Whoever completes, reopens and completes again asks twice; so does a broker that delivers twice.
#[test]
fn the_same_question_again_has_no_further_effect() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    let question = next(2, Some("2026-07-01T18:00:00Z"));
    let (_, after) = step(asked(
        &series,
        Some(&task),
        question,
        "2026-07-01T18:00:01Z",
    ));
    let again = next(2, Some("2026-07-05T18:00:00Z"));
    let answer = asked(&after, Some(&task), again, "2026-07-05T18:00:01Z");
    assert_eq!(answer, Advance::AlreadyThere);
}

/// "A next date in the past ended the chain": here it is created, overdue as it is.
#[test]
fn a_series_that_lies_far_behind_goes_on_without_leaving_anything_out() {
    let (task, mut series) = begun(daily(Mode::OnSchedule));
    let now = "2026-08-10T12:00:00Z";
    let mut due = Vec::new();
    while let Advance::Step(change) = asked(
        &series,
        Some(&task),
        next(series.next_occurrence, None),
        now,
    ) {
        series = series_of(&change);
        due.push(change.after.unwrap().due_date.unwrap());
    }
    assert_eq!(
        due.len(),
        40,
        "2 July to 10 August, the last of which is still to come"
    );
    assert_eq!(due.last(), Some(&time("2026-08-10T15:00:00Z")));
    assert!(due.is_sorted_by(|a, b| a < b));
}

#[test]
fn each_mode_waits_for_its_own_sign() {
    let (task, on_completion) = begun(daily(Mode::OnCompletion));
    let by_schedule = asked(
        &on_completion,
        Some(&task),
        next(2, None),
        "2026-09-01T00:00:00Z",
    );
    assert_eq!(by_schedule, Advance::NotDue);
    let (task, on_schedule) = begun(daily(Mode::OnSchedule));
    let completed = next(2, Some("2026-07-01T10:00:00Z"));
    let answer = asked(&on_schedule, Some(&task), completed, "2026-07-01T10:00:00Z");
    assert_eq!(answer, Advance::NotDue);
    let early = asked(
        &on_schedule,
        Some(&task),
        next(2, None),
        "2026-07-01T14:59:59Z",
    );
    assert_eq!(early, Advance::NotDue);
    let beyond = asked(
        &on_schedule,
        Some(&task),
        next(3, None),
        "2026-09-01T00:00:00Z",
    );
    assert_eq!(beyond, Advance::NotDue, "no number is left out");
}

#[test]
fn count_and_until_end_a_series_by_an_event() {
    let mut counted = daily(Mode::OnCompletion);
    counted.count = Some(1);
    let mut dated = daily(Mode::OnCompletion);
    dated.until = Some("2026-07-01".parse().unwrap());
    for recurrence in [counted, dated] {
        let (task, series) = begun(recurrence);
        let question = next(2, Some("2026-07-01T18:00:00Z"));
        let answer = asked(&series, Some(&task), question, "2026-07-01T18:00:01Z");
        let Advance::Step(change) = answer else {
            panic!("no step: {answer:?}");
        };
        assert_eq!(change.after, None);
        assert_eq!(change.facts[0].kind, EventType::SeriesEnded);
        let over = series_of(&change);
        assert!(over.ended_at.is_some());
        let again = asked(&over, Some(&task), question, "2026-07-01T18:00:02Z");
        assert_eq!(again, Advance::Over);
    }
}

#[test]
fn completing_or_deleting_an_instance_says_that_it_is_settled() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    for command in [Command::Complete, Command::Delete] {
        let change = change(decide(Some(&task), command, at(2_000_000_000), ids()).unwrap());
        let settled: Vec<_> = change
            .facts
            .iter()
            .filter_map(|fact| match &fact.data {
                EventData::Settled(settled) => Some(settled),
                _ => None,
            })
            .collect();
        let [settled] = settled[..] else {
            panic!("settled once: {change:?}");
        };
        assert_eq!((settled.series_id, settled.number), (series.id, 1));
        assert_eq!(the_event(&change).task_id, settled.task_id);
    }
    let plain = created(ids());
    let completed = change(decide(Some(&plain), Command::Complete, at(200), ids()).unwrap());
    assert_eq!(completed.facts.len(), 1);
}

#[test]
fn a_series_is_ended_once_and_replaced_by_another() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    let ended = change(end_recurrence(&task, &series, at(2_000_000_000)));
    assert_eq!(ended.facts[0].kind, EventType::SeriesEnded);
    let over = series_of(&ended);
    let again = end_recurrence(&task, &over, at(2_000_000_001));
    assert_eq!(again, Decision::Unchanged(task.clone()));

    let same = recur(
        &task,
        Some(&series),
        daily(Mode::OnCompletion),
        at(1),
        ids().series_id,
    );
    assert_eq!(same, Ok(Decision::Unchanged(task.clone())));
    let id = ids().series_id;
    let other = recur(&task, Some(&series), daily(Mode::OnSchedule), at(1), id).unwrap();
    let replaced = change(other);
    assert_eq!(
        replaced
            .after
            .as_ref()
            .unwrap()
            .occurrence
            .unwrap()
            .series_id,
        id
    );
    let kinds: Vec<_> = replaced.facts.iter().map(|fact| fact.kind).collect();
    assert_eq!(
        kinds,
        [
            EventType::TaskUpdated,
            EventType::SeriesEnded,
            EventType::SeriesCreated
        ]
    );
}

fn moved(task: &Task, due_date: &str, zone: Option<&str>) -> Task {
    let edit = Command::Update(Edit {
        due_date: Some(Some(due_date.parse().unwrap())),
        time_zone: zone.map(str::to_owned),
        ..Edit::default()
    });
    let edited = change(decide(Some(task), edit, time("2026-06-30T13:00:00Z"), ids()).unwrap());
    edited.after.unwrap()
}

/// As where the rule of a recurring task is typed once more after its date was changed.
#[test]
fn the_same_rule_counts_from_the_due_date_that_the_task_has_now() {
    let (task, series) = begun(daily(Mode::OnCompletion));
    let again = |task: &Task, series: &Series, id| {
        let recurrence = series.recurrence.clone();
        recur(
            task,
            Some(series),
            recurrence,
            time("2026-06-30T14:00:00Z"),
            id,
        )
        .unwrap()
    };
    for (due_date, zone, start) in [
        ("2026-07-09T08:15", None, "2026-07-09T08:15:00"),
        // The same time of day elsewhere.
        (
            "2026-07-01T17:00",
            Some("America/Lima"),
            "2026-07-01T17:00:00",
        ),
    ] {
        let (task, id) = (moved(&task, due_date, zone), ids().series_id);
        let begun_anew = change(again(&task, &series, id));
        let other = series_of(&begun_anew);
        assert_eq!((other.id, other.next_occurrence), (id, 2));
        assert_eq!(other.start.to_string(), start);
        assert_eq!(Some(other.latest_due_at), task.due_date);
        let kinds: Vec<_> = begun_anew.facts.iter().map(|fact| fact.kind).collect();
        assert!(kinds.contains(&EventType::SeriesEnded), "{kinds:?}");
        // And once more is once too often.
        let after = begun_anew.after.unwrap();
        let unchanged = again(&after, &other, ids().series_id);
        assert_eq!(unchanged, Decision::Unchanged(after));
    }
}

#[test]
fn an_instance_that_is_not_the_latest_moves_without_its_series() {
    let (task, series) = begun(daily(Mode::OnSchedule));
    let question = next(2, None);
    let (latest, series) = step(asked(
        &series,
        Some(&task),
        question,
        "2026-07-01T15:00:00Z",
    ));
    let recurrence = series.recurrence.clone();
    let again = |task: &Task| {
        let id = ids().series_id;
        recur(
            task,
            Some(&series),
            recurrence.clone(),
            at(2_000_000_000),
            id,
        )
        .unwrap()
    };
    let earlier = moved(&task, "2026-07-20T17:00", None);
    assert_eq!(again(&earlier), Decision::Unchanged(earlier));
    let latest = latest.unwrap();
    assert_eq!(again(&latest), Decision::Unchanged(latest));
}
