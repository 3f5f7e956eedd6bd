use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{
    AuditEntry, EntityId, Envelope, EventData, EventType, LabelKind, TaskEvent, TaskId, UserId,
};
use gauntlet_ports::testsuite::storage::{MemoryAuditLog, sample};
use gauntlet_ports::{
    AuditLog, AuditQuery, Delivery, Gap, Handler as _, PortError, Recorded, Settle,
};
use gauntlet_services::consumers::{AuditHandler, Gatekeeper};
use tokio_util::sync::CancellationToken;

fn setup() -> (MemoryAuditLog, AuditHandler) {
    let log = MemoryAuditLog::default();
    (log.clone(), AuditHandler::new(Arc::new(log)))
}

async fn handle(handler: &AuditHandler, events: &[&Envelope]) -> Vec<Settle> {
    let batch: Vec<_> = events
        .iter()
        .map(|event| Delivery {
            envelope: (*event).clone(),
            attempt: 1,
        })
        .collect();
    handler.handle(&batch).await
}

fn creation(title: &str) -> Envelope {
    sample::event(None, Some(&sample::task(UserId::generate(), title)))
}

#[tokio::test]
async fn an_event_leaves_one_line_however_often_it_is_delivered() {
    let (log, handler) = setup();
    let event = creation("once");
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(
        handle(&handler, &[&event, &event]).await,
        [Settle::Done, Settle::Done]
    );
    assert_eq!(log.trail().len(), 1);
}

#[tokio::test]
async fn the_third_failure_through_its_own_fault_parks_an_event_and_no_other() {
    let (log, handler) = setup();
    let poison = creation("\0");
    for _ in 0..2 {
        let healthy = creation("healthy");
        let settled = handle(&handler, &[&poison, &healthy]).await;
        assert_eq!(settled, [Settle::Retry, Settle::Done]);
    }
    let settled = handle(&handler, &[&poison]).await;
    assert!(
        matches!(settled[..], [Settle::DeadLetter(_)]),
        "{settled:?}"
    );
    assert_eq!(log.trail().len(), 2);
}

#[tokio::test]
async fn an_outage_is_retried_without_bound_and_counts_against_no_event() {
    let (log, handler) = setup();
    let event = creation("patient");
    log.take_down();
    for _ in 0..10 {
        assert_eq!(handle(&handler, &[&event]).await, [Settle::Retry]);
    }
    log.bring_up();
    assert_eq!(handle(&handler, &[&event]).await, [Settle::Done]);
    assert_eq!(log.trail().len(), 1);
}

/// Handles an event as often as it takes to settle it, and says whether it was parked.
async fn is_parked(handler: &AuditHandler, event: &Envelope) -> bool {
    for _ in 0..2 {
        if handle(handler, &[event]).await == [Settle::Done] {
            return false;
        }
    }
    matches!(handle(handler, &[event]).await[..], [Settle::DeadLetter(_)])
}

#[tokio::test]
async fn events_of_every_entity_are_recorded() {
    let (log, handler) = setup();
    let user_id = UserId::generate();
    let mut events = Vec::new();
    for kind in LabelKind::ALL {
        let label = sample::label(user_id, kind, "old");
        let renamed = sample::relabelled(&label, "new");
        events.push(sample::label_event(None, Some(&label)));
        events.push(sample::label_event(Some(&label), Some(&renamed)));
        events.push(sample::label_event(Some(&renamed), None));
    }
    let series = sample::series(user_id, Mode::OnSchedule);
    let mut advanced = series.clone();
    advanced.version += 1;
    events.extend(sample::series_creation(&series).events);
    events.extend(sample::series_update(&series, &advanced).events);
    let task = sample::task(user_id, "task");
    events.push(sample::event(None, Some(&task)));
    let all: Vec<_> = events.iter().collect();
    let settled = handle(&handler, &all).await;
    assert_eq!(settled, vec![Settle::Done; events.len()]);
    assert_eq!(log.trail().len(), events.len());
}

/// Changes the data of an event of a task, whatever its envelope says.
fn with_data(mut event: Envelope, change: impl FnOnce(&mut TaskEvent)) -> Envelope {
    let EventData::Task(data) = &mut event.data else {
        panic!("an event of a task");
    };
    change(data);
    event
}

#[tokio::test]
async fn an_event_that_contradicts_itself_is_at_fault() {
    let (log, handler) = setup();
    let task = sample::task(UserId::generate(), "task");
    let renamed = sample::renamed(&task, "renamed");
    let created = || sample::event(None, Some(&task));
    let updated = || sample::event(Some(&task), Some(&renamed));
    let label = sample::label(task.user_id, LabelKind::Tag, "tag");
    let of_kind = |mut event: Envelope, kind| {
        event.kind = kind;
        event
    };
    let mut other_subject = created();
    other_subject.subject = EntityId(TaskId::generate().0);
    let contradictions = [
        other_subject,
        // Type and data.
        of_kind(created(), EventType::TagCreated),
        of_kind(created(), EventType::InstanceSettled),
        of_kind(
            sample::label_event(None, Some(&label)),
            EventType::CategoryCreated,
        ),
        // Type and states.
        of_kind(created(), EventType::TaskCompleted),
        of_kind(updated(), EventType::TaskCreated),
        of_kind(updated(), EventType::TaskDeleted),
        with_data(created(), |data| data.new = None),
        with_data(updated(), |data| data.old = None),
        // States and ids.
        with_data(created(), |data| data.user_id = UserId::generate()),
        with_data(updated(), |data| {
            data.old = Some(sample::task(task.user_id, "another"));
        }),
        // Versions.
        with_data(created(), |data| data.version = 0),
        with_data(updated(), |data| data.version = 3),
        with_data(updated(), |data| data.old = data.new.clone()),
    ];
    for event in contradictions {
        assert!(is_parked(&handler, &event).await, "{event:?}");
    }
    assert_eq!(log.trail(), []);
    // The events that they were made of are sound.
    assert!(!is_parked(&handler, &created()).await);
    assert!(!is_parked(&handler, &updated()).await);
}

/// A task's creation, its change, and what came of a second one.
fn three_versions() -> [Envelope; 3] {
    let task = sample::task(UserId::generate(), "first");
    let second = sample::renamed(&task, "second");
    let third = sample::renamed(&second, "third");
    [
        sample::event(None, Some(&task)),
        sample::event(Some(&task), Some(&second)),
        sample::event(Some(&second), Some(&third)),
    ]
}

fn versions(log: &MemoryAuditLog) -> Vec<u64> {
    log.trail().iter().map(|line| line.version).collect()
}

/// Lets a gatekeeper work until the trail has these versions. The paused clock makes it no wait.
async fn kept_until(log: &MemoryAuditLog, patience: Duration, expected: &[u64]) -> bool {
    let stop = CancellationToken::new();
    let gatekeeper = Gatekeeper::new(Arc::new(log.clone())).patience(patience);
    let running = tokio::spawn(gatekeeper.run(stop.clone()));
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..100 {
        looks.tick().await;
        if versions(log) == expected {
            break;
        }
    }
    stop.cancel();
    running.await.expect("the gatekeeper ends");
    versions(log) == expected
}

/// Redis through a sidecar: what a crash left is claimed again while newer ones go on.
#[tokio::test(start_paused = true)]
async fn deliveries_out_of_order_leave_lines_in_order() {
    let (log, handler) = setup();
    let [first, second, third] = three_versions();
    for event in [&third, &first, &second] {
        assert_eq!(handle(&handler, &[event]).await, [Settle::Done]);
    }
    assert_eq!(versions(&log), [1, 2]);
    assert!(kept_until(&log, Duration::from_hours(1), &[1, 2, 3]).await);
}

#[tokio::test(start_paused = true)]
async fn a_parked_predecessor_stops_its_task_for_a_while_only() {
    let (log, handler) = setup();
    let [first, second, third] = three_versions();
    let parked = with_data(second, |data| data.version = 9);
    assert_eq!(handle(&handler, &[&first]).await, [Settle::Done]);
    assert!(is_parked(&handler, &parked).await);
    assert_eq!(handle(&handler, &[&third]).await, [Settle::Done]);
    assert!(!kept_until(&log, Duration::from_hours(1), &[1, 3]).await);
    assert!(kept_until(&log, Duration::ZERO, &[1, 3]).await);
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_end_the_gatekeeper() {
    let (log, handler) = setup();
    let [first, second, _] = three_versions();
    for event in [&second, &first] {
        assert_eq!(handle(&handler, &[event]).await, [Settle::Done]);
    }
    log.take_down();
    let stop = CancellationToken::new();
    let running = tokio::spawn(Gatekeeper::new(Arc::new(log.clone())).run(stop.clone()));
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    for _ in 0..3 {
        seconds.tick().await;
    }
    assert_eq!(versions(&log), [1]);
    log.bring_up();
    for _ in 0..3 {
        seconds.tick().await;
    }
    assert_eq!(versions(&log), [1, 2]);
    stop.cancel();
    running.await.expect("the gatekeeper ends");
}

/// Remembers with what patience it was asked to release.
#[derive(Default)]
struct Asked {
    log: MemoryAuditLog,
    patiences: Mutex<Vec<Duration>>,
}

#[async_trait]
impl AuditLog for Asked {
    async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
        self.log.record(events).await
    }

    async fn release(&self, patience: Duration) -> Result<Vec<Gap>, PortError> {
        self.patiences.lock().unwrap().push(patience);
        self.log.release(patience).await
    }

    async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
        self.log.count_failure(event).await
    }

    async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
        self.log.query(query).await
    }
}

/// How many looks in a row gave nothing up, and how many did, in turn. There are two looks a second.
fn runs(patiences: &[Duration]) -> Vec<(bool, usize)> {
    patiences
        .chunk_by(|one, other| one == other)
        .map(|run| (run[0] != Duration::MAX, run.len()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_given_up_before_the_gatekeeper_has_looked_on_for_long_without_a_break() {
    let log = Arc::new(Asked::default());
    let stop = CancellationToken::new();
    let gatekeeper = Gatekeeper::new(Arc::clone(&log) as Arc<dyn AuditLog>);
    let running = tokio::spawn(gatekeeper.run(stop.clone()));
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.tick().await;
    let mut pass = async |count: u32| {
        for _ in 0..count {
            seconds.tick().await;
        }
    };
    pass(25).await;
    log.log.take_down();
    pass(30).await;
    log.log.bring_up();
    pass(25).await;
    stop.cancel();
    running.await.expect("the gatekeeper ends");
    let patiences = log.patiences.lock().unwrap();
    let given_up: Vec<bool> = runs(&patiences).iter().map(|(is, _)| *is).collect();
    assert_eq!(given_up, [false, true, false, true]);
    let looks: Vec<usize> = runs(&patiences).iter().map(|(_, looks)| *looks).collect();
    assert_eq!(looks[0], 40, "20 s from the start");
    assert!(
        looks[2] >= 98,
        "an outage of 30 s, and 20 s after it: {looks:?}"
    );
    assert!(patiences.contains(&Duration::from_secs(20)));
}
