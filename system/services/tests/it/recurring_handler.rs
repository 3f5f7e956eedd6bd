use std::time::Duration;

use axum::http::{Method, StatusCode};
use gauntlet_contract::recurrence::NextInstance;
use gauntlet_contract::{
    Envelope, EventData, EventId, EventType, SeriesId, TaskEvent, TaskId, UserId,
};
use gauntlet_ports::{Delivery, Handler as _, PortErrorKind, Secret, Settle};
use gauntlet_services::recurring::RecurringHandler;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::recurring_support::{
    Failure, FakeApi, Refused, State, TOKEN, WITHIN, cut_short, pause, settlement,
};

/// What a consumer may take over a batch (E3).
const HANDLER_TIMEOUT: Duration = Duration::from_mins(1);

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn setup() -> (State, FakeApi, RecurringHandler) {
    let (state, api) = (State::default(), FakeApi::default());
    let handler = api.handler(&state);
    (state, api, handler)
}

fn batch(events: &[&Envelope]) -> Vec<Delivery> {
    let deliveries = events.iter().map(|event| Delivery {
        envelope: (*event).clone(),
        attempt: 1,
    });
    deliveries.collect()
}

async fn handle(handler: &RecurringHandler, events: &[&Envelope]) -> Vec<Settle> {
    handler.handle(&batch(events)).await
}

/// Two replicas are given the event at the same time.
async fn both(
    one: &RecurringHandler,
    another: &RecurringHandler,
    event: &Envelope,
) -> (Vec<Settle>, Vec<Settle>) {
    let deliveries = batch(&[event]);
    tokio::join!(one.handle(&deliveries), another.handle(&deliveries))
}

fn is_parked(settled: &[Settle]) -> bool {
    matches!(settled, [Settle::DeadLetter(_)])
}

#[tokio::test]
async fn a_settled_instance_has_the_next_one_asked_for() {
    let (_, api, handler) = setup();
    let series_id = SeriesId::generate();
    let mut event = settlement(series_id, 2);
    event.traceparent = Some(TRACEPARENT.to_owned());
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(api.created(), [(series_id, 3)]);
    let [call] = &api.calls()[..] else {
        panic!("{:?}", api.calls());
    };
    assert_eq!(*call.target.method(), Method::POST);
    let path = format!("internal/series/{series_id}/instances");
    assert_eq!(call.target.path(), path);
    let asked: NextInstance = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(asked.number, 3);
    assert_eq!(asked.settled_at, Some(Timestamp::UNIX_EPOCH));
    let key = format!("{series_id}:3");
    assert_eq!(call.context.idempotency_key, Some(key));
    assert_eq!(call.context.bearer, Secret::new(TOKEN));
    assert_eq!(call.context.traceparent.as_deref(), Some(TRACEPARENT));
}

#[tokio::test]
async fn a_trace_context_that_is_none_goes_no_further() {
    let (_, api, handler) = setup();
    let mut event = settlement(SeriesId::generate(), 1);
    event.traceparent = Some("garbage".to_owned());
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(api.calls()[0].context.traceparent, None);
}

#[tokio::test]
async fn a_duplicate_asks_nothing() {
    let (state, api, handler) = setup();
    let event = settlement(SeriesId::generate(), 1);
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    let other_replica = api.handler(&state);
    assert_eq!(handle(&other_replica, &[&event]).await, [Settle::Done]);
    assert_eq!(api.questions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_that_the_inbox_has_forgotten_asks_and_changes_nothing() {
    let (_, api, handler) = setup();
    let event = settlement(SeriesId::generate(), 1);
    handle(&handler, &[&event]).await;
    tokio::time::advance(Duration::from_hours(7 * 24) - Duration::from_secs(1)).await;
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(api.questions(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(api.questions(), 2);
    assert_eq!(api.created().len(), 1);
}

#[tokio::test]
async fn a_crash_at_any_point_leaves_exactly_one_instance_in_the_end() {
    let mut questions = Vec::new();
    for polls in 0.. {
        let (state, api, handler) = setup();
        let series_id = SeriesId::generate();
        let deliveries = batch(&[&settlement(series_id, 1)]);
        let ended = cut_short(handler.handle(&deliveries), polls).await;
        let settled = api.handler(&state).handle(&deliveries).await;
        assert_eq!(settled, [Settle::Done], "cut short at poll {polls}");
        assert_eq!(api.created(), [(series_id, 2)], "cut short at poll {polls}");
        questions.push(api.questions());
        if ended.is_some() {
            break;
        }
    }
    // Before and after each of: the look into the inbox, the question, the mark.
    assert_eq!(questions, [1, 1, 1, 1, 2, 2, 1, 1]);
}

#[tokio::test]
async fn crashes_upon_crashes_of_a_batch_leave_one_instance_of_each() {
    let series: Vec<_> = (0..20).map(|_| SeriesId::generate()).collect();
    let events: Vec<_> = series.iter().map(|id| settlement(*id, 4)).collect();
    let deliveries = batch(&events.iter().collect::<Vec<_>>());
    let mut expected: Vec<_> = series.iter().map(|id| (*id, 5)).collect();
    expected.sort_unstable();
    let mut has_ended = false;
    for polls in 0.. {
        let (state, api, _) = setup();
        for crash in 0..5 {
            let handler = api.handler(&state);
            let ended = cut_short(handler.handle(&deliveries), polls + crash).await;
            has_ended |= crash == 0 && ended.is_some();
        }
        let settled = api.handler(&state).handle(&deliveries).await;
        assert_eq!(settled, vec![Settle::Done; 20]);
        let mut created = api.created();
        created.sort_unstable();
        assert_eq!(created, expected, "cut short at poll {polls}");
        if has_ended {
            break;
        }
    }
}

#[tokio::test]
async fn trouble_of_the_surroundings_is_retried_without_bound_and_counts_against_no_event() {
    let statuses = [401, 403, 405, 429, 500, 502, 503, 504].map(|status| {
        let status = StatusCode::from_u16(status).unwrap();
        Failure::Refused(status, "/problems/any")
    });
    let conflict = Failure::Refused(StatusCode::CONFLICT, "/problems/conflict");
    let in_flight = "/problems/idempotency-key-in-flight";
    let in_flight = Failure::Refused(StatusCode::CONFLICT, in_flight);
    let lost = [
        PortErrorKind::Unavailable,
        PortErrorKind::Timeout,
        PortErrorKind::Internal,
        PortErrorKind::Invalid,
    ];
    let failures = lost.map(Failure::Lost).into_iter().chain(statuses);
    for failure in failures.chain([conflict, in_flight, Failure::AnswerLost]) {
        let (_, api, handler) = setup();
        let series_id = SeriesId::generate();
        let event = settlement(series_id, 1);
        api.fail(Some(failure));
        for _ in 0..10 {
            let settled = handle(&handler, &[&event]).await;
            assert_eq!(settled, [Settle::Retry], "{failure:?}");
        }
        api.fail(None);
        assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
        assert_eq!(api.created(), [(series_id, 2)], "{failure:?}");
    }
}

/// An answer that never comes, of the api or of the inbox, must not cost the others of the batch theirs.
#[tokio::test(start_paused = true)]
async fn what_hangs_is_given_up_in_time_and_retried_and_the_others_are_done() {
    let (state, api, handler) = setup();
    let hangs: Vec<_> = (0..20).map(|_| SeriesId::generate()).collect();
    for series_id in &hangs {
        api.fail_at(*series_id, Failure::Silence);
    }
    // More than are handled at once hang, but for the first, which is not behind them.
    let sound = SeriesId::generate();
    let series = std::iter::once(&sound).chain(&hangs);
    let events: Vec<_> = series.map(|id| settlement(*id, 1)).collect();
    let deliveries = batch(&events.iter().collect::<Vec<_>>());
    let started = Instant::now();
    let handling = tokio::time::timeout(WITHIN, handler.handle(&deliveries));
    let settled = handling.await.expect("it hangs");
    assert!(
        started.elapsed() < HANDLER_TIMEOUT,
        "{:?}",
        started.elapsed()
    );
    assert_eq!(settled[0], Settle::Done);
    assert_eq!(settled[1..], vec![Settle::Retry; hangs.len()]);
    assert_eq!(api.created(), [(sound, 2)]);

    state.refuse(Refused::Silently);
    let event = settlement(SeriesId::generate(), 1);
    let deliveries = batch(&[&event]);
    let handling = tokio::time::timeout(WITHIN, handler.handle(&deliveries));
    assert_eq!(handling.await.expect("it hangs"), [Settle::Retry]);
}

#[tokio::test]
async fn without_its_inbox_nothing_is_asked_and_no_event_is_parked() {
    let (state, api, handler) = setup();
    let event = settlement(SeriesId::generate(), 1);
    let malformed = settlement(SeriesId::generate(), 0);
    state.refuse(Refused::All);
    for _ in 0..10 {
        let settled = handle(&handler, &[&event, &malformed]).await;
        assert_eq!(settled, [Settle::Retry, Settle::Retry]);
    }
    assert_eq!(api.questions(), 0);
    state.refuse(Refused::None);
    let settled = handle(&handler, &[&event, &malformed]).await;
    assert_eq!(settled, [Settle::Done, Settle::Retry]);
}

#[tokio::test]
async fn a_mark_that_cannot_be_written_does_not_undo_the_effect() {
    let (state, api, handler) = setup();
    let event = settlement(SeriesId::generate(), 1);
    state.refuse(Refused::Writes);
    for questions in 1..4 {
        assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
        assert_eq!(api.questions(), questions);
    }
    assert_eq!(api.created().len(), 1);
}

#[tokio::test]
async fn what_the_api_refuses_for_its_own_sake_is_parked_the_third_time() {
    for status in [StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY] {
        let (_, api, handler) = setup();
        let series_id = SeriesId::generate();
        let (event, healthy) = (
            settlement(series_id, 1),
            settlement(SeriesId::generate(), 1),
        );
        api.fail_at(series_id, Failure::Refused(status, "/problems/any"));
        for _ in 0..2 {
            let settled = handle(&handler, &[&event, &healthy]).await;
            assert_eq!(settled, [Settle::Retry, Settle::Done], "{status}");
        }
        let settled = handle(&handler, &[&event]).await;
        let [Settle::DeadLetter(reason)] = &settled[..] else {
            panic!("{status}: {settled:?}");
        };
        assert!(reason.contains("as a test wants it"), "{reason}");
    }
}

#[tokio::test]
async fn an_event_that_heals_before_its_third_failure_is_done() {
    let (_, api, handler) = setup();
    let event = settlement(SeriesId::generate(), 1);
    let refused = Failure::Refused(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid");
    api.fail(Some(refused));
    for _ in 0..2 {
        assert_eq!(handle(&handler, &[&event]).await, [Settle::Retry]);
    }
    api.fail(None);
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    api.fail(Some(refused));
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
}

#[tokio::test]
async fn an_event_that_contradicts_itself_asks_nothing_and_is_parked_the_third_time() {
    let (_, api, handler) = setup();
    let sound = || settlement(SeriesId::generate(), 1);
    let mut other_subject = sound();
    other_subject.subject = TaskId::generate().into();
    let mut other_type = sound();
    other_type.kind = EventType::TaskCompleted;
    let of_a_task = EventData::Task(TaskEvent {
        task_id: TaskId::generate(),
        user_id: UserId::generate(),
        version: 1,
        old: None,
        new: None,
    });
    let mut other_data = sound();
    other_data.data = of_a_task.clone();
    let other_topic = Envelope::new(
        EventId::generate(),
        "/todo/api",
        EventType::TaskDeleted,
        Timestamp::UNIX_EPOCH,
        of_a_task,
    );
    let first = settlement(SeriesId::generate(), 0);
    let last = settlement(SeriesId::generate(), u32::MAX);
    for event in [
        other_subject,
        other_type,
        other_data,
        other_topic,
        first,
        last,
    ] {
        for _ in 0..2 {
            let settled = handle(&handler, &[&event]).await;
            assert_eq!(settled, [Settle::Retry], "{event:?}");
        }
        let settled = handle(&handler, &[&event]).await;
        assert!(is_parked(&settled), "{event:?}: {settled:?}");
    }
    assert_eq!(api.questions(), 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_counted_is_parked_at_once() {
    let (_, api, handler) = setup();
    let mut event = settlement(SeriesId::generate(), 1);
    for source in ["a||b".to_owned(), "\0".to_owned(), "x".repeat(300)] {
        event.source = source;
        let settled = handle(&handler, &[&event]).await;
        assert!(is_parked(&settled), "{settled:?}");
    }
    assert_eq!(api.questions(), 0);
}

#[tokio::test]
async fn two_replicas_with_one_event_leave_one_instance() {
    let (state, api, one) = setup();
    let another = api.handler(&state);
    let series_id = SeriesId::generate();
    let event = settlement(series_id, 1);
    let settled = both(&one, &another, &event).await;
    assert_eq!(settled, (vec![Settle::Done], vec![Settle::Done]));
    assert_eq!(api.questions(), 2, "they did not race");
    assert_eq!(api.created(), [(series_id, 2)]);
}

#[tokio::test]
async fn failures_that_two_replicas_count_at_once_count_each() {
    let (state, api, one) = setup();
    let another = api.handler(&state);
    let (first, second) = (
        settlement(SeriesId::generate(), 0),
        settlement(SeriesId::generate(), 0),
    );
    let settled = both(&one, &another, &first).await;
    assert_eq!(settled, (vec![Settle::Retry], vec![Settle::Retry]));
    assert!(is_parked(&handle(&one, &[&first]).await));

    assert_eq!(handle(&one, &[&second]).await, [Settle::Retry]);
    let settled = both(&one, &another, &second).await;
    let parked = [settled.0, settled.1]
        .iter()
        .filter(|settled| is_parked(settled))
        .count();
    assert_eq!(parked, 1, "the one that counted to three");
}

#[tokio::test]
async fn a_failure_does_not_undo_what_another_replica_has_done() {
    for pauses in 0..10 {
        let (state, api, one) = setup();
        let refusing = FakeApi::default();
        let kind = "/problems/invalid";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        refusing.fail(Some(Failure::Refused(status, kind)));
        let another = refusing.handler(&state);
        let deliveries = batch(&[&settlement(SeriesId::generate(), 1)]);
        let done = async {
            for _ in 0..pauses {
                pause().await;
            }
            one.handle(&deliveries).await
        };
        let (done, _refused) = tokio::join!(done, another.handle(&deliveries));
        assert_eq!(done, [Settle::Done]);
        for _ in 0..5 {
            let settled = another.handle(&deliveries).await;
            assert_eq!(settled, [Settle::Done], "after {pauses} pauses");
        }
        assert_eq!(api.questions(), 1);
    }
}
