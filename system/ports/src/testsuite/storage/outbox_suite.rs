use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::{EntityId, Envelope, UserId};

use super::sample;
use crate::storage::{Commit, CommitStore, Committed, OutboxEntry, OutboxQueue, Sent};

/// Longer than any run of the suite, so that no lease ends by itself.
const LEASE: Duration = Duration::from_mins(10);

/// What fills an outbox.
#[async_trait]
pub trait EventSource: Send + Sync {
    /// Has an entry for each event in the outbox when it returns, in their order. The entries have the
    /// events' subjects and versions; they need not be the events themselves.
    async fn emit(&self, events: &[Envelope]);
}

#[async_trait]
impl<T: CommitStore> EventSource for T {
    async fn emit(&self, events: &[Envelope]) {
        let first = events.first().expect("something to tell");
        let commit = Commit {
            user_id: first.data.user_id(),
            rows: Vec::new(),
            events: events.to_vec(),
            answer: None,
        };
        assert_eq!(self.commit(&commit).await.expect("commit"), Committed::Done);
    }
}

/// Runs every case of the outbox's contract. `one` and `other` are two relays on the outbox that `source`
/// fills and that has nothing in it.
pub async fn outbox_suite(
    source: &dyn EventSource,
    one: &dyn OutboxQueue,
    other: &dyn OutboxQueue,
) {
    nothing_is_selected_without_a_lease(source, one).await;
    a_lease_excludes_the_other_relay_until_it_is_released(one, other).await;
    one_entry_a_task_and_the_oldest_first(source, one).await;
    what_is_marked_is_not_selected_again(one).await;
    a_relay_without_a_lease_marks_nothing(source, one, other).await;
    only_what_is_sent_and_old_is_purged(source, one, other).await;
}

async fn nothing_is_selected_without_a_lease(source: &dyn EventSource, one: &dyn OutboxQueue) {
    let task = sample::task(UserId::generate(), "waits");
    source.emit(&[sample::event(None, Some(&task))]).await;
    assert_eq!(unsent(one, &[]).await, []);
    assert_eq!(one.depth().await.expect("depth"), 1);
}

async fn a_lease_excludes_the_other_relay_until_it_is_released(
    one: &dyn OutboxQueue,
    other: &dyn OutboxQueue,
) {
    let all = one.renew(LEASE).await.expect("renew");
    assert!(all > 0);
    assert_eq!(one.renew(LEASE).await.expect("renew"), all);
    assert_eq!(other.renew(LEASE).await.expect("renew"), 0);
    assert_eq!(unsent(other, &[]).await, []);
    assert_eq!(unsent(one, &[]).await.len(), 1);

    one.release().await.expect("release");
    assert_eq!(other.renew(LEASE).await.expect("renew"), all);
    assert_eq!(unsent(one, &[]).await, []);
    other.release().await.expect("release");
    assert_eq!(one.renew(LEASE).await.expect("renew"), all);
}

/// Only the oldest of a task, or two of them could be in flight at once and swap places.
async fn one_entry_a_task_and_the_oldest_first(source: &dyn EventSource, one: &dyn OutboxQueue) {
    mark(one, &unsent(one, &[]).await).await;
    let first = sample::task(UserId::generate(), "first");
    let renamed = sample::renamed(&first, "first, renamed");
    let second = sample::task(UserId::generate(), "second");
    for event in [
        sample::event(None, Some(&first)),
        sample::event(Some(&first), Some(&renamed)),
        sample::event(None, Some(&second)),
    ] {
        source.emit(&[event]).await;
    }
    let entries = unsent(one, &[]).await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.envelope.subject, entry.envelope.data.version()))
        .collect();
    let (first, second) = (first.id.into(), second.id.into());
    assert_eq!(told, [(first, Some(1)), (second, Some(1))]);
    assert_eq!(unsent(one, &[first]).await, entries[1..]);
    assert_eq!(one.unsent(1, &[]).await.expect("unsent"), entries[..1]);
}

async fn what_is_marked_is_not_selected_again(one: &dyn OutboxQueue) {
    let entries = unsent(one, &[]).await;
    let first = &entries[0];
    one.mark_attempted(&[first.seq]).await.expect("attempt");
    assert_eq!(unsent(one, &[]).await[0].attempts, 1);

    mark(one, &entries[..1]).await;
    let rest = unsent(one, &[]).await;
    // The first task's next event has become its oldest.
    assert!(rest.iter().all(|entry| entry.seq != first.seq));
    assert_eq!(rest.len(), 2);
    let again = one.mark_sent(&[sample::proof(first)]).await.expect("mark");
    assert_eq!(again, 0);
    mark(one, &rest).await;
    assert_eq!(one.depth().await.expect("depth"), 0);
}

/// The mark of a relay that lost its lease midway: the new holder must decide by itself.
async fn a_relay_without_a_lease_marks_nothing(
    source: &dyn EventSource,
    one: &dyn OutboxQueue,
    other: &dyn OutboxQueue,
) {
    let task = sample::task(UserId::generate(), "contested");
    source.emit(&[sample::event(None, Some(&task))]).await;
    let entries = unsent(one, &[]).await;
    one.release().await.expect("release");
    other.renew(LEASE).await.expect("renew");
    let fenced = one
        .mark_sent(&[sample::proof(&entries[0])])
        .await
        .expect("mark");
    assert_eq!(fenced, 0);
    assert_eq!(unsent(other, &[]).await, entries);
    mark(other, &entries).await;
    other.release().await.expect("release");
}

/// An event that is deleted before it is published is lost, so age alone must never do.
async fn only_what_is_sent_and_old_is_purged(
    source: &dyn EventSource,
    one: &dyn OutboxQueue,
    other: &dyn OutboxQueue,
) {
    let task = sample::task(UserId::generate(), "not published yet");
    source.emit(&[sample::event(None, Some(&task))]).await;
    one.renew(LEASE).await.expect("renew");
    let purge = async |queue: &dyn OutboxQueue, older_than, limit| {
        queue.purge_sent(older_than, limit).await.expect("purge")
    };
    assert_eq!(purge(one, LEASE, 100).await, 0, "all of it is young");
    assert_eq!(purge(other, Duration::ZERO, 100).await, 0, "no lease");
    // The cases before this one have published five events.
    assert_eq!(purge(one, Duration::ZERO, 2).await, 2);
    assert_eq!(purge(one, Duration::ZERO, 100).await, 3);
    assert_eq!(purge(one, Duration::ZERO, 100).await, 0);
    let left = unsent(one, &[]).await;
    assert_eq!(left.len(), 1);
    // Nobody knows how long this one took: it is marked as any other.
    let untimed = Sent {
        took: None,
        ..sample::proof(&left[0])
    };
    assert_eq!(one.mark_sent(&[untimed]).await.expect("mark"), 1);
}

async fn unsent(queue: &dyn OutboxQueue, busy: &[EntityId]) -> Vec<OutboxEntry> {
    queue.unsent(100, busy).await.expect("unsent")
}

async fn mark(queue: &dyn OutboxQueue, entries: &[OutboxEntry]) {
    let proofs: Vec<_> = entries.iter().map(sample::proof).collect();
    let marked = queue.mark_sent(&proofs).await.expect("mark");
    assert_eq!(marked, entries.len() as u64);
}
