use std::time::Duration;

/// A load as it stands. Snapshots are some milliseconds apart; the last one is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub planned: u64,
    /// Operations started so far.
    pub offered: u64,
    pub acknowledged: u64,
    pub failed: u64,
    pub unknown: u64,
    pub held_back: u64,
    /// Operations sent later than the schedule allows, see [`Lateness`](crate::Lateness).
    pub late: u64,
    /// 95th percentile of the latencies so far; zero before the first.
    pub p95: Duration,
    /// Nothing more will change.
    pub ended: bool,
}

impl Progress {
    /// Operations that were started and have not ended.
    pub fn in_flight(&self) -> u64 {
        self.offered - self.acknowledged - self.failed - self.unknown
    }
}
