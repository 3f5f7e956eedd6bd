//! A state store and an api role on which the role `recurring` can be watched, hindered and cut short.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use gauntlet_contract::recurrence::{InstanceSettled, NextInstance};
use gauntlet_contract::{
    Envelope, EventData, EventId, EventType, Problem, SeriesId, TaskId, UserId,
};
use gauntlet_ports::invocation::{Answer, CallContext, Target};
use gauntlet_ports::state::{Key, StateOp, Versioned};
use gauntlet_ports::testsuite::state::MemoryStateStore;
use gauntlet_ports::{Invoker, PortError, PortErrorKind, Secret, StateStore};
use gauntlet_services::recurring::{RecurringHandler, SeriesApi};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

pub(crate) const TOKEN: &str = "a-token-of-more-than-32-characters";
/// On the paused clock of these tests this is no wait, only an end to a hang.
pub(crate) const WITHIN: Duration = Duration::from_mins(10);

/// Lets others go first, once: a point at which a future can be cut short.
pub(crate) async fn pause() {
    let mut is_resumed = false;
    poll_fn(|context| {
        if is_resumed {
            return Poll::Ready(());
        }
        is_resumed = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls the future so often and then drops it, as a crash would. None when it had not ended by then.
pub(crate) async fn cut_short<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A store that can be cut short before and after each effect. Clones share their entries.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) entries: MemoryStateStore,
    refused: Arc<Mutex<Refused>>,
}

/// Which calls find no store.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Refused {
    #[default]
    None,
    Writes,
    All,
    /// All, and nobody is told.
    Silently,
}

impl State {
    pub(crate) fn refuse(&self, refused: Refused) {
        *self.refused.lock().unwrap() = refused;
    }

    async fn refuses(&self, what: &[Refused]) -> Result<(), PortError> {
        let refused = *self.refused.lock().unwrap();
        if refused == Refused::Silently {
            return std::future::pending().await;
        }
        if what.contains(&refused) {
            let kind = PortErrorKind::Unavailable;
            return Err(PortError::new(kind, "state store", "do it", "planted"));
        }
        Ok(())
    }
}

#[async_trait]
impl StateStore for State {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError> {
        pause().await;
        self.refuses(&[Refused::All]).await?;
        let found = self.entries.get_many(keys).await;
        pause().await;
        found
    }

    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError> {
        pause().await;
        self.refuses(&[Refused::All, Refused::Writes]).await?;
        let applied = self.entries.apply(ops).await;
        pause().await;
        applied
    }
}

/// A question to the api, as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) target: Target,
    pub(crate) body: Bytes,
    pub(crate) context: CallContext,
}

/// How the api fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// The question does not get there.
    Lost(PortErrorKind),
    /// The question has its effect, and its answer is lost.
    AnswerLost,
    /// It is refused, with a problem of this kind.
    Refused(StatusCode, &'static str),
    /// There is never an answer.
    Silence,
}

/// An api that creates instances by series and number, each once. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct FakeApi(Arc<Kept>);

#[derive(Default)]
struct Kept {
    table: Mutex<Table>,
    calls: watch::Sender<usize>,
}

#[derive(Default)]
struct Table {
    created: Vec<(SeriesId, u32)>,
    /// Of `on_schedule` series, the next instance, and the last that is due by now.
    due: BTreeMap<SeriesId, (u32, u32)>,
    calls: Vec<Call>,
    failure: Option<Failure>,
    failures: HashMap<SeriesId, Failure>,
    is_idle: bool,
}

impl FakeApi {
    /// From now on every call fails in this way; none heals.
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        self.table().failure = failure;
    }

    /// From now on every question for an instance of the series fails in this way.
    pub(crate) fn fail_at(&self, series_id: SeriesId, failure: Failure) {
        self.table().failures.insert(series_id, failure);
    }

    /// From now on it accepts questions for instances and creates none.
    pub(crate) fn idle(&self) {
        self.table().is_idle = true;
    }

    /// There is a series of which these instances are due.
    pub(crate) fn due(&self, next: u32, last: u32) -> SeriesId {
        let series_id = SeriesId::generate();
        self.table().due.insert(series_id, (next, last));
        series_id
    }

    /// In the order of their creation.
    pub(crate) fn created(&self) -> Vec<(SeriesId, u32)> {
        self.table().created.clone()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.table().calls.clone()
    }

    /// Questions for instances, without those for what is due.
    pub(crate) fn questions(&self) -> usize {
        let posts = |call: &&Call| *call.target.method() == Method::POST;
        self.table().calls.iter().filter(posts).count()
    }

    /// Questions for what is due.
    pub(crate) fn lists(&self) -> usize {
        self.calls().len() - self.questions()
    }

    /// Waits until the condition holds; looks when a call comes in, and when it has had its effect.
    pub(crate) async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut calls = self.0.calls.subscribe();
        let wait = calls.wait_for(|_| condition(self));
        let ended = tokio::time::timeout(WITHIN, wait).await;
        let called = self.calls().len();
        ended
            .unwrap_or_else(|_| panic!("still not so after {called} calls"))
            .unwrap();
    }

    pub(crate) fn client(&self) -> SeriesApi {
        let token = Secret::new(TOKEN).unwrap();
        SeriesApi::new(Arc::new(self.clone()), "api", token, SeriesApi::DEADLINE)
    }

    pub(crate) fn handler(&self, state: &State) -> RecurringHandler {
        RecurringHandler::new(Arc::new(state.clone()), self.client())
    }

    fn failure_of(&self, series_id: Option<SeriesId>) -> Option<Failure> {
        let table = self.table();
        let of_series = series_id.and_then(|id| table.failures.get(&id));
        table.failure.or(of_series.copied())
    }

    fn create(&self, series_id: SeriesId, asked: NextInstance) -> Answer {
        let mut table = self.table();
        if table.is_idle {
            return answer(StatusCode::OK, &json!({"outcome": "not_due"}));
        }
        let is_next = match table.due.get_mut(&series_id) {
            Some((next, _)) if *next == asked.number && asked.settled_at.is_none() => {
                *next += 1;
                true
            }
            Some(_) => false,
            None => !table.created.contains(&(series_id, asked.number)),
        };
        if is_next {
            table.created.push((series_id, asked.number));
            return answer(StatusCode::OK, &json!({"outcome": "created"}));
        }
        answer(StatusCode::OK, &json!({"outcome": "already_there"}))
    }

    fn list(&self, after: Option<SeriesId>, limit: usize) -> Answer {
        let items: Vec<_> = self
            .table()
            .due
            .iter()
            .filter(|(id, (next, last))| next <= last && after.is_none_or(|after| **id > after))
            .take(limit)
            .map(|(series_id, (next, _))| json!({"series_id": series_id, "number": next}))
            .collect();
        answer(StatusCode::OK, &json!({ "items": items }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap()
    }
}

#[async_trait]
impl Invoker for FakeApi {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        pause().await;
        self.table().calls.push(Call {
            target: target.clone(),
            body: body.clone(),
            context: context.clone(),
        });
        self.0.calls.send_modify(|calls| *calls += 1);
        let lost = |kind| PortError::new(kind, "invoker", "invoke", "planted");
        let series_id = series_in(target.path());
        let failure = self.failure_of(series_id);
        match failure {
            Some(Failure::Lost(kind)) => return Err(lost(kind)),
            Some(Failure::Refused(status, kind)) => return Ok(problem(status, kind)),
            Some(Failure::Silence) => std::future::pending::<()>().await,
            Some(Failure::AnswerLost) | None => {}
        }
        let answer = if context.bearer != Secret::new(TOKEN) {
            problem(StatusCode::UNAUTHORIZED, "/problems/unauthorized")
        } else if let Some(series_id) = series_id {
            self.create(series_id, serde_json::from_slice(&body).unwrap())
        } else {
            let page = target.path().strip_prefix("internal/series/due?limit=");
            let (limit, after) = match page.unwrap().split_once("&after=") {
                Some((limit, after)) => (limit, Some(after.parse().unwrap())),
                None => (page.unwrap(), None),
            };
            self.list(after, limit.parse().unwrap())
        };
        // The effect may be what somebody waits for.
        self.0.calls.send_modify(|calls| *calls += 1);
        pause().await;
        match failure {
            Some(_) => Err(lost(PortErrorKind::Timeout)),
            None => Ok(answer),
        }
    }
}

fn series_in(path: &str) -> Option<SeriesId> {
    let id = path.strip_prefix("internal/series/")?;
    id.strip_suffix("/instances")?.parse().ok()
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: body.to_string().into(),
    }
}

fn problem(status: StatusCode, kind: &str) -> Answer {
    let problem = Problem {
        kind: kind.to_owned(),
        title: "planted".to_owned(),
        status: status.as_u16(),
        detail: "as a test wants it".to_owned(),
        errors: Vec::new(),
    };
    answer(status, &serde_json::to_value(problem).unwrap())
}

/// An instance was settled.
pub(crate) fn settlement(series_id: SeriesId, number: u32) -> Envelope {
    let data = InstanceSettled {
        series_id,
        number,
        task_id: TaskId::generate(),
        user_id: UserId::generate(),
        settled_at: Timestamp::UNIX_EPOCH,
    };
    Envelope::new(
        EventId::generate(),
        "/todo/api",
        EventType::InstanceSettled,
        Timestamp::UNIX_EPOCH,
        EventData::Settled(data),
    )
}
