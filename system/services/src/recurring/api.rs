use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use gauntlet_contract::recurrence::{DueInstance, DueInstances, NextInstance};
use gauntlet_contract::{Problem, SeriesId};
use gauntlet_ports::invocation::{Answer, CallContext, Target};
use gauntlet_ports::messaging::Reason;
use gauntlet_ports::{Invoker, Secret};

use crate::telemetry::chain;
use crate::traces::TraceSpan;

/// From here on an answer is not what was hoped for.
const REFUSAL_FROM: u16 = 400;
/// The kinds of 409 that only say that somebody else was quicker. Whoever asks again may well be
/// answered otherwise.
const CONTENTION: [&str; 2] = ["/problems/conflict", "/problems/idempotency-key-in-flight"];

/// The api role, as far as series are concerned. Clones share its invoker.
#[derive(Clone)]
pub struct SeriesApi {
    invoker: Arc<dyn Invoker>,
    app: String,
    token: Secret,
    deadline: Duration,
}

impl std::fmt::Debug for SeriesApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesApi")
            .field("app", &self.app)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Why the api did not do what it was asked for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The question is at fault: it will be refused again.
    Question(Reason),
    /// The surroundings are at fault: the api is away, overloaded, or does not know us.
    Surroundings(Reason),
}

impl SeriesApi {
    /// How long a question may take by default, attempts and waits of the invoker included. A full batch
    /// of events must end within an adapter's bound for handlers, 1 min, also when the api hangs.
    pub const DEADLINE: Duration = Duration::from_secs(5);

    /// `app` is the api role's name to the invoker, `token` the one that its internal routes want.
    pub fn new(
        invoker: Arc<dyn Invoker>,
        app: impl Into<String>,
        token: Secret,
        deadline: Duration,
    ) -> Self {
        Self {
            invoker,
            app: app.into(),
            token,
            deadline,
        }
    }

    /// Asks for an instance. Success says that the series and its instances are as they should be after
    /// this question, whether or not anything was left to do.
    pub(super) async fn next_instance(
        &self,
        series_id: SeriesId,
        asked: NextInstance,
        traceparent: Option<&str>,
    ) -> Result<(), Refusal> {
        let path = format!("/internal/series/{series_id}/instances");
        let body = serde_json::to_vec(&asked).map_err(|error| surroundings(&error))?;
        let context = CallContext {
            // The instance itself is the key, whoever asks for it and why: the api creates it once.
            idempotency_key: Some(format!("{series_id}:{}", asked.number)),
            traceparent: traceparent.map(str::to_owned),
            ..self.context()
        };
        let route = "/internal/series/{id}/instances";
        let target = self.target(Method::POST, &path)?;
        self.ask(&target, route, body.into(), context).await?;
        Ok(())
    }

    /// The `on_schedule` series that are due now, in the order of their ids, behind `after`.
    pub(super) async fn due(
        &self,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<DueInstance>, Refusal> {
        let behind = after.map_or_else(String::new, |id| format!("&after={id}"));
        let path = format!("/internal/series/due?limit={limit}{behind}");
        let target = self.target(Method::GET, &path)?;
        let asking = self.ask(
            &target,
            "/internal/series/due",
            Bytes::new(),
            self.context(),
        );
        let body = asking.await?;
        let list: DueInstances =
            serde_json::from_slice(&body).map_err(|error| surroundings(&error))?;
        Ok(list.items)
    }

    fn context(&self) -> CallContext {
        CallContext {
            bearer: Some(self.token.clone()),
            ..CallContext::within(self.deadline)
        }
    }

    fn target(&self, method: Method, path: &str) -> Result<Target, Refusal> {
        Target::app(&*self.app, method, path).map_err(|error| surroundings(&error))
    }

    /// Asks at `route`, which is the target's path with its parameters left open.
    async fn ask(
        &self,
        target: &Target,
        route: &str,
        body: Bytes,
        mut context: CallContext,
    ) -> Result<Bytes, Refusal> {
        let parent = context.traceparent.as_deref();
        let span = TraceSpan::called(&self.app, target.method().as_str(), route, parent);
        if let Some(own) = span.traceparent() {
            context.traceparent = Some(own.to_owned());
        }
        match self.invoker.invoke(target, body, &context).await {
            Ok(answer) => {
                span.answered(answer.status.as_u16(), REFUSAL_FROM);
                judged(answer)
            }
            Err(error) => {
                span.failed(&chain(&error));
                Err(surroundings(&error))
            }
        }
    }
}

/// What is not known to be the question's fault is the surroundings': a mistake that way costs time,
/// the other way it parks healthy events.
fn judged(answer: Answer) -> Result<Bytes, Refusal> {
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let problem = serde_json::from_slice::<Problem>(&answer.body).ok();
    let reason = match &problem {
        Some(problem) => format!("the api answered {}: {}", answer.status, problem.detail),
        None => format!("the api answered {}", answer.status),
    };
    let kind = problem.as_ref().map(|problem| problem.kind.as_str());
    Err(match answer.status {
        StatusCode::CONFLICT if kind.is_some_and(|kind| CONTENTION.contains(&kind)) => {
            Refusal::Surroundings(reason)
        }
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Refusal::Question(reason),
        // 404 among them: it is the answer of whatever does not know the route.
        _ => Refusal::Surroundings(reason),
    })
}

fn surroundings(error: &dyn std::error::Error) -> Refusal {
    Refusal::Surroundings(chain(error))
}
