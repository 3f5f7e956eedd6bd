use std::time::Duration;

use super::{Accounting, LaneRecord, Micros};

/// A stretch in which at least one event was waiting and no effect was committed; or one in which at least
/// one instance was settled and no next one came.
///
/// A gap between effects alone says nothing: with nothing to do there is nothing to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The last effect before, or the arrival of what waited, whichever is later.
    pub from: Micros,
    /// The effect, or the instance, that ended it.
    pub until: Micros,
}

impl Stall {
    pub fn lasted(&self) -> Duration {
        self.until.since(self.from)
    }
}

impl LaneRecord {
    /// Every stall of the lane, in the order of time. Events without an effect do not count: their
    /// wait has no end, and the accounting names them.
    pub(super) fn stalls(&self, accounting: &Accounting) -> Vec<Stall> {
        let rows = self.effects.iter().zip(&accounting.event_of_effect);
        let done = rows
            .zip(&accounting.is_repeat)
            .filter(|&(_, is_repeat)| !is_repeat)
            .filter_map(|((effect, event), _)| {
                event.map(|event| (effect.at(), self.events[event].inserted_at))
            });
        stalls_between(done.collect())
    }
}

/// The stretches in which something waited and nothing was done. `done` has, for each thing, when it was
/// done and since when it had waited.
pub(super) fn stalls_between(mut done: Vec<(Micros, Micros)>) -> Vec<Stall> {
    done.sort_unstable();
    // The earliest arrival among those that are not done before each.
    let mut earliest = Micros(i64::MAX);
    for (_, arrived) in done.iter_mut().rev() {
        earliest = earliest.min(*arrived);
        *arrived = earliest;
    }
    let mut stalls = Vec::with_capacity(done.len());
    let mut last_done = Micros(i64::MIN);
    for (until, waiting_since) in done {
        let from = waiting_since.max(last_done);
        if until > from {
            stalls.push(Stall { from, until });
        }
        last_done = until;
    }
    stalls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sample;

    /// A lane of events that arrive and take effect at the given milliseconds.
    fn stalls(waits: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let mut record = sample::lane("a", waits.len());
        for (position, &(arrived, done)) in waits.iter().enumerate() {
            record.events[position].inserted_at = Micros(arrived * 1_000);
            record.effects[position].committed_at = Some(Micros(done * 1_000));
        }
        let stalls = record.stalls(&record.account());
        stalls
            .iter()
            .map(|stall| (stall.from.0 / 1_000, stall.until.0 / 1_000))
            .collect()
    }

    #[test]
    fn idle_time_is_not_a_stall() {
        assert_eq!(stalls(&[(0, 2), (100, 103)]), [(0, 2), (100, 103)]);
    }

    #[test]
    fn waiting_work_makes_a_gap_a_stall() {
        assert_eq!(
            stalls(&[(0, 2), (1, 90), (95, 97)]),
            [(0, 2), (2, 90), (95, 97)]
        );
    }

    #[test]
    fn an_event_that_waits_long_stalls_only_while_nothing_is_done() {
        assert_eq!(
            stalls(&[(0, 50), (10, 20), (11, 21)]),
            [(0, 20), (20, 21), (21, 50)]
        );
    }
}
