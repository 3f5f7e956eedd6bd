use std::time::Duration;

use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{Entity, EntityId, Envelope, LabelKind, Task, UserId};

use super::audit_calls::{every, record, record_one};
use super::sample;
use crate::error::PortErrorKind;
use crate::storage::{AuditLog, AuditQuery, Gap, Recorded};

const FOR_EVER: Duration = Duration::MAX;

/// Runs every case about the order of an audit log's lines, against a log with nothing in it.
pub async fn audit_gate_suite(log: &dyn AuditLog) {
    a_version_waits_for_the_one_before(log).await;
    versions_in_one_batch_wait_only_for_what_comes_behind_them(log).await;
    entities_do_not_wait_for_each_other(log).await;
    labels_and_series_wait_as_tasks_do(log).await;
    what_is_kept_comes_again_and_leaves_one_line(log).await;
    what_cannot_be_stored_is_not_kept(log).await;
    nothing_waits_longer_than_patience_has_it(log).await;
    an_entity_whose_beginning_was_never_seen_goes_on(log).await;
}

async fn a_version_waits_for_the_one_before(log: &dyn AuditLog) {
    let (task, events) = life(5);
    assert_eq!(record_one(log, &events[0]).await, Ok(Recorded::Fresh));
    for late in [4, 2, 3] {
        assert_eq!(record_one(log, &events[late]).await, Ok(Recorded::Kept));
    }
    assert_eq!(release(log, FOR_EVER).await, []);
    assert_eq!(versions(log, task.user_id).await, [1]);
    assert_eq!(record_one(log, &events[1]).await, Ok(Recorded::Fresh));
    assert_eq!(release(log, FOR_EVER).await, []);
    assert_eq!(versions(log, task.user_id).await, [1, 2, 3, 4, 5]);
}

async fn versions_in_one_batch_wait_only_for_what_comes_behind_them(log: &dyn AuditLog) {
    let (task, events) = life(5);
    let [first, second, third, fourth, fifth] = <[Envelope; 5]>::try_from(events).expect("five");
    let fresh = Ok(Recorded::Fresh);
    assert_eq!(record(log, &[first, second]).await, [fresh, fresh]);
    let answers = record(log, &[fourth, third, fifth]).await;
    // The last has nothing but the kept one before it.
    assert_eq!(
        answers,
        [Ok(Recorded::Kept), fresh, Ok(Recorded::Kept)],
        "a batch is written in its order"
    );
    assert_eq!(release(log, FOR_EVER).await, []);
    assert_eq!(versions(log, task.user_id).await, [1, 2, 3, 4, 5]);
}

async fn entities_do_not_wait_for_each_other(log: &dyn AuditLog) {
    let (_, waiting) = life(2);
    let (task, events) = life(2);
    let batch = [waiting[1].clone(), events[0].clone(), events[1].clone()];
    let answers = record(log, &batch).await;
    let fresh = Ok(Recorded::Fresh);
    assert_eq!(answers, [Ok(Recorded::Kept), fresh, fresh]);
    assert_eq!(versions(log, task.user_id).await, [1, 2]);
    // Nothing is left behind for the cases to come.
    record(log, &waiting[..1]).await;
    assert_eq!(release(log, FOR_EVER).await, []);
}

async fn labels_and_series_wait_as_tasks_do(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let tag = sample::label(user_id, LabelKind::Tag, "errands");
    let series = sample::series(user_id, Mode::OnSchedule);
    let mut advanced = series.clone();
    advanced.version += 1;
    let mut events = vec![sample::label_event(Some(&tag), None)];
    events.extend(sample::series_update(&series, &advanced).events);
    let kept = vec![Ok(Recorded::Kept); events.len()];
    assert_eq!(record(log, &events).await, kept);
    let mut beginnings = vec![sample::label_event(None, Some(&tag))];
    beginnings.extend(sample::series_creation(&series).events);
    let fresh = vec![Ok(Recorded::Fresh); beginnings.len()];
    assert_eq!(record(log, &beginnings).await, fresh);
    assert_eq!(release(log, FOR_EVER).await, []);
    for id in [EntityId::from(tag.id), series.id.into()] {
        let query = AuditQuery {
            entity_id: Some(id),
            ..every(user_id)
        };
        assert_eq!(queried(log, &query).await, [1, 2], "{id}");
    }
}

async fn what_is_kept_comes_again_and_leaves_one_line(log: &dyn AuditLog) {
    let (task, events) = life(2);
    let twice = [events[1].clone(), events[1].clone()];
    for _ in 0..2 {
        assert_eq!(record(log, &twice).await, [Ok(Recorded::Kept); 2]);
    }
    assert_eq!(record_one(log, &events[0]).await, Ok(Recorded::Fresh));
    // It may come again just when it may be written.
    assert_eq!(record_one(log, &events[1]).await, Ok(Recorded::Fresh));
    assert_eq!(release(log, FOR_EVER).await, []);
    assert_eq!(record_one(log, &events[1]).await, Ok(Recorded::Duplicate));
    assert_eq!(versions(log, task.user_id).await, [1, 2]);
}

/// Once it is kept nobody can park it any more.
async fn what_cannot_be_stored_is_not_kept(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "before");
    let bad = sample::event(Some(&task), Some(&sample::renamed(&task, "\0")));
    let (_, events) = life(2);
    let answers = record(log, &[bad, events[1].clone()]).await;
    let expected = [Err(PortErrorKind::Invalid), Ok(Recorded::Kept)];
    assert_eq!(answers, expected);
    record(log, &events[..1]).await;
    assert_eq!(release(log, Duration::ZERO).await, []);
    assert_eq!(versions(log, task.user_id).await, [0; 0]);
}

/// What was parked or lost must not stop its task for good; and it may come late.
async fn nothing_waits_longer_than_patience_has_it(log: &dyn AuditLog) {
    let (task, events) = life(5);
    assert_eq!(record_one(log, &events[0]).await, Ok(Recorded::Fresh));
    let kept = Ok(Recorded::Kept);
    assert_eq!(record(log, &events[2..4]).await, [kept, kept]);
    assert_eq!(release(log, FOR_EVER).await, []);
    assert_eq!(versions(log, task.user_id).await, [1]);
    assert_eq!(release(log, Duration::ZERO).await, [gap(&task, 3)]);
    assert_eq!(versions(log, task.user_id).await, [1, 3, 4]);
    assert_eq!(record_one(log, &events[1]).await, Ok(Recorded::Fresh));
    // The late one is the last line, and not the highest.
    assert_eq!(record_one(log, &events[4]).await, Ok(Recorded::Fresh));
    assert_eq!(versions(log, task.user_id).await, [1, 3, 4, 2, 5]);
}

/// It is older than the trail, or the trail's beginning was put aside.
async fn an_entity_whose_beginning_was_never_seen_goes_on(log: &dyn AuditLog) {
    let (task, events) = life(5);
    assert_eq!(record_one(log, &events[3]).await, Ok(Recorded::Kept));
    assert_eq!(release(log, Duration::ZERO).await, [gap(&task, 4)]);
    assert_eq!(record_one(log, &events[4]).await, Ok(Recorded::Fresh));
    assert_eq!(versions(log, task.user_id).await, [4, 5]);
}

/// A task and the events of its versions, the creation first.
fn life(versions: u64) -> (Task, Vec<Envelope>) {
    let task = sample::task(UserId::generate(), "version 1");
    let mut events = vec![sample::event(None, Some(&task))];
    let mut last = task.clone();
    for version in 2..=versions {
        let next = sample::renamed(&last, &format!("version {version}"));
        events.push(sample::event(Some(&last), Some(&next)));
        last = next;
    }
    (task, events)
}

fn gap(task: &Task, version: u64) -> Gap {
    Gap {
        entity: Entity::Task,
        entity_id: task.id.into(),
        version,
    }
}

async fn release(log: &dyn AuditLog, patience: Duration) -> Vec<Gap> {
    log.release(patience).await.expect("release")
}

/// Versions of the user's lines, in the order of the trail.
async fn versions(log: &dyn AuditLog, user_id: UserId) -> Vec<u64> {
    queried(log, &every(user_id)).await
}

async fn queried(log: &dyn AuditLog, query: &AuditQuery) -> Vec<u64> {
    let lines = log.query(query).await.expect("query");
    lines.iter().map(|line| line.version).collect()
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use gauntlet_contract::AuditEntry;

    use super::super::MemoryAuditLog;
    use super::*;
    use crate::error::PortError;

    /// Takes everything down as it comes, as a log without a gate does; what it keeps too long it loses.
    #[derive(Default)]
    struct Planted {
        log: MemoryAuditLog,
        defect: Defect,
    }

    #[derive(Default, PartialEq)]
    enum Defect {
        #[default]
        NoGate,
        NoPatience,
    }

    #[async_trait]
    impl AuditLog for Planted {
        async fn record(&self, events: &[Envelope]) -> Vec<Result<Recorded, PortError>> {
            let mut answers = Vec::new();
            for event in events {
                let mut answer = self.log.record(std::slice::from_ref(event)).await.remove(0);
                if self.defect == Defect::NoGate && matches!(answer, Ok(Recorded::Kept)) {
                    answer = self
                        .log
                        .release(Duration::ZERO)
                        .await
                        .map(|_| Recorded::Fresh);
                }
                answers.push(answer);
            }
            answers
        }

        async fn release(&self, _patience: Duration) -> Result<Vec<Gap>, PortError> {
            self.log.release(FOR_EVER).await
        }

        async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
            self.log.count_failure(event).await
        }

        async fn query(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, PortError> {
            self.log.query(query).await
        }
    }

    #[tokio::test]
    async fn memory_audit_log_keeps_the_order_of_versions() {
        audit_gate_suite(&MemoryAuditLog::default()).await;
    }

    #[tokio::test]
    #[should_panic(expected = "Kept")]
    async fn planted_lack_of_a_gate_is_noticed() {
        audit_gate_suite(&Planted::default()).await;
    }

    #[tokio::test]
    #[should_panic(expected = "Gap")]
    async fn planted_wait_without_an_end_is_noticed() {
        let log = Planted {
            defect: Defect::NoPatience,
            ..Planted::default()
        };
        audit_gate_suite(&log).await;
    }
}
