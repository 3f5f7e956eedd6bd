use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use gauntlet_contract::envelope::SOURCE_API;
use gauntlet_contract::{Envelope, EventId, LabelId, LabelKind, UserId};
use gauntlet_domain::{Change, Decision, Fact, Rejection, Row, Violation};
use gauntlet_ports::{Commit, Committed, Expected, KeyedAnswer, PortErrorKind, RowChange};
use tokio::sync::Notify;

use super::error::CommandError;
use super::request::{Answered, Origin, Render, Request};
use super::store::Store;

/// How often a command is decided anew when others change the same thing meanwhile. A loser of this
/// many races in a row is better told than kept waiting.
pub(super) const ATTEMPTS_MAX: usize = 5;

/// A command that is loading what it is about, and deciding.
pub(super) type Deciding<'a, T> = BoxFuture<'a, Result<Decision<T>, CommandError>>;

/// Executes commands on a store, and wakes the relay when there may be something to publish.
#[derive(Clone)]
pub struct Commands {
    pub(super) store: Arc<dyn Store>,
    wake_relay: Arc<Notify>,
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

/// The labels that a client named in its command, as opposed to those that a task had before.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedLabels {
    pub(super) category: Option<LabelId>,
    pub(super) tags: Vec<LabelId>,
}

impl Commands {
    pub fn new(store: Arc<dyn Store>, wake_relay: Arc<Notify>) -> Self {
        Self { store, wake_relay }
    }

    /// The store, for queries.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Decides and commits, anew each time that somebody else was faster.
    ///
    /// With an idempotency key the answer is committed with the change. That is so for a command
    /// that changes nothing, too: its answer is committed alone, or a repetition could find that
    /// something has changed meanwhile, and be answered otherwise. A refusal is not kept: nothing was
    /// done, and what stood in the way may be gone by the next attempt.
    pub(super) async fn settle<'a, T>(
        &self,
        request: &Request,
        named: &NamedLabels,
        render: Render<T>,
        decide: impl Fn() -> Deciding<'a, T>,
    ) -> Result<Answered, CommandError> {
        if let Some(answered) = self.replay(request).await? {
            return Ok(answered);
        }
        for _ in 0..ATTEMPTS_MAX {
            let decision = match decide().await {
                Ok(decision) => decision,
                // What stands in the way may be the change that the first request under the key has
                // made since the look above.
                Err(refusal) => {
                    return match self.replay(request).await? {
                        Some(answered) => Ok(answered),
                        None => Err(refusal),
                    };
                }
            };
            let change = match decision {
                Decision::Unchanged(state) => Change {
                    rows: Vec::new(),
                    facts: Vec::new(),
                    after: Some(state),
                },
                Decision::Changed(change) => *change,
            };
            let answered = Answered {
                answer: render(change.after.as_ref())?,
                origin: Origin::Now,
            };
            if change.rows.is_empty() && request.key.is_none() {
                return Ok(answered);
            }
            let mut commit = commit(request.user_id, request.traceparent.as_deref(), [change]);
            commit.answer = request.key.as_ref().map(|key| KeyedAnswer {
                key: key.key.clone(),
                fingerprint: key.fingerprint.clone(),
                answer: answered.answer.clone(),
            });
            match self.try_commit(&commit).await? {
                Some(Committed::Done) => return Ok(answered),
                // Overtaken, or a task got the label meanwhile.
                None | Some(Committed::LabelInUse) => {}
                Some(Committed::LabelMissing) => {
                    self.refuse_missing(request.user_id, named).await?;
                }
                Some(Committed::NameTaken) => return Err(CommandError::NameTaken),
                Some(Committed::KeyInFlight) => return Err(CommandError::KeyInFlight),
                Some(Committed::KeyTaken) => {
                    if let Some(answered) = self.replay(request).await? {
                        return Ok(answered);
                    }
                }
            }
        }
        Err(CommandError::Contended)
    }

    /// The answer that an earlier request with the same key got.
    async fn replay(&self, request: &Request) -> Result<Option<Answered>, CommandError> {
        let Some(asked) = &request.key else {
            return Ok(None);
        };
        let known = self.store.answer(request.user_id, &asked.key).await;
        match known.map_err(CommandError::Read)? {
            None => Ok(None),
            Some(known) if known.fingerprint == asked.fingerprint => Ok(Some(Answered {
                answer: known.answer,
                origin: Origin::Earlier,
            })),
            Some(_) => Err(CommandError::KeyReused),
        }
    }

    /// Commits; none when a row was not at its expected version any more.
    pub(super) async fn try_commit(
        &self,
        commit: &Commit,
    ) -> Result<Option<Committed>, CommandError> {
        let tried = self.store.commit(commit).await;
        // Also when the answer was lost: the events may be there.
        self.wake_relay.notify_one();
        match tried {
            Ok(committed) => Ok(Some(committed)),
            Err(error) if error.kind == PortErrorKind::Conflict => Ok(None),
            Err(error) => Err(CommandError::Commit(error)),
        }
    }

    /// Refuses a command that names labels which are not there. When all of those are, it was one
    /// that the task had before and that was deleted meanwhile: no fault of the client's.
    async fn refuse_missing(
        &self,
        user_id: UserId,
        named: &NamedLabels,
    ) -> Result<(), CommandError> {
        let mut violations = Vec::new();
        if let Some(category) = named.category
            && self
                .is_missing(user_id, LabelKind::Category, category)
                .await?
        {
            violations.push(Violation {
                field: "category_id",
                detail: format!("there is no category {category}"),
            });
        }
        // Each once, however often a client wrote it.
        for tag in named.tags.iter().collect::<BTreeSet<_>>() {
            if self.is_missing(user_id, LabelKind::Tag, *tag).await? {
                violations.push(Violation {
                    field: "tags",
                    detail: format!("there is no tag {tag}"),
                });
            }
        }
        if violations.is_empty() {
            return Ok(());
        }
        Err(Rejection::Invalid(violations).into())
    }

    pub(super) async fn is_missing(
        &self,
        user_id: UserId,
        kind: LabelKind,
        id: LabelId,
    ) -> Result<bool, CommandError> {
        let found = self.store.find_label(user_id, kind, id).await;
        Ok(found.map_err(CommandError::Read)?.is_none())
    }
}

/// Decided changes as they are committed: every fact becomes an event of its own.
pub(super) fn commit<T>(
    user_id: UserId,
    traceparent: Option<&str>,
    changes: impl IntoIterator<Item = Change<T>>,
) -> Commit {
    let mut commit = Commit {
        user_id,
        rows: Vec::new(),
        events: Vec::new(),
        answer: None,
    };
    for change in changes {
        commit.rows.extend(change.rows.into_iter().map(row));
        let events = change
            .facts
            .into_iter()
            .map(|fact| event(fact, traceparent));
        commit.events.extend(events);
    }
    commit
}

fn row(row: Row) -> RowChange {
    match row {
        Row::PutTask(version, task) => RowChange::PutTask(expected(version), task),
        Row::DeleteTask(version, id) => RowChange::DeleteTask(version, id),
        Row::PutLabel(version, label) => RowChange::PutLabel(expected(version), label),
        Row::DeleteLabel(version, kind, id) => RowChange::DeleteLabel(version, kind, id),
        Row::PutSeries(version, series) => RowChange::PutSeries(expected(version), series),
    }
}

fn expected(version: Option<u64>) -> Expected {
    version.map_or(Expected::Absent, Expected::Version)
}

fn event(fact: Fact, traceparent: Option<&str>) -> Envelope {
    let mut event = Envelope::new(
        EventId::generate(),
        SOURCE_API,
        fact.kind,
        fact.time,
        fact.data,
    );
    event.traceparent = traceparent.map(str::to_owned);
    event
}
