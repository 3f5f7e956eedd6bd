use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::time::{Instant, timeout};

use super::echo::{Heard, Reply, echo};
use crate::error::{PortError, PortErrorKind};
use crate::invocation::{Answer, CallContext, Callee, Invoker, Target};

/// What becomes of one call instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedInCall {
    /// It is not delivered, and the caller is told so.
    Unavailable,
    /// It is not delivered, and the caller is told of a failure of this kind.
    Failure(PortErrorKind),
    /// It is delivered, and the caller hears nothing until the deadline.
    AnswerLost,
    /// It is delivered and answered with this.
    Answer {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
}

/// Calls echo apps in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryInvoker(Arc<Mutex<Apps>>);

#[derive(Debug, Default)]
struct Apps {
    running: HashMap<Callee, VecDeque<PlantedInCall>>,
    /// When each call arrived, also of those that are told to be unavailable.
    calls: Vec<(Instant, Callee)>,
    heard: Vec<Heard>,
}

impl MemoryInvoker {
    /// Runs the echo app under this name.
    pub fn run(&self, callee: Callee) {
        self.apps().running.entry(callee).or_default();
    }

    /// Plants one defect for each of the next calls of a running app.
    pub fn plant(&self, callee: &Callee, planted: impl IntoIterator<Item = PlantedInCall>) {
        if let Some(queue) = self.apps().running.get_mut(callee) {
            queue.extend(planted);
        }
    }

    /// When it was called, in order.
    pub fn called_at(&self, callee: &Callee) -> Vec<Instant> {
        let apps = self.apps();
        let calls = apps.calls.iter().filter(|(_, called)| called == callee);
        calls.map(|(at, _)| *at).collect()
    }

    /// What was delivered, in order.
    pub fn heard(&self) -> Vec<Heard> {
        self.apps().heard.clone()
    }

    /// Delivers the call, or not.
    fn deliver(&self, target: &Target, heard: Heard) -> Result<Reply, PortError> {
        let callee = target.callee();
        let mut apps = self.apps();
        apps.calls.push((Instant::now(), callee.clone()));
        let Some(queue) = apps.running.get_mut(callee) else {
            return Err(error(PortErrorKind::Unavailable, "nobody is there"));
        };
        let reply = match queue.pop_front() {
            Some(PlantedInCall::Unavailable) => {
                return Err(error(PortErrorKind::Unavailable, "planted"));
            }
            Some(PlantedInCall::Failure(kind)) => return Err(error(kind, "planted")),
            Some(PlantedInCall::AnswerLost) => Reply::Silence,
            Some(PlantedInCall::Answer {
                status,
                retry_after,
            }) => Reply::Answer {
                status,
                retry_after,
                body: Bytes::new(),
            },
            None => echo(&heard),
        };
        apps.heard.push(heard);
        Ok(reply)
    }

    fn apps(&self) -> MutexGuard<'_, Apps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Invoker for MemoryInvoker {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let bearer = context.bearer.as_ref();
        let heard = Heard {
            method: target.method().clone(),
            path: target.path().to_owned(),
            idempotency_key: context.idempotency_key.clone(),
            traceparent: context.traceparent.clone(),
            authorization: bearer.map(|token| format!("Bearer {}", token.reveal())),
            content_type: (!body.is_empty()).then(|| "application/json".to_owned()),
            body,
        };
        match self.deliver(target, heard)? {
            Reply::Answer {
                status,
                retry_after,
                body,
            } => Ok(Answer {
                status,
                retry_after,
                body,
            }),
            Reply::Silence => {
                let silence = std::future::pending::<()>();
                let elapsed = timeout(context.deadline, silence).await;
                debug_assert!(elapsed.is_err(), "silence ended");
                Err(error(PortErrorKind::Timeout, "no answer"))
            }
        }
    }
}

fn error(kind: PortErrorKind, detail: &'static str) -> PortError {
    PortError::new(kind, "invoker", "invoke", detail)
}
