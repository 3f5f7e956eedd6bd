//! The ledger: what was offered, what the stores held at the end, and what was done to the system
//! in between.
//!
//! It is pure data. Nothing here talks to a broker or a database, and nothing decodes an event with
//! the system's own types: the judge must not inherit the defendant's bugs. A [`Ledger`] is closed
//! once it is built, so that all checks judge the very same record.

mod account;
mod book;
mod envelope;
mod fold;
mod group;
mod incident;
mod jsonl;
mod lane;
mod operation;
mod raw_json;
mod record;
mod rows;
mod stall;
mod task_index;
mod time;
mod timeline;
mod untold;

#[cfg(test)]
mod fold_changes;
#[cfg(test)]
mod fold_properties;
#[cfg(test)]
mod fold_rows;
pub mod sample;

pub use account::{Accounting, Fate, Identity, Intrusion, LostChange, Placement, UnknownFate};
pub use book::{LaneView, Ledger};
pub use envelope::{EnvelopeFault, SeenEnvelope};
pub use group::Groups;
pub use incident::{
    CgroupMemory, FaultKind, FaultRecord, FaultSide, GeneratorRecord, Lateness, MemorySample,
    NoiseFloor, RestartRecord,
};
pub use jsonl::{LedgerFileError, LedgerFileErrorKind, SCHEMA, read_jsonl, write_jsonl};
pub use lane::Lane;
pub use operation::{Operation, OperationKind, OperationOutcome, Phase};
pub use raw_json::RawJson;
pub use record::LaneRecord;
pub use rows::{
    DeadLetter, DeadLetterTopic, Dropped, Effect, InboxRow, Offset, OutboxRow, TaskRow,
};
pub use stall::Stall;
pub use time::Micros;
