use gauntlet_ports::{AnswerStore, CommitStore, LabelStore, SeriesStore, TaskStore};

/// All that the task API stores: one backend, because one transaction spans it.
pub trait Store: TaskStore + CommitStore + LabelStore + SeriesStore + AnswerStore {}

impl<S: TaskStore + CommitStore + LabelStore + SeriesStore + AnswerStore> Store for S {}
