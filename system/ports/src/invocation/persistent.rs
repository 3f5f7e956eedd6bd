use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::time::Instant;

use super::{
    Admission, Answer, Backoff, Breaker, BreakerSettings, BreakerState, CallContext, Invoker,
    Permit, Target,
};
use crate::error::{PortError, PortErrorKind};

const PORT: &str = "invoker";
const OP: &str = "invoke";

/// How persistent a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersistentSettings {
    /// How long one attempt may take; the deadline bounds all of them together.
    pub attempt_timeout: Duration,
    pub backoff: Backoff,
    pub breaker: BreakerSettings,
}

impl Default for PersistentSettings {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(2),
            backoff: Backoff {
                first: Duration::from_millis(50),
                ceiling: Duration::from_secs(2),
            },
            breaker: BreakerSettings {
                failures: NonZeroU32::MIN.saturating_add(4),
                pause: Duration::from_secs(5),
            },
        }
    }
}

/// Calls again what may be called again, until the deadline.
///
/// It repeats a call that was not delivered (`Unavailable`); one that was answered 503 or 429, not
/// before the callee wants it (`Retry-After`); and one that may have been delivered (`Timeout`, or any
/// kind that does not say otherwise) only where that changes nothing: its method is safe (`GET`, `HEAD`),
/// or it carries an idempotency key. What was answered last is the answer. Once an attempt may
/// have been delivered, the call ends with an answer or as such an error, and never as `Unavailable`.
///
/// Each party that is called ([`Callee::party`](super::Callee::party)) has a circuit breaker, which
/// counts calls without an answer. While it is open, a call is `Unavailable` at once.
pub struct Persistent<I> {
    inner: I,
    settings: PersistentSettings,
    breakers: Mutex<HashMap<String, Breaker>>,
}

impl<I> fmt::Debug for Persistent<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Persistent")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<I: Invoker> Persistent<I> {
    pub fn new(inner: I, settings: PersistentSettings) -> Self {
        Self {
            inner,
            settings,
            breakers: Mutex::default(),
        }
    }

    /// The state of each party's breaker, of those that have been called.
    pub fn breakers(&self) -> Vec<(String, BreakerState)> {
        let breakers = self.table();
        breakers
            .iter()
            .map(|(party, breaker)| (party.clone(), breaker.state()))
            .collect()
    }

    /// One attempt, of which the breaker is told.
    async fn attempt(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
        deadline: Instant,
    ) -> Attempt {
        let pass = match self.admit(target.callee().party()) {
            Ok(pass) => pass,
            Err(refusal) => return Attempt::NotMade(refusal),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let context = CallContext {
            deadline: self.settings.attempt_timeout.min(left),
            ..context.clone()
        };
        let outcome = self.inner.invoke(target, body, &context).await;
        pass.report(&outcome);
        Attempt::Made(outcome)
    }

    fn admit<'a>(&'a self, party: &'a str) -> Result<Pass<'a>, PortError> {
        let mut breakers = self.table();
        let breaker = breakers
            .entry(party.to_owned())
            .or_insert_with(|| Breaker::new(self.settings.breaker));
        let refusal = match breaker.admit(Instant::now().into_std()) {
            Admission::Admitted(permit) => {
                let breakers = &self.breakers;
                return Ok(Pass {
                    breakers,
                    party,
                    permit,
                    verdict: Verdict::Nothing,
                });
            }
            Admission::Open { for_another } => {
                format!("the circuit breaker of {party} is open for another {for_another:?}")
            }
            Admission::Probing => {
                format!("the circuit breaker of {party} is open until a probe has succeeded")
            }
        };
        Err(PortError::new(
            PortErrorKind::Unavailable,
            PORT,
            OP,
            refusal,
        ))
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Breaker>> {
        lock(&self.breakers)
    }
}

fn lock(breakers: &Mutex<HashMap<String, Breaker>>) -> MutexGuard<'_, HashMap<String, Breaker>> {
    breakers.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Attempt {
    Made(Result<Answer, PortError>),
    /// The breaker is open.
    NotMade(PortError),
}

/// A permit that is given back whatever happens, also when the call is dropped midway.
struct Pass<'a> {
    breakers: &'a Mutex<HashMap<String, Breaker>>,
    party: &'a str,
    permit: Permit,
    verdict: Verdict,
}

enum Verdict {
    Answered,
    Unanswered,
    Nothing,
}

impl Pass<'_> {
    fn report(mut self, outcome: &Result<Answer, PortError>) {
        self.verdict = match outcome {
            Ok(_) => Verdict::Answered,
            Err(error) => match error.kind {
                PortErrorKind::Unavailable | PortErrorKind::Timeout => Verdict::Unanswered,
                // Of the caller's making.
                _ => Verdict::Nothing,
            },
        };
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let now = Instant::now().into_std();
        let mut breakers = lock(self.breakers);
        let Some(breaker) = breakers.get_mut(self.party) else {
            return;
        };
        match self.verdict {
            Verdict::Answered => breaker.succeeded(self.permit),
            Verdict::Unanswered => breaker.failed(self.permit, now),
            Verdict::Nothing => breaker.abandoned(self.permit, now),
        }
    }
}

#[async_trait]
impl<I: Invoker> Invoker for Persistent<I> {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let deadline = Instant::now() + context.deadline;
        let mut doubt = None;
        let mut failures = 0_u32;
        loop {
            let attempt = self.attempt(target, body.clone(), context, deadline).await;
            let outcome = match attempt {
                Attempt::Made(outcome) => outcome,
                Attempt::NotMade(refusal) => return Err(doubt.unwrap_or(refusal)),
            };
            let Some(least) = least_wait(&outcome, repetition(target, context)) else {
                return settled(outcome, doubt);
            };
            failures = failures.saturating_add(1);
            let wait = self
                .settings
                .backoff
                .jittered(failures, &mut rand::rng())
                .max(least);
            // Not the sum with the present: a callee may want more than a clock can hold.
            if wait >= deadline.saturating_duration_since(Instant::now()) {
                return settled(outcome, doubt);
            }
            if let Err(error) = outcome
                && certainty(&error) == Certainty::None
            {
                doubt = Some(error);
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// Whether a call may be delivered twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repetition {
    Harmless,
    Harmful,
}

fn repetition(target: &Target, context: &CallContext) -> Repetition {
    if target.method().is_safe() || context.idempotency_key.is_some() {
        Repetition::Harmless
    } else {
        Repetition::Harmful
    }
}

/// What an error says of the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    NotDelivered,
    /// Nor will it ever be.
    Refused,
    None,
}

fn certainty(error: &PortError) -> Certainty {
    match error.kind {
        PortErrorKind::Unavailable => Certainty::NotDelivered,
        PortErrorKind::Invalid => Certainty::Refused,
        _ => Certainty::None,
    }
}

/// How long to wait at least before the call may be made again; none where it must not be.
fn least_wait(outcome: &Result<Answer, PortError>, repetition: Repetition) -> Option<Duration> {
    match outcome {
        Ok(answer) => match answer.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some(answer.retry_after.unwrap_or_default())
            }
            _ => None,
        },
        Err(error) => match (certainty(error), repetition) {
            (Certainty::NotDelivered, _) | (Certainty::None, Repetition::Harmless) => {
                Some(Duration::ZERO)
            }
            (Certainty::Refused, _) | (Certainty::None, Repetition::Harmful) => None,
        },
    }
}

/// The last outcome, unless it denies what an earlier attempt may have done.
fn settled(
    outcome: Result<Answer, PortError>,
    doubt: Option<PortError>,
) -> Result<Answer, PortError> {
    outcome.map_err(|error| match (certainty(&error), doubt) {
        (Certainty::NotDelivered | Certainty::Refused, Some(doubt)) => doubt,
        _ => error,
    })
}
