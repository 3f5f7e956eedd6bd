use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use gauntlet_ports::messaging::Reason;
use gauntlet_ports::{Delivery, Settle};

use super::Message;
use super::backoff::Backoff;

/// Messages taken from a broker and not settled yet, in the broker's order.
///
/// Order per key is kept by two rules: a batch holds at most one message of a key, the oldest; and
/// a message that waits for its next attempt holds back the younger ones of its key. Other keys
/// pass it by.
#[derive(Debug)]
pub(super) struct Backlog<P> {
    waiting: BTreeMap<(u64, u64), Waiting<P>>,
}

#[derive(Debug)]
struct Waiting<P> {
    message: Message<P>,
    /// Attempts so far.
    attempts: u32,
    due_at: Instant,
}

/// Messages on their way through one attempt. `deliveries` are those that could be decoded;
/// the others have their reason in their message and need no handler.
#[derive(Debug)]
pub(super) struct Batch<P> {
    pub(super) deliveries: Vec<Delivery>,
    handled: Vec<Waiting<P>>,
    pub(super) poison: Vec<(Message<P>, Reason)>,
}

impl<P> Batch<P> {
    pub(super) fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.poison.is_empty()
    }
}

impl<P> Backlog<P> {
    pub(super) fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
        }
    }

    /// Adds a message that is due at once. One that is here already is a redelivery of what has
    /// not been settled, and changes nothing.
    pub(super) fn push(&mut self, message: Message<P>, now: Instant) {
        self.waiting.entry(message.order).or_insert(Waiting {
            message,
            attempts: 0,
            due_at: now,
        });
    }

    #[cfg(any(feature = "redis", test))]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    #[cfg(feature = "redis")]
    pub(super) fn positions(&self) -> impl Iterator<Item = &P> {
        self.waiting.values().map(|entry| &entry.message.position)
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&P) -> bool) {
        self.waiting
            .retain(|_, entry| keep(&entry.message.position));
    }

    /// How long until a message may be attempted; none when the backlog is empty.
    pub(super) fn next_due_in(&self, now: Instant) -> Option<Duration> {
        self.heads()
            .map(|(_, entry)| entry.due_at.saturating_duration_since(now))
            .min()
    }

    /// The oldest message of each key, due or not: it speaks for its key.
    fn heads(&self) -> impl Iterator<Item = (&(u64, u64), &Waiting<P>)> {
        let mut keys = HashSet::new();
        self.waiting.iter().filter(move |(_, entry)| {
            let key = entry.message.key.as_deref();
            key.is_none_or(|key| keys.insert(key))
        })
    }

    /// Takes out up to `limit` messages that may be attempted now.
    pub(super) fn take(&mut self, limit: usize, now: Instant) -> Batch<P> {
        let chosen: Vec<_> = self
            .heads()
            .filter(|(_, entry)| entry.due_at <= now)
            .map(|(order, _)| *order)
            .take(limit)
            .collect();
        let mut batch = Batch {
            deliveries: Vec::with_capacity(chosen.len()),
            handled: Vec::with_capacity(chosen.len()),
            poison: Vec::new(),
        };
        for order in chosen {
            if let Some(entry) = self.waiting.remove(&order) {
                batch.admit(entry);
            }
        }
        batch
    }

    /// Gives back what an attempt has settled. What must be tried again returns to its place,
    /// with its wait started.
    pub(super) fn settle(
        &mut self,
        batch: Batch<P>,
        settles: Vec<Settle>,
        now: Instant,
    ) -> Settled<P> {
        let mut settled = Settled {
            done: Vec::new(),
            dead: batch.poison,
        };
        for (entry, settle) in batch.handled.into_iter().zip(settles) {
            match settle {
                Settle::Done => settled.done.push(entry.message),
                Settle::DeadLetter(reason) => settled.dead.push((entry.message, reason)),
                Settle::Retry => self.delay(entry.message, entry.attempts, now),
            }
        }
        settled
    }

    /// Puts a message back behind a wait that grows with its attempts.
    pub(super) fn delay(&mut self, message: Message<P>, attempts: u32, now: Instant) {
        self.waiting.insert(
            message.order,
            Waiting {
                message,
                attempts,
                due_at: now + Backoff::HANDLING.after(attempts.max(1)),
            },
        );
    }
}

impl<P> Batch<P> {
    fn admit(&mut self, mut entry: Waiting<P>) {
        entry.attempts = entry.attempts.saturating_add(1);
        match entry.message.envelope.clone() {
            Ok(envelope) => {
                self.deliveries.push(Delivery {
                    envelope,
                    attempt: entry.attempts,
                });
                self.handled.push(entry);
            }
            Err(reason) => self.poison.push((entry.message, reason)),
        }
    }
}

/// What one attempt has settled.
#[derive(Debug)]
pub(super) struct Settled<P> {
    pub(super) done: Vec<Message<P>>,
    pub(super) dead: Vec<(Message<P>, Reason)>,
}

#[cfg(test)]
mod tests {
    use gauntlet_contract::TaskId;
    use gauntlet_ports::testsuite::messaging::task_event;

    use super::*;

    const LIMIT: usize = 10;

    /// A message whose offset is also its event's version.
    fn message(key: &str, offset: u64) -> Message<u64> {
        Message {
            order: (0, offset),
            key: Some(key.to_owned()),
            envelope: Ok(task_event(TaskId::generate(), offset)),
            position: offset,
        }
    }

    fn backlog(messages: impl IntoIterator<Item = Message<u64>>, now: Instant) -> Backlog<u64> {
        let mut backlog = Backlog::new();
        for message in messages {
            backlog.push(message, now);
        }
        backlog
    }

    fn offsets(batch: &Batch<u64>) -> Vec<u64> {
        batch
            .deliveries
            .iter()
            .map(|delivery| delivery.envelope.data.version().unwrap())
            .collect()
    }

    #[test]
    fn a_batch_holds_the_oldest_of_each_key() {
        let now = Instant::now();
        let messages = [
            message("b", 3),
            message("a", 1),
            message("a", 2),
            message("c", 4),
        ];
        let mut backlog = backlog(messages, now);
        assert_eq!(offsets(&backlog.take(2, now)), [1, 3], "no more than asked");
        assert_eq!(offsets(&backlog.take(LIMIT, now)), [2, 4]);
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn a_retry_holds_back_its_key_until_it_is_due() {
        let now = Instant::now();
        let mut backlog = backlog([message("a", 1), message("a", 2), message("b", 3)], now);
        let batch = backlog.take(LIMIT, now);
        let settled = backlog.settle(batch, vec![Settle::Retry, Settle::Done], now);
        assert_eq!(settled.done.len(), 1);
        assert!(backlog.take(LIMIT, now).is_empty(), "2 is behind 1");

        let wait = Backoff::HANDLING.after(1);
        assert_eq!(backlog.next_due_in(now), Some(wait), "2 is not due before");
        let later = now + wait;
        let batch = backlog.take(LIMIT, later);
        assert_eq!(offsets(&batch), [1]);
        assert_eq!(batch.deliveries[0].attempt, 2);
    }

    #[test]
    fn poison_needs_no_handler_and_keeps_its_reason() {
        let now = Instant::now();
        let mut poison = message("a", 1);
        poison.envelope = Err("undecodable".to_owned());
        let mut backlog = backlog([poison, message("b", 2)], now);
        let batch = backlog.take(LIMIT, now);
        assert_eq!(offsets(&batch), [2]);
        let dead = Settle::DeadLetter("third failure".to_owned());
        let settled = backlog.settle(batch, vec![dead], now);
        let reasons: Vec<_> = settled.dead.iter().map(|(m, r)| (m.position, r)).collect();
        assert_eq!(
            reasons,
            [
                (1, &"undecodable".to_owned()),
                (2, &"third failure".to_owned())
            ]
        );
    }

    #[test]
    fn a_redelivery_of_what_is_here_changes_nothing() {
        let now = Instant::now();
        let mut backlog = backlog([message("a", 1)], now);
        let batch = backlog.take(LIMIT, now);
        backlog.settle(batch, vec![Settle::Retry], now);
        backlog.push(message("a", 1), now);
        assert_eq!(backlog.len(), 1);
        assert!(backlog.take(LIMIT, now).is_empty(), "still waits");
    }
}
