//! The fake keeps the contract, and stores that break it in one way each are found out.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use tokio::task::yield_now;

use super::{MemoryStateStore, PlantedInState, state_store_suite};
use crate::error::{PortError, PortErrorKind};
use crate::state::{Etag, Expect, Key, StateOp, StateStore, Versioned};

#[tokio::test(start_paused = true)]
async fn the_memory_store_keeps_the_contract() {
    state_store_suite(&MemoryStateStore::default()).await;
}

#[tokio::test]
async fn planted_defects_show() {
    let store = MemoryStateStore::default();
    let key = Key::new("a").unwrap();
    store.plant(Some(PlantedInState::Unavailable));
    let put = [StateOp::put(key.clone(), "1")];
    let refused = store.apply(&put).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Unavailable);
    assert!(store.get(&key).await.is_err());
    store.plant(Some(PlantedInState::AnswerLost));
    let lost = store.apply(&put).await.unwrap_err();
    assert_eq!(lost.kind, PortErrorKind::Timeout);
    assert!(store.get(&key).await.unwrap().is_some(), "written");
}

/// What is wrong with a store.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    IgnoresExpectations,
    AppliesHalf,
    /// As Dapr's Redis component does.
    MatchesWhatIsAbsent,
    ChecksBeforeItWrites,
    NeverExpires,
    KeepsTheFirstExpiry,
    /// As an adapter does whose overwrite sets nothing but the value.
    LosesTheExpiryOnOverwrite,
    /// As where rows stay until they are purged, and absence is asked of the rows.
    FindsWhatHasExpired,
    MatchesWhatHasExpired,
}

struct Flawed {
    store: MemoryStateStore,
    flaw: Flaw,
    /// The last etag that was read of each key, whatever has become of the entry.
    read: Mutex<BTreeMap<Key, Etag>>,
}

impl Flawed {
    fn with(flaw: Flaw) -> Self {
        let store = MemoryStateStore::default();
        let read = Mutex::default();
        Self { store, flaw, read }
    }

    async fn applied_one_by_one(&self, ops: &[StateOp]) -> Result<(), PortError> {
        for op in ops {
            self.store.apply(std::slice::from_ref(op)).await?;
        }
        Ok(())
    }

    /// Looks first, and then writes whatever has come in between.
    async fn applied_after_a_look(&self, ops: &[StateOp]) -> Result<(), PortError> {
        for op in ops {
            let there = self.store.get(op.key()).await?;
            let is_met = match op.expect() {
                Expect::Any => true,
                Expect::Absent => there.is_none(),
                Expect::Match(etag) => there.is_some_and(|entry| entry.etag == *etag),
            };
            if !is_met {
                return self.store.apply(ops).await;
            }
        }
        yield_now().await;
        self.store.apply(&unconditional(ops)).await
    }

    async fn resurrected(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let mut ops = ops.to_vec();
        for op in &mut ops {
            if matches!(op.expect(), Expect::Match(_)) && self.store.get(op.key()).await?.is_none()
            {
                *op = op.clone().expecting(Expect::Any);
            }
        }
        self.store.apply(&ops).await
    }
}

impl Flawed {
    async fn overwritten_to_stay(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let mut ops = ops.to_vec();
        for op in &mut ops {
            if let StateOp::Put { key, ttl, .. } = op
                && self.store.get(key).await?.is_some()
            {
                *ttl = None;
            }
        }
        self.store.apply(&ops).await
    }

    /// Entries that went by their expiry, judged as if they were there.
    async fn applied_to_what_has_expired(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let mut ops = ops.to_vec();
        for op in &mut ops {
            let known = self.read.lock().unwrap().get(op.key()).cloned();
            let Some(known) = known else { continue };
            if self.store.get(op.key()).await?.is_some() {
                continue;
            }
            let is_found = match op.expect() {
                Expect::Any => continue,
                Expect::Absent => self.flaw == Flaw::FindsWhatHasExpired,
                Expect::Match(etag) => self.flaw == Flaw::MatchesWhatHasExpired && *etag == known,
            };
            if is_found {
                *op = match op.expect() {
                    Expect::Absent => op.clone().expecting(Expect::Match(known)),
                    _ => op.clone().expecting(Expect::Any),
                };
            }
        }
        let applied = self.store.apply(&ops).await;
        if applied.is_ok() {
            let mut read = self.read.lock().unwrap();
            // What is deleted is gone here too.
            for op in ops.iter().filter(|op| matches!(op, StateOp::Delete { .. })) {
                read.remove(op.key());
            }
        }
        applied
    }
}

fn unconditional(ops: &[StateOp]) -> Vec<StateOp> {
    let ops = ops.iter().cloned();
    ops.map(|op| op.expecting(Expect::Any)).collect()
}

fn unexpiring(ops: &[StateOp]) -> Vec<StateOp> {
    let mut ops = ops.to_vec();
    for op in &mut ops {
        if let StateOp::Put { ttl: Some(ttl), .. } = op
            && !ttl.is_zero()
        {
            *ttl = crate::state::TTL_MAX;
        }
    }
    ops
}

#[async_trait]
impl StateStore for Flawed {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError> {
        let entries = self.store.get_many(keys).await?;
        let mut read = self.read.lock().unwrap();
        for (key, entry) in keys.iter().zip(&entries) {
            if let Some(entry) = entry {
                read.insert(key.clone(), entry.etag.clone());
            }
        }
        Ok(entries)
    }

    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError> {
        // Malformed ones are refused as they should be.
        if crate::state::check_ops(ops).is_err() {
            return self.store.apply(ops).await;
        }
        match self.flaw {
            Flaw::IgnoresExpectations => self.store.apply(&unconditional(ops)).await,
            Flaw::AppliesHalf => self.applied_one_by_one(ops).await,
            Flaw::MatchesWhatIsAbsent => self.resurrected(ops).await,
            Flaw::ChecksBeforeItWrites => self.applied_after_a_look(ops).await,
            Flaw::NeverExpires => self.store.apply(&unexpiring(ops)).await,
            Flaw::KeepsTheFirstExpiry => self.applied_with_old_expiry(ops).await,
            Flaw::LosesTheExpiryOnOverwrite => self.overwritten_to_stay(ops).await,
            Flaw::FindsWhatHasExpired | Flaw::MatchesWhatHasExpired => {
                self.applied_to_what_has_expired(ops).await
            }
        }
    }
}

impl Flawed {
    /// Writes without an expiry vanish, as if the entry had kept its former one.
    async fn applied_with_old_expiry(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let mut ops = ops.to_vec();
        for op in &mut ops {
            if let StateOp::Put { key, ttl, .. } = op
                && self.store.get(key).await?.is_some()
            {
                *ttl = ttl.or(Some(std::time::Duration::from_secs(1)));
            }
        }
        self.store.apply(&ops).await
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "applied and should be refused as a conflict")]
async fn planted_ignorance_of_expectations_is_found() {
    state_store_suite(&Flawed::with(Flaw::IgnoresExpectations)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "half of")]
async fn planted_halves_are_found() {
    state_store_suite(&Flawed::with(Flaw::AppliesHalf)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "applied and should be refused as a conflict")]
async fn planted_resurrection_is_found() {
    state_store_suite(&Flawed::with(Flaw::MatchesWhatIsAbsent)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "left: 8")]
async fn planted_races_are_found() {
    state_store_suite(&Flawed::with(Flaw::ChecksBeforeItWrites)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "does not expire")]
async fn planted_immortality_is_found() {
    state_store_suite(&Flawed::with(Flaw::NeverExpires)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expired all the same")]
async fn planted_expiry_that_outlives_a_write_is_found() {
    state_store_suite(&Flawed::with(Flaw::KeepsTheFirstExpiry)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "was to stay does not expire")]
async fn planted_loss_of_the_expiry_on_overwrite_is_found() {
    state_store_suite(&Flawed::with(Flaw::LosesTheExpiryOnOverwrite)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "what has expired is absent")]
async fn planted_presence_of_what_has_expired_is_found() {
    state_store_suite(&Flawed::with(Flaw::FindsWhatHasExpired)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "an etag of what has expired")]
async fn planted_match_of_what_has_expired_is_found() {
    state_store_suite(&Flawed::with(Flaw::MatchesWhatHasExpired)).await;
}
