//! What happened around the data: faults, restarts, memory, and how well the load itself ran.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Micros;

/// What any send is given before it counts as late.
const LATE: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    Kill,
    Restart,
    Pause,
    Cut,
    Delay,
    Poison,
}

impl FaultKind {
    pub fn as_str(self) -> &'static str {
        match self {
            FaultKind::Kill => "kill",
            FaultKind::Restart => "restart",
            FaultKind::Pause => "pause",
            FaultKind::Cut => "cut",
            FaultKind::Delay => "delay",
            FaultKind::Poison => "poison",
        }
    }
}

/// Which side of the system a fault is on, and so where it can be felt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultSide {
    /// A consumer, alone or with its sidecar. Requests are answered and events published as before,
    /// and whatever fails there is not its doing: only the effects stand still.
    #[default]
    Consumer,
    /// What carries series on, alone or with its sidecar. Everything else goes on as before: only the
    /// instances that come after settled ones stand still.
    Recurrence,
    /// What answers requests and publishes events, or what that rests on.
    Producer,
}

/// A fault that was injected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    pub what: FaultKind,
    /// Processes or links that it hit, e.g. `audit`.
    pub target: String,
    /// Older ledgers know of killed consumers only.
    #[serde(default)]
    pub side: FaultSide,
    pub injected_at: Micros,
    /// None where it was not healed before the run ended.
    pub healed_at: Option<Micros>,
    /// Attempts that failed because of it, as far as the driver saw them (refused connections while
    /// what answers requests was away). What the stores tell is added by the check.
    pub failed_attempts: u64,
}

/// A process that was started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartRecord {
    pub process: String,
    pub at: Micros,
    pub ready_at: Option<Micros>,
}

/// Memory of a process at one moment, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySample {
    pub process: String,
    pub at: Micros,
    pub rss_bytes: u64,
    /// Highest resident size since the process began, kept by the kernel.
    pub rss_high_water_bytes: u64,
    /// Heap and stacks: what the process itself asked for.
    pub anonymous_bytes: u64,
    /// Mapped files, above all the executable's own pages.
    pub file_bytes: u64,
    /// None where the process has no cgroup of its own, and in older ledgers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<CgroupMemory>,
}

/// Memory of a cgroup at one moment, in bytes. Unlike a resident size it has the page cache and the
/// kernel's memory in it; and a file's page counts in the cgroup alone that touched it first, so that
/// of two sidecars one may carry the executable that both run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupMemory {
    pub usage_bytes: u64,
    /// The usage without inactive file pages: what the kubelet evicts by.
    pub working_set_bytes: u64,
    pub anonymous_bytes: u64,
    /// Highest usage since the cgroup was made, kept by the kernel; none where it does not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// None without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

/// How well the load generator kept its schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratorRecord {
    pub offered: u64,
    /// Operations sent later than [`GeneratorRecord::late_after`]. Older ledgers call it by a name
    /// that is not true of bursts.
    #[serde(alias = "late_beyond_5ms")]
    pub late: u64,
    /// What the schedule allows on top of 5 ms: how long a burst may take to leave, zero for any
    /// other load. Of several loads in one lane, the longest.
    #[serde(default)]
    pub allowed_micros: u64,
    /// Operations sent more than 5 ms after they were intended, allowed or not. Not recorded in older
    /// ledgers, where it is the same as `late` unless the load was a burst.
    #[serde(default)]
    pub beyond_5ms: Option<u64>,
    /// Operations that waited because as many requests as allowed were under way: above zero the
    /// loop was not open.
    #[serde(default)]
    pub held_back: u64,
    /// Most operations under way at once; zero where it was not recorded.
    #[serde(default)]
    pub peak_in_flight: u64,
    /// Whether the thread that offered the load ran at real-time priority, in every load of the lane;
    /// none where it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_time: Option<bool>,
    pub lateness: Lateness,
    /// The same loop at the same rate with nothing to send; none where it was not measured.
    pub noise: Option<NoiseFloor>,
}

/// Lateness of the sends against the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    pub p50_micros: u64,
    pub p90_micros: u64,
    pub p99_micros: u64,
    pub max_micros: u64,
}

/// What the host alone does to a timer at the rate of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseFloor {
    pub p50_micros: u64,
    pub p99_micros: u64,
    pub max_micros: u64,
}

impl GeneratorRecord {
    /// From how long after its intended time on a send counts as late.
    pub fn late_after(&self) -> Duration {
        LATE + Duration::from_micros(self.allowed_micros)
    }

    /// True when more than 1 % of the operations were late. Such a load is not the one that was
    /// promised, and no timing of it counts.
    pub fn was_late(&self) -> bool {
        // In whole numbers, so that exactly 1 % is on time on every machine.
        self.late.saturating_mul(100) > self.offered
    }
}

impl FaultRecord {
    /// How long it lasted, up to `end` where it was not healed.
    pub fn lasted(&self, end: Micros) -> Duration {
        self.healed_at.unwrap_or(end).since(self.injected_at)
    }
}
