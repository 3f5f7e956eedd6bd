use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use gauntlet_contract::EntityId;

/// How many shards the subjects of events are divided into; the migrations hold one lease row for each.
pub(super) const SHARDS: i32 = 16;

/// A subject's shard. The low bits of a UUID are random in every version that we draw, so they are as
/// good as a hash, and the same in every build.
pub(super) fn shard_of(id: EntityId) -> i32 {
    let low_bits = i32::from(id.0.as_bytes()[15]);
    low_bits % SHARDS
}

/// The leases that the last renewal left this process with: shard → epoch.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<BTreeMap<i32, i64>>);

impl Leases {
    pub(super) fn replace(&self, held: BTreeMap<i32, i64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Shards and their epochs, as two columns of one length.
    pub(super) fn columns(&self) -> (Vec<i32>, Vec<i64>) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(shard, epoch)| (*shard, *epoch)).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_all_used_and_never_exceeded() {
        let mut seen = [0_u32; SHARDS as usize];
        for _ in 0..4_000 {
            let shard = usize::try_from(shard_of(EntityId::generate())).unwrap();
            seen[shard] += 1;
        }
        // 250 are expected in each; a skew by half would mean that ids no longer end in random bits.
        assert!(
            seen.iter().all(|count| (125..=375).contains(count)),
            "{seen:?}"
        );
    }
}
