use std::collections::{BTreeSet, HashMap};

/// A topic's name and a partition's number.
pub(super) type Partition = (String, i32);

/// How far each assigned partition has been settled. A partition's committable offset is its
/// oldest unsettled record: nothing behind a record that is not settled is ever committed.
#[derive(Debug, Default)]
pub(super) struct Progress {
    partitions: HashMap<Partition, Offsets>,
}

#[derive(Debug)]
struct Offsets {
    unsettled: BTreeSet<i64>,
    /// One past the newest record taken.
    next: i64,
    /// What was last sent to the broker.
    requested: Option<i64>,
}

impl Offsets {
    fn committable(&self) -> i64 {
        self.unsettled.first().copied().unwrap_or(self.next)
    }
}

impl Progress {
    /// A record was fetched.
    pub(super) fn taken(&mut self, partition: Partition, offset: i64) {
        let offsets = self.partitions.entry(partition).or_insert(Offsets {
            unsettled: BTreeSet::new(),
            next: offset,
            // Where the partition was taken up is no news to the broker.
            requested: Some(offset),
        });
        offsets.unsettled.insert(offset);
        offsets.next = offsets.next.max(offset + 1);
    }

    /// A record's effect is committed, or it is parked. Of a partition that has been given up
    /// nothing is noted.
    pub(super) fn settled(&mut self, partition: &Partition, offset: i64) {
        if let Some(offsets) = self.partitions.get_mut(partition) {
            offsets.unsettled.remove(&offset);
        }
    }

    /// Offsets that may be committed and have not been sent; they count as sent from now on.
    pub(super) fn take_committable(&mut self) -> Vec<(Partition, i64)> {
        let mut due = Vec::new();
        for (partition, offsets) in &mut self.partitions {
            let committable = offsets.committable();
            if offsets.requested != Some(committable) {
                offsets.requested = Some(committable);
                due.push((partition.clone(), committable));
            }
        }
        due
    }

    /// A commit failed: all are due again.
    pub(super) fn forget_requests(&mut self) {
        for offsets in self.partitions.values_mut() {
            offsets.requested = None;
        }
    }

    /// The group has taken every partition back.
    pub(super) fn give_up_all(&mut self) {
        self.partitions.clear();
    }

    pub(super) fn holds(&self, partition: &Partition, offset: i64) -> bool {
        self.partitions
            .get(partition)
            .is_some_and(|offsets| offsets.unsettled.contains(&offset))
    }

    /// Partitions with more than `limit` unsettled records.
    pub(super) fn stuck(&self, limit: usize) -> BTreeSet<Partition> {
        self.partitions
            .iter()
            .filter(|(_, offsets)| offsets.unsettled.len() > limit)
            .map(|(partition, _)| partition.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        ("task-events".to_owned(), 3)
    }

    fn taken(offsets: impl IntoIterator<Item = i64>) -> Progress {
        let mut progress = Progress::default();
        for offset in offsets {
            progress.taken(partition(), offset);
        }
        progress
    }

    #[test]
    fn never_past_an_unsettled_record() {
        let mut progress = taken(10..14);
        assert_eq!(progress.take_committable(), [], "nothing is settled yet");
        progress.settled(&partition(), 12);
        progress.settled(&partition(), 11);
        assert_eq!(progress.take_committable(), [], "10 is not settled");
        progress.settled(&partition(), 10);
        assert_eq!(progress.take_committable(), [(partition(), 13)]);
        progress.settled(&partition(), 13);
        assert_eq!(progress.take_committable(), [(partition(), 14)]);
        assert_eq!(progress.take_committable(), [], "said once");
    }

    #[test]
    fn gaps_between_offsets_are_skipped() {
        let mut progress = taken([5, 9]);
        progress.settled(&partition(), 5);
        assert_eq!(progress.take_committable(), [(partition(), 9)]);
    }

    #[test]
    fn a_failed_commit_is_due_again() {
        let mut progress = taken([0]);
        progress.settled(&partition(), 0);
        assert_eq!(progress.take_committable(), [(partition(), 1)]);
        progress.forget_requests();
        assert_eq!(progress.take_committable(), [(partition(), 1)]);
    }

    #[test]
    fn a_partition_given_up_is_forgotten() {
        let mut progress = taken([7]);
        assert!(progress.holds(&partition(), 7));
        progress.give_up_all();
        assert!(!progress.holds(&partition(), 7));
        progress.settled(&partition(), 7);
        assert_eq!(progress.take_committable(), []);
    }

    #[test]
    fn a_long_backlog_is_stuck() {
        let progress = taken(0..5);
        assert!(progress.stuck(5).is_empty());
        assert_eq!(progress.stuck(4), BTreeSet::from([partition()]));
    }
}
