use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{LabelKind, Recurrence, Series, Task, recurrence::Rule};
use jiff::{Timestamp, ToSpan};

use super::check::{depth, done, find, refused, somebody};
use super::sample;
use super::stores::Stores;
use crate::error::PortErrorKind;
use crate::storage::OutboxQueue;

/// Runs every case of series and their instances, on a store with no series in it.
pub async fn series_suite(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    a_series_comes_back_as_it_was_committed(store).await;
    a_series_at_another_version_is_a_conflict(store).await;
    no_two_tasks_are_the_same_occurrence(store, outbox).await;
    instances_are_found_by_their_numbers(store).await;
    due_series_are_on_schedule_and_each_is_met_once(store).await;
}

async fn a_series_comes_back_as_it_was_committed(store: &dyn Stores) {
    let user_id = somebody();
    let mut series = sample::series(user_id, Mode::OnSchedule);
    series.start = "2026-03-29T02:30:00.000001".parse().expect("a local time");
    let tag = sample::label(user_id, LabelKind::Tag, "tag");
    series.template.tags = vec![tag.id];
    done(store, &sample::series_creation(&series)).await;
    assert_eq!(find_series(store, &series).await.as_ref(), Some(&series));

    let mut ended = advanced(&series);
    ended.recurrence = Recurrence {
        rule: Rule::Cron {
            expression: "*/5 9-17 * * mon-fri".to_owned(),
        },
        mode: Mode::OnCompletion,
        count: None,
        until: None,
    };
    ended.template.description = None;
    ended.ended_at = Some(ended.updated_at);
    done(store, &sample::series_update(&series, &ended)).await;
    assert_eq!(find_series(store, &series).await, Some(ended));
    let unknown = sample::series(user_id, Mode::OnSchedule);
    assert_eq!(find_series(store, &unknown).await, None);
}

async fn a_series_at_another_version_is_a_conflict(store: &dyn Stores) {
    let first = sample::series(somebody(), Mode::OnCompletion);
    let second = advanced(&first);
    done(store, &sample::series_creation(&first)).await;
    done(store, &sample::series_update(&first, &second)).await;
    let strangers = Series {
        user_id: somebody(),
        ..second.clone()
    };
    let absent = sample::series(first.user_id, Mode::OnCompletion);
    for stale in [
        sample::series_creation(&first),
        sample::series_update(&first, &advanced(&first)),
        sample::series_update(&strangers, &advanced(&strangers)),
        sample::series_update(&absent, &advanced(&absent)),
    ] {
        refused(store, &stale, PortErrorKind::Conflict).await;
    }
    assert_eq!(find_series(store, &first).await, Some(second));
}

/// The last line of defence against an instance that is asked for twice.
async fn no_two_tasks_are_the_same_occurrence(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let series = sample::series(somebody(), Mode::OnCompletion);
    let first = sample::instance(&series, 1);
    let whole = [sample::series_creation(&series), sample::creation(&first)];
    done(store, &sample::together(whole)).await;
    let before = depth(outbox).await;

    let double = sample::instance(&series, 1);
    refused(store, &sample::creation(&double), PortErrorKind::Conflict).await;
    let with_series = sample::together([
        sample::series_update(&series, &advanced(&series)),
        sample::creation(&double),
    ]);
    refused(store, &with_series, PortErrorKind::Conflict).await;
    let second = sample::instance(&series, 2);
    done(store, &sample::creation(&second)).await;
    let mut moved = sample::renamed(&second, "moved onto the first");
    moved.occurrence = first.occurrence;
    refused(
        store,
        &sample::update(&second, &moved),
        PortErrorKind::Conflict,
    )
    .await;

    assert_eq!(find(store, &double).await, None);
    assert_eq!(find(store, &second).await, Some(second));
    assert_eq!(find_series(store, &series).await.as_ref(), Some(&series));
    assert_eq!(depth(outbox).await, before + 1);
    // Another series has a first instance of its own.
    let other = sample::series(series.user_id, Mode::OnCompletion);
    done(store, &sample::creation(&sample::instance(&other, 1))).await;
}

async fn instances_are_found_by_their_numbers(store: &dyn Stores) {
    let series = sample::series(somebody(), Mode::OnCompletion);
    assert_eq!(latest(store, &series).await, None);
    let numbers = [2, 10, 1];
    let instances = numbers.map(|number| sample::instance(&series, number));
    for instance in &instances {
        done(store, &sample::creation(instance)).await;
    }
    for (number, instance) in numbers.into_iter().zip(&instances) {
        let found = store.instance(series.id, number).await.expect("instance");
        assert_eq!(found.as_ref(), Some(instance));
    }
    let third = store.instance(series.id, 3).await.expect("instance");
    assert_eq!(third, None);
    assert_eq!(latest(store, &series).await.as_ref(), Some(&instances[1]));
    done(store, &sample::deletion(&instances[1])).await;
    assert_eq!(latest(store, &series).await.as_ref(), Some(&instances[0]));
}

async fn due_series_are_on_schedule_and_each_is_met_once(store: &dyn Stores) {
    let user_id = somebody();
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().expect("a time");
    let due_at = |mode, due| Series {
        latest_due_at: due,
        ..sample::series(user_id, mode)
    };
    let on_time = due_at(Mode::OnSchedule, now);
    let longest = due_at(Mode::OnSchedule, now - 48.hours());
    let equal = due_at(Mode::OnSchedule, now - 48.hours());
    let early = due_at(Mode::OnSchedule, now + 1.microsecond());
    let by_completion = due_at(Mode::OnCompletion, now - 1.hour());
    let mut ended = due_at(Mode::OnSchedule, now - 1.hour());
    ended.ended_at = Some(now - 1.hour());
    for series in [&on_time, &longest, &equal, &early, &by_completion, &ended] {
        done(store, &sample::series_creation(series)).await;
    }
    let due = async |after, limit| {
        let found = store.due_series(now, after, limit).await;
        found.expect("due series")
    };
    let mut expected = [longest, equal, on_time];
    expected.sort_by_key(|series| series.id);
    assert_eq!(due(None, 10).await, expected);
    let page = due(None, 2).await;
    assert_eq!(page, expected[..2]);

    // A series that is still due after its next instance does not come again behind its place, however
    // long it has been due, and nothing that comes later is passed over for it.
    let mut behind = advanced(&expected[0]);
    behind.latest_due_at = now - 1.hour();
    done(store, &sample::series_update(&expected[0], &behind)).await;
    let last = page.last().map(|series| series.id);
    assert_eq!(due(last, 2).await, expected[2..]);
    let mut later = advanced(&expected[1]);
    later.latest_due_at = now + 1.hour();
    done(store, &sample::series_update(&expected[1], &later)).await;
    assert_eq!(due(None, 10).await, [behind, expected[2].clone()]);
    assert_eq!(due(Some(expected[2].id), 10).await, []);
}

/// The series after its next instance.
fn advanced(series: &Series) -> Series {
    Series {
        next_occurrence: series.next_occurrence + 1,
        version: series.version + 1,
        ..series.clone()
    }
}

async fn find_series(store: &dyn Stores, series: &Series) -> Option<Series> {
    store.find_series(series.id).await.expect("find a series")
}

async fn latest(store: &dyn Stores, series: &Series) -> Option<Task> {
    let found = store.latest_instance(series.id).await;
    found.expect("latest instance")
}
