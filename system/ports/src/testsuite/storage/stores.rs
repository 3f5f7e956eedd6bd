use crate::storage::{AnswerStore, CommitStore, LabelStore, SeriesStore, TaskStore};

/// What the api role asks of its one store.
pub trait Stores: CommitStore + TaskStore + LabelStore + SeriesStore + AnswerStore {}

impl<T: CommitStore + TaskStore + LabelStore + SeriesStore + AnswerStore> Stores for T {}
