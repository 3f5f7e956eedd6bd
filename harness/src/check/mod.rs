//! Checks: pure functions of a closed ledger, each of which turns one claim into a finding.
//!
//! A check does no IO and knows nothing of the system's code. It never passes on nothing: with zero
//! items examined, or fewer than expected, it is inconclusive. What a claim's number may be is said
//! by typed [`Bar`]s, and all verdicts come from the one place that compares with them.
//!
//! Figures ([`figure`]) are numbers that no bar applies to; they carry no verdict.

mod amount;
mod api_latency;
mod audit_logs_complete;
mod bar;
mod building_blocks;
mod burst_complete_within;
mod commit_to_effect;
mod consumer_drained;
mod content_intact;
mod criterion;
mod effects_in_order;
mod equivalence;
mod evidence;
mod fault_felt;
pub mod figure;
mod generator_on_time;
mod graceful_stop;
mod instances_exactly_once;
mod no_effect_twice;
mod no_healthy_dead_letter;
mod nothing_invented;
mod nothing_lost;
mod one_trace;
mod publish_latency;
mod replay;
mod seeded_reads_back;
mod series_faults;
mod sidecar_load;
mod sidecar_memory_growth;
mod sidecar_memory_peak;
mod sidecar_memory_slope;
mod statistics;
#[cfg(test)]
mod testing;
mod unknowns_settled;

pub use amount::{Amount, Unit};
pub use api_latency::{ApiLatency, Population};
pub use audit_logs_complete::AuditLogsComplete;
pub use bar::{Bar, Bars};
pub use building_blocks::BlockConforms;
pub use burst_complete_within::BurstCompleteWithin;
pub use commit_to_effect::CommitToEffect;
pub use consumer_drained::ConsumerDrained;
pub use content_intact::ContentIntact;
pub use criterion::{Check, Scope};
pub use effects_in_order::{EffectsInOrder, OrderTested};
pub use equivalence::{CaseCoverage, CasesAsExpected, PlantedDivergence, SameEffects};
pub use fault_felt::FaultFelt;
pub use generator_on_time::GeneratorOnTime;
pub use graceful_stop::GracefulStop;
pub use instances_exactly_once::InstancesExactlyOnce;
pub use no_effect_twice::NoEffectTwice;
pub use no_healthy_dead_letter::NoHealthyDeadLetter;
pub use nothing_invented::NothingInvented;
pub use nothing_lost::NothingLost;
pub use one_trace::{OneTrace, TracesTested};
pub use publish_latency::PublishLatency;
pub use replay::{ReplayChangesNothing, ReplayHappened};
pub use seeded_reads_back::SeededReadsBack;
pub use sidecar_memory_peak::{PeakOf, SidecarMemoryPeak};
pub use sidecar_memory_slope::SidecarMemorySlope;
pub use statistics::nearest_rank;
pub use unknowns_settled::UnknownsSettled;
