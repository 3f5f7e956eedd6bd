//! Rows and their transactions.

mod audit;
mod commit;
mod labels;
mod outbox;
mod series;
mod tasks;
mod text;

pub use audit::{AuditLog, AuditQuery, Audited, AuditedState, Gap, Recorded, audit_event};
pub use commit::{
    AnswerStore, Commit, CommitStore, Committed, Expected, KeyedAnswer, RowChange, StoredAnswer,
};
pub use labels::{LabelQuery, LabelStore};
pub use outbox::{OutboxEntry, OutboxQueue, Sent};
pub use series::SeriesStore;
pub use tasks::{
    CategoryFilter, Direction, OverdueFilter, Position, SortKey, SortValue, TaskFilter, TaskPage,
    TaskQuery, TaskStore, TimeRange,
};
pub use text::{WORD_MAX_CHARS, title_key, words};
