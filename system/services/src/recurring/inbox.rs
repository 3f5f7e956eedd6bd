use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::Envelope;
use gauntlet_ports::error::BoxError;
use gauntlet_ports::state::{Expect, Key, StateOp, Versioned};
use gauntlet_ports::{PortError, PortErrorKind, StateStore};
use serde::{Deserialize, Serialize};

/// As long as a broker keeps events by default. What it no longer has it cannot deliver again, and
/// should it do so all the same, the api still knows the instance by its number.
const REMEMBERED_FOR: Duration = Duration::from_hours(7 * 24);
/// How often a count is begun anew when another replica counts at the same time.
const ATTEMPTS_MAX: usize = 5;

/// What became of events, by (consumer, source, event id).
///
/// Unlike a consumer's inbox in a database it is not of one transaction with the effect: the effect comes
/// first, then the entry. A crash between the two repeats the effect, which must bear that.
pub(super) struct Inbox {
    state: Arc<dyn StateStore>,
    consumer: &'static str,
}

/// An event's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    Done,
    Failures(u32),
}

impl Inbox {
    pub(super) fn new(state: Arc<dyn StateStore>, consumer: &'static str) -> Self {
        Self { state, consumer }
    }

    pub(super) async fn is_done(&self, event: &Envelope) -> Result<bool, PortError> {
        let found = self.state.get(&self.key(event)?).await?;
        Ok(found.is_some_and(|found| entry(&found) == Entry::Done))
    }

    /// Writes over whatever is there: an event that is done stays so.
    pub(super) async fn mark_done(&self, event: &Envelope) -> Result<(), PortError> {
        self.put(self.key(event)?, Entry::Done, Expect::Any).await
    }

    /// Counts a failure; answers how many there are now. Replicas that count at once count each.
    pub(super) async fn count_failure(&self, event: &Envelope) -> Result<u32, PortError> {
        let key = self.key(event)?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (failures, expect) = match self.state.get(&key).await? {
                None => (1, Expect::Absent),
                Some(found) => match entry(&found) {
                    // Another replica has done it meanwhile, and that is not to be forgotten.
                    Entry::Done => return Ok(1),
                    Entry::Failures(before) => {
                        (before.saturating_add(1), Expect::Match(found.etag))
                    }
                },
            };
            let put = self.put(key.clone(), Entry::Failures(failures), expect);
            match put.await {
                Ok(()) => return Ok(failures),
                Err(error) if error.kind == PortErrorKind::Conflict && attempts < ATTEMPTS_MAX => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the event's entry is. A source that no key can hold is the event's own fault.
    fn key(&self, event: &Envelope) -> Result<Key, PortError> {
        Key::new(format!(
            "inbox:{}:{}:{}",
            self.consumer, event.source, event.id
        ))
        .map_err(|error| error_of(PortErrorKind::Invalid, "name an entry", error))
    }

    async fn put(&self, key: Key, entry: Entry, expect: Expect) -> Result<(), PortError> {
        let encoded = serde_json::to_vec(&entry)
            .map_err(|error| error_of(PortErrorKind::Internal, "encode an entry", error))?;
        let put = StateOp::Put {
            key,
            value: encoded.into(),
            expect,
            ttl: Some(REMEMBERED_FOR),
        };
        self.state.apply(&[put]).await
    }
}

fn error_of(kind: PortErrorKind, op: &'static str, source: impl Into<BoxError>) -> PortError {
    PortError::new(kind, "inbox", op, source)
}

/// What cannot be understood tells nothing, and is written over.
fn entry(found: &Versioned) -> Entry {
    serde_json::from_slice(&found.value).unwrap_or(Entry::Failures(0))
}
