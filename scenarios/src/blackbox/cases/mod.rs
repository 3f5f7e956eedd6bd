//! The cases, by what they are about.

mod audit;
mod catalogue;
mod creation;
mod due;
mod due_lists;
mod filters;
mod idempotency;
mod instances;
mod labels;
mod labels_refused;
mod life;
mod pages;
mod preconditions;
mod priorities;
mod recurrence;
mod refusals;
mod schedules;
mod search;
mod sorting;
mod task_labels;

pub use catalogue::{all, controls};
