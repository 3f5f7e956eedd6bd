//! Commits to the memory store: tried on a copy, which takes the place of the original when all went well.

use async_trait::async_trait;
use gauntlet_contract::{Label, LabelId, LabelKind, Series, Task, TopicName, UserId};
use tokio::time::Instant;

use super::memory::{MemoryStore, OutboxRow, Planted, RowState, Rows, Tables};
use crate::error::{PortError, PortErrorKind};
use crate::storage::{Commit, CommitStore, Committed, Expected, OutboxEntry, RowChange, title_key};

/// Why a commit does not happen.
enum Refusal {
    Told(Committed),
    Conflict,
}

#[async_trait]
impl CommitStore for MemoryStore {
    async fn commit(&self, commit: &Commit) -> Result<Committed, PortError> {
        if !commit.is_one_users() {
            return Err(error(PortErrorKind::Invalid, "a row of another user"));
        }
        if commit.rows.iter().any(has_nul) {
            return Err(error(PortErrorKind::Invalid, "NUL in a text"));
        }
        let mut rows = self.rows();
        if rows.planted == Some(Planted::Unavailable) {
            return Err(error(PortErrorKind::Unavailable, "planted"));
        }
        match tried(&rows, commit) {
            Ok(tables) => rows.tables = tables,
            Err(Refusal::Told(told)) => return Ok(told),
            Err(Refusal::Conflict) => {
                return Err(error(PortErrorKind::Conflict, "not as expected"));
            }
        }
        rows.tell(commit, &self.topic_prefix);
        match rows.planted {
            Some(Planted::AnswerLost) => Err(error(PortErrorKind::Timeout, "planted")),
            _ => Ok(Committed::Done),
        }
    }
}

impl Rows {
    /// Writes the commit's events and its answer.
    fn tell(&mut self, commit: &Commit, topic_prefix: &str) {
        for envelope in &commit.events {
            let seq = self.outbox.last().map_or(1, |row| row.entry.seq + 1);
            let entry = OutboxEntry {
                seq,
                topic: TopicName::new(topic_prefix, envelope.kind.topic()),
                envelope: envelope.clone(),
                attempts: 0,
            };
            self.outbox.push(OutboxRow {
                entry,
                state: RowState::Unsent,
            });
        }
        if let Some(answer) = &commit.answer {
            let key = (commit.user_id, answer.key.clone());
            self.answers.insert(key, (answer.clone(), Instant::now()));
        }
    }
}

/// The tables as they would be.
fn tried(rows: &Rows, commit: &Commit) -> Result<Tables, Refusal> {
    if let Some(answer) = &commit.answer {
        if rows.planted == Some(Planted::KeyInFlight) {
            return Err(Refusal::Told(Committed::KeyInFlight));
        }
        let key = (commit.user_id, answer.key.clone());
        if rows.answers.contains_key(&key) {
            return Err(Refusal::Told(Committed::KeyTaken));
        }
    }
    let before = &rows.tables;
    let mut tables = before.clone();
    for row in &commit.rows {
        tables.apply(commit.user_id, row)?;
    }
    for row in &commit.rows {
        if let RowChange::PutTask(_, task) = row
            && !before.has_labels_of(task)
        {
            return Err(Refusal::Told(Committed::LabelMissing));
        }
    }
    for row in &commit.rows {
        if let RowChange::DeleteLabel(_, kind, id) = row {
            let mut users = tables.tasks_with(commit.user_id, *kind, *id);
            if users.next().is_some() {
                return Err(Refusal::Told(Committed::LabelInUse));
            }
        }
    }
    Ok(tables)
}

impl Tables {
    fn apply(&mut self, user_id: UserId, row: &RowChange) -> Result<(), Refusal> {
        match row {
            RowChange::PutTask(expected, task) => self.put_task(*expected, task),
            RowChange::DeleteTask(version, id) => {
                let found = self.tasks.get(id);
                let is_there =
                    found.is_some_and(|row| row.user_id == user_id && row.version == *version);
                conflict_unless(is_there)?;
                self.tasks.remove(id);
                Ok(())
            }
            RowChange::PutLabel(expected, label) => self.put_label(*expected, label),
            RowChange::DeleteLabel(version, kind, id) => {
                let found = self.label(user_id, *kind, *id);
                conflict_unless(found.is_some_and(|row| row.version == *version))?;
                self.labels.remove(id);
                Ok(())
            }
            RowChange::PutSeries(expected, series) => self.put_series(*expected, series),
        }
    }

    fn put_task(&mut self, expected: Expected, task: &Task) -> Result<(), Refusal> {
        let found = self.tasks.get(&task.id);
        conflict_unless(match expected {
            Expected::Absent => found.is_none(),
            Expected::Version(version) => {
                found.is_some_and(|row| row.user_id == task.user_id && row.version == version)
            }
        })?;
        let is_double = task.occurrence.is_some()
            && self
                .tasks
                .values()
                .any(|other| other.id != task.id && other.occurrence == task.occurrence);
        conflict_unless(!is_double)?;
        self.tasks.insert(task.id, task.clone());
        Ok(())
    }

    fn put_label(&mut self, expected: Expected, label: &Label) -> Result<(), Refusal> {
        conflict_unless(match expected {
            Expected::Absent => !self.labels.contains_key(&label.id),
            Expected::Version(version) => self
                .label(label.user_id, label.kind, label.id)
                .is_some_and(|row| row.version == version),
        })?;
        let is_taken = self.labels.values().any(|other| {
            other.id != label.id
                && (other.user_id, other.kind) == (label.user_id, label.kind)
                && title_key(&other.name) == title_key(&label.name)
        });
        if is_taken {
            return Err(Refusal::Told(Committed::NameTaken));
        }
        self.labels.insert(label.id, label.clone());
        Ok(())
    }

    fn put_series(&mut self, expected: Expected, series: &Series) -> Result<(), Refusal> {
        let found = self.series.get(&series.id);
        conflict_unless(match expected {
            Expected::Absent => found.is_none(),
            Expected::Version(version) => {
                found.is_some_and(|row| row.user_id == series.user_id && row.version == version)
            }
        })?;
        self.series.insert(series.id, series.clone());
        Ok(())
    }

    fn has_labels_of(&self, task: &Task) -> bool {
        let has = |kind, id: &LabelId| self.label(task.user_id, kind, *id).is_some();
        task.tags.iter().all(|tag| has(LabelKind::Tag, tag))
            && task
                .category_id
                .is_none_or(|category| has(LabelKind::Category, &category))
    }
}

/// As Postgres does, the store refuses text with a NUL in it.
fn has_nul(row: &RowChange) -> bool {
    match row {
        RowChange::PutTask(_, task) => {
            task.title.contains('\0') || task.description.iter().any(|text| text.contains('\0'))
        }
        RowChange::PutLabel(_, label) => label.name.contains('\0'),
        RowChange::PutSeries(_, series) => series.template.title.contains('\0'),
        RowChange::DeleteTask(..) | RowChange::DeleteLabel(..) => false,
    }
}

fn conflict_unless(is_as_expected: bool) -> Result<(), Refusal> {
    if is_as_expected {
        Ok(())
    } else {
        Err(Refusal::Conflict)
    }
}

fn error(kind: PortErrorKind, detail: &'static str) -> PortError {
    PortError::new(kind, "commit store", "commit changes", detail)
}
