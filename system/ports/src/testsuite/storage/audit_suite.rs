use gauntlet_contract::task::AuditEntry;
use gauntlet_contract::{Envelope, UserId};
use jiff::{Timestamp, ToSpan};

use super::sample;
use crate::error::{PortError, PortErrorKind};
use crate::storage::{AuditLog, AuditQuery, Recorded};

/// Runs every case of the audit log's contract against a log with nothing in it.
pub async fn audit_log_suite(log: &dyn AuditLog) {
    an_event_leaves_one_line_however_often_it_comes(log).await;
    repetitions_within_a_batch_count_as_duplicates(log).await;
    one_bad_event_does_not_undo_the_others(log).await;
    failures_are_counted_and_do_not_hinder_a_later_success(log).await;
    queries_filter_and_page(log).await;
}

async fn an_event_leaves_one_line_however_often_it_comes(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "once");
    let event = sample::event(None, Some(&task));
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Fresh));
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Duplicate));

    let lines = trail(log, task.user_id).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].event_id, event.id);
    assert_eq!(lines[0].action, "created");
    assert_eq!(lines[0].old, None);
    assert_eq!(lines[0].new.as_ref(), Some(&task));
    assert_eq!(lines[0].occurred_at, event.time);
}

/// A replay after a crash can put both copies into one batch.
async fn repetitions_within_a_batch_count_as_duplicates(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "twice in one batch");
    let event = sample::event(None, Some(&task));
    let answers = record(log, &[event.clone(), event]).await;
    assert_eq!(answers, [Ok(Recorded::Fresh), Ok(Recorded::Duplicate)]);
    assert_eq!(trail(log, task.user_id).await.len(), 1);
}

/// The bad event stands in the middle, and is followed by another of its task: that one must wait,
/// everything else must not.
async fn one_bad_event_does_not_undo_the_others(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let before = sample::task(user_id, "before");
    let bad = sample::task(user_id, "NUL cannot be stored: \0");
    let after = sample::task(user_id, "after");
    let batch = [
        sample::event(None, Some(&before)),
        sample::event(None, Some(&bad)),
        sample::event(Some(&bad), Some(&sample::renamed(&bad, "would overtake"))),
        sample::event(None, Some(&after)),
    ];
    let answers = record(log, &batch).await;
    assert_eq!(
        answers,
        [
            Ok(Recorded::Fresh),
            Err(PortErrorKind::Invalid),
            Err(PortErrorKind::Unavailable),
            Ok(Recorded::Fresh),
        ]
    );
    let lines = trail(log, user_id).await;
    let tasks: Vec<_> = lines.iter().map(|line| line.task_id).collect();
    assert_eq!(tasks, [before.id, after.id]);
}

/// A count in the inbox must not look like an effect.
async fn failures_are_counted_and_do_not_hinder_a_later_success(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "stumbles");
    let event = sample::event(None, Some(&task));
    for expected in 1..=3 {
        assert_eq!(log.count_failure(&event).await.expect("count"), expected);
    }
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Fresh));
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Duplicate));
}

async fn queries_filter_and_page(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let first = sample::task(user_id, "first");
    let renamed = sample::renamed(&first, "renamed");
    let mut second = sample::task(user_id, "second");
    second.updated_at += 1.second();
    let batch = [
        sample::event(None, Some(&first)),
        sample::event(Some(&first), Some(&renamed)),
        sample::event(None, Some(&second)),
    ];
    record(log, &batch).await;
    let all = trail(log, user_id).await;
    let versions: Vec<_> = all.iter().map(|line| line.task_version).collect();
    assert_eq!(versions, [1, 2, 1]);

    let everything = every(user_id);
    let narrowed = [
        (
            AuditQuery {
                task_id: Some(first.id),
                ..everything.clone()
            },
            &all[..2],
        ),
        (
            AuditQuery {
                action: Some("updated".to_owned()),
                ..everything.clone()
            },
            &all[1..2],
        ),
        (
            AuditQuery {
                after: Some(all[0].seq),
                ..everything.clone()
            },
            &all[1..],
        ),
        (
            AuditQuery {
                limit: 1,
                ..everything.clone()
            },
            &all[..1],
        ),
        (
            AuditQuery {
                from: Some(second.updated_at),
                ..everything.clone()
            },
            &all[2..],
        ),
        (
            AuditQuery {
                to: Some(an_hour_before(first.created_at)),
                ..everything
            },
            &all[..0],
        ),
    ];
    for (query, expected) in narrowed {
        assert_eq!(
            log.query(&query).await.expect("query"),
            expected,
            "{query:?}"
        );
    }
}

/// Far enough that no clock of the test's machine reaches it.
fn an_hour_before(time: Timestamp) -> Timestamp {
    time.checked_sub(1.hour()).expect("after the year 1")
}

async fn record(log: &dyn AuditLog, events: &[Envelope]) -> Vec<Result<Recorded, PortErrorKind>> {
    let kind = |error: PortError| error.kind;
    let answers = log.record(events).await;
    answers
        .into_iter()
        .map(|answer| answer.map_err(kind))
        .collect()
}

async fn record_one(log: &dyn AuditLog, event: &Envelope) -> Result<Recorded, PortErrorKind> {
    let answers = record(log, std::slice::from_ref(event)).await;
    assert_eq!(answers.len(), 1);
    answers[0]
}

async fn trail(log: &dyn AuditLog, user_id: UserId) -> Vec<AuditEntry> {
    log.query(&every(user_id)).await.expect("query")
}

fn every(user_id: UserId) -> AuditQuery {
    AuditQuery {
        user_id,
        task_id: None,
        action: None,
        from: None,
        to: None,
        after: None,
        limit: 100,
    }
}
