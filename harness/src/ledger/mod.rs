//! The ledger: what was offered, what the stores held at the end, and what was done to the system
//! in between.
//!
//! It is pure data. Nothing here talks to a broker or a database, and nothing decodes an event with
//! the system's own types: the judge must not inherit the defendant's bugs. A [`Ledger`] is closed
//! once it is built, so that all checks judge the very same record.

mod account;
mod audit_logs;
mod book;
mod case_compare;
mod case_features;
mod case_file;
mod case_ids;
mod case_mask;
#[cfg(test)]
pub(crate) mod case_sample;
mod case_times;
mod case_told;
mod case_trace;
mod cases;
mod ending;
mod envelope;
mod event_kind;
mod fold;
mod group;
mod incident;
mod jsonl;
mod lane;
mod operation;
mod probe;
mod raw_json;
mod read;
mod record;
mod rows;
mod seeded;
mod series_life;
#[cfg(test)]
pub(crate) mod series_sample;
mod series_told;
mod stall;
mod stored;
#[cfg(test)]
pub(crate) mod stored_sample;
mod task_details;
mod task_index;
mod time;
mod timeline;
mod trace_context;
mod trace_events;
mod trace_index;
#[cfg(test)]
pub(crate) mod trace_sample;
mod trace_span;
mod untold;

#[cfg(test)]
mod fold_besides;
#[cfg(test)]
mod fold_changes;
#[cfg(test)]
mod fold_properties;
#[cfg(test)]
mod fold_rows;
#[cfg(test)]
mod fold_seeded;
pub mod sample;

pub use account::{Accounting, Fate, Identity, Intrusion, LostChange, Placement, UnknownFate};
pub use audit_logs::{AuditMessage, AuditOutboxRow, AuditTopic, ToldLine};
pub use book::{LaneView, Ledger};
pub use case_compare::{Difference, event_types, first_difference, operation, operation_effects};
pub use case_features::shows_feature;
pub use case_file::{CaseFileError, write_cases};
pub use case_mask::{MASKED, MaskedColumn, MaskedLine, Treatment, mask};
pub use case_told::cases_as_told;
pub use case_trace::Traced;
pub use cases::{CaseRecord, CaseRole, EffectRow, Exchange};
pub use ending::{Ended, EndingRecord};
pub use envelope::{EnvelopeFault, SeenEvent, Tells};
pub use event_kind::{EntityKind, EventKind};
pub use group::Groups;
pub use incident::{
    CgroupMemory, FaultKind, FaultRecord, FaultSide, GeneratorRecord, Lateness, MemorySample,
    NoiseFloor, RestartRecord,
};
pub use jsonl::{
    LedgerFileError, LedgerFileErrorKind, SCHEMA, append_endings, read_jsonl, write_jsonl,
};
pub use lane::Lane;
pub use operation::{Operation, OperationKind, OperationOutcome, Phase};
pub use probe::{Block, ProbeKind, ProbeRecord};
pub use raw_json::RawJson;
pub use read::{Read, ReadKind};
pub use record::LaneRecord;
pub use rows::{
    DeadLetter, DeadLetterTopic, Dropped, Effect, InboxRow, Offset, OutboxRow, TaskRow,
};
pub use seeded::{Seeded, SeededAnswer};
pub use series_life::{Instance, SeriesLife, SeriesLives};
pub use stall::Stall;
pub use stored::{
    MASKED_COLUMNS, MASKED_ENTRIES, MaskedEntry, MaskedStored, Moment, ReplayedGroup, STATE_TABLES,
    StoredPair, StoredRow, both_readings, stored_pairs,
};
pub use task_details::{Occurrence, TaskDetails};
pub use time::Micros;
pub use trace_context::{NoTraceId, SpanId, TraceContext, TraceId};
pub use trace_events::{EventTraceFault, EventTraces, TracedEvent};
pub use trace_index::{Came, Sought, SpanIndex, TraceFault};
pub use trace_span::{ClientTrace, SpanKind, TraceIntake, TraceSpan};
