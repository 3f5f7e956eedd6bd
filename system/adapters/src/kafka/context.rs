use std::sync::{Mutex, MutexGuard, PoisonError};

use gauntlet_ports::SourceState;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::progress::{Partition, Progress};

/// What librdkafka calls back into while the consumer polls: always on the consumer's own thread,
/// always between two batches, so that no record is in a handler's hands during a rebalance.
pub(super) struct GroupContext {
    progress: Mutex<Progress>,
    state: SourceState,
}

impl GroupContext {
    pub(super) fn new(state: SourceState) -> Self {
        Self {
            progress: Mutex::default(),
            state,
        }
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends whatever may be committed and has not been sent.
    pub(super) fn commit(&self, consumer: &BaseConsumer<Self>, mode: CommitMode) {
        let due = self.progress().take_committable();
        if due.is_empty() {
            return;
        }
        let committed = offsets(&due).and_then(|offsets| consumer.commit(&offsets, mode));
        if let Err(error) = committed {
            self.commit_failed(&error);
        }
    }

    fn commit_failed(&self, error: &KafkaError) {
        // Costs duplicates at worst; the next commit carries the same offsets or later ones.
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "offset commit failed"
        );
        self.progress().forget_requests();
    }
}

impl ClientContext for GroupContext {}

impl ConsumerContext for GroupContext {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(_) = rebalance {
            return;
        }
        self.state.interrupted();
        // A lost assignment is someone else's already: their commits must not be overwritten.
        if !consumer.assignment_lost() {
            self.commit(consumer, CommitMode::Sync);
        }
        // The range strategy revokes everything at once.
        self.progress().give_up_all();
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            // Also with no partitions: a spare replica is as ready as it can be.
            Rebalance::Assign(assigned) => {
                tracing::info!(partitions = assigned.count(), "assigned");
                self.state.consuming();
            }
            Rebalance::Revoke(revoked) => {
                tracing::info!(partitions = revoked.count(), "revoked");
            }
            Rebalance::Error(error) => {
                tracing::warn!(error = error as &dyn std::error::Error, "rebalance failed");
            }
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            self.commit_failed(&error);
        }
    }
}

fn offsets(due: &[(Partition, i64)]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in due {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    Ok(list)
}
