use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gauntlet_contract::TaskId;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant as TokioInstant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::arrival::Arrival;
use crate::client::{Client, OperationKind, Outcome, Prepared, User};
use crate::clock::Clock;
use crate::error::{LoadError, LoadErrorKind};
use crate::histogram::Histogram;
use crate::lateness::Lateness;
use crate::pacer::{Pacer, Ticket};
use crate::priority::Priority;
use crate::progress::Progress;
use crate::record::{Ending, LoadRecord, OperationRecord, Tally};
use crate::workload::{Operation, OperationKey};

/// Least time between two snapshots: each costs a walk over a histogram and may wake a waiter on
/// another thread, which at thousands of operations a second would show in what is measured.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(10);

/// An operation with its request ready to go.
#[derive(Debug)]
pub(crate) struct Due {
    key: OperationKey,
    kind: OperationKind,
    user: Arc<User>,
    request: Prepared,
}

impl Due {
    pub(crate) fn prepare(client: &Client, operation: Operation) -> Due {
        let Operation { key, user, request } = operation;
        Due {
            kind: request.kind(),
            request: client.prepare(key.as_str(), &user, &request),
            key,
            user,
        }
    }
}

/// An operation that has ended, in the engine's own time.
struct Ended {
    key: OperationKey,
    kind: OperationKind,
    user: Arc<User>,
    task: Option<TaskId>,
    intended: Instant,
    sent: Instant,
    done: Instant,
    outcome: Outcome,
}

/// Sends what the pacer releases, and keeps the books. All on one thread: the books need no lock.
pub(crate) struct Engine {
    client: Client,
    arrival: Arrival,
    books: Books,
    snapshots: watch::Sender<Progress>,
    in_flight: JoinSet<Ended>,
    /// When a slot last became free after all were taken.
    freed_at: Option<Instant>,
}

impl Engine {
    pub(crate) fn new(
        client: Client,
        arrival: Arrival,
        priority: Priority,
        snapshots: watch::Sender<Progress>,
    ) -> Result<Engine, LoadError> {
        Ok(Engine {
            client,
            books: Books::open(&arrival, priority)?,
            arrival,
            snapshots,
            in_flight: JoinSet::new(),
            freed_at: None,
        })
    }

    /// Runs until the pacer has no more (or `cancel`) and everything under way has an outcome.
    pub(crate) async fn drive(
        mut self,
        mut pacer: Pacer<Due>,
        cancel: &CancellationToken,
    ) -> Result<LoadRecord, LoadError> {
        let mut ending = None;
        let mut unpublished = false;
        let mut cancelled = pin!(cancel.cancelled());
        let mut next_snapshot = pin!(sleep_until(TokioInstant::now()));
        while ending.is_none() || !self.in_flight.is_empty() {
            let offering = ending.is_none();
            let has_room = self.in_flight.len() < self.client.max_in_flight();
            // Biased, because what is due goes first: booking an answer can wait, it carries its
            // own time stamp.
            tokio::select! {
                biased;
                () = &mut cancelled, if offering => ending = Some(Ending::Stopped),
                ticket = pacer.next(), if offering && has_room => match ticket? {
                    Some(ticket) => self.send(ticket),
                    None => ending = Some(Ending::Complete),
                },
                Some(ended) = self.in_flight.join_next() => {
                    let ended = ended
                        .map_err(|error| LoadError::caused(LoadErrorKind::Died, error))?;
                    if !has_room {
                        self.freed_at = Some(Instant::now());
                    }
                    self.books.enter(ended);
                }
                () = &mut next_snapshot, if unpublished => {
                    self.publish();
                    next_snapshot.as_mut().reset(TokioInstant::now() + SNAPSHOT_EVERY);
                    unpublished = false;
                    continue;
                }
            }
            unpublished = true;
        }
        self.publish();
        let planned = self.snapshots.borrow().planned;
        let ending = ending.unwrap_or(Ending::Complete);
        Ok(self.books.close(self.arrival, ending, planned))
    }

    fn send(&mut self, ticket: Ticket<Due>) {
        let Ticket { intended, payload } = ticket;
        self.books.offered += 1;
        // It would have been taken before the slot became free, had there been one.
        if self.freed_at.is_some_and(|freed_at| intended < freed_at) {
            self.books.held_back += 1;
        }
        let client = self.client.clone();
        self.in_flight.spawn(async move {
            let Due {
                key,
                kind,
                user,
                request,
            } = payload;
            let task = request.addressed();
            let sent = Instant::now();
            let outcome = client.execute(request).await;
            let done = Instant::now();
            Ended {
                key,
                kind,
                user,
                task,
                intended,
                sent,
                done,
                outcome,
            }
        });
        self.books.peak_in_flight = self.books.peak_in_flight.max(self.in_flight.len());
    }

    fn publish(&self) {
        let books = &self.books;
        self.snapshots.send_modify(|progress| {
            *progress = Progress {
                planned: progress.planned,
                offered: books.offered,
                acknowledged: books.tally.acknowledged,
                failed: books.tally.failed,
                unknown: books.tally.unknown,
                held_back: books.held_back,
                late: books.lateness.late(),
                p95: books.latency.percentile(95.0),
                ended: false,
            };
        });
    }
}

/// What is known of the load so far.
struct Books {
    clock: Clock,
    offered: u64,
    held_back: u64,
    peak_in_flight: usize,
    tally: Tally,
    priority: Priority,
    lateness: Lateness,
    latency: Histogram,
    operations: Vec<OperationRecord>,
}

impl Books {
    fn open(arrival: &Arrival, priority: Priority) -> Result<Books, LoadError> {
        Ok(Books {
            clock: Clock::start(),
            offered: 0,
            held_back: 0,
            peak_in_flight: 0,
            tally: Tally::default(),
            priority,
            lateness: Lateness::new(arrival.leaving())?,
            latency: Histogram::new()?,
            operations: Vec::new(),
        })
    }

    fn enter(&mut self, ended: Ended) {
        self.tally.add(&ended.outcome);
        self.lateness
            .record(ended.sent.saturating_duration_since(ended.intended));
        let record = OperationRecord {
            key: ended.key,
            kind: ended.kind,
            user: ended.user.id(),
            task: ended.task,
            intended_micros: self.clock.unix_micros(ended.intended),
            sent_micros: self.clock.unix_micros(ended.sent),
            done_micros: self.clock.unix_micros(ended.done),
            outcome: ended.outcome,
        };
        if let Some(micros) = record.latency_micros() {
            self.latency.record_micros(micros);
        }
        self.operations.push(record);
    }

    fn close(self, arrival: Arrival, ending: Ending, planned: u64) -> LoadRecord {
        let mut operations = self.operations;
        // Stable, so that operations of one moment keep the order in which they ended.
        operations.sort_by_key(|operation| operation.intended_micros);
        LoadRecord {
            arrival,
            ending,
            planned,
            held_back: self.held_back,
            peak_in_flight: self.peak_in_flight,
            priority: self.priority,
            lateness: self.lateness,
            latency: self.latency,
            operations,
        }
    }
}
