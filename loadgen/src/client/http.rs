use std::time::Duration;

use gauntlet_contract::TaskId;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, redirect, retry};
use serde_json::Value;
use tokio::task::JoinSet;

use super::target::at;
use super::{Outcome, Request, Target, UnknownReason, User};
use crate::error::{LoadError, LoadErrorKind};

/// A connection on one machine is made at once or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Asked for only to open connections: it needs no token and writes nothing.
const WARM_UP_PATH: &str = "/health/live";

/// A pooled HTTP/1.1 client of the todo API. It never retries and never follows a redirect: each
/// operation is offered once.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
}

/// A request whose bytes are ready, so that little is left to do at its intended time.
#[derive(Debug)]
pub(crate) struct Prepared {
    request: reqwest::Request,
    addressed: Option<TaskId>,
}

impl Prepared {
    pub(crate) fn addressed(&self) -> Option<TaskId> {
        self.addressed
    }
}

impl Client {
    pub fn new(target: Target) -> Result<Client, LoadError> {
        let http = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(target.timeout)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(target.max_in_flight)
            .build()
            .map_err(|error| LoadError::caused(LoadErrorKind::Client, error))?;
        Ok(Client { http, target })
    }

    /// The same client with a connection pool of its own. A pooled connection is served by the
    /// runtime that opened it; a generator runs one of its own and must not share.
    pub(crate) fn with_own_pool(&self) -> Result<Client, LoadError> {
        Client::new(self.target.clone())
    }

    pub fn max_in_flight(&self) -> usize {
        self.target.max_in_flight
    }

    /// One call, outside any load. `key` becomes the title where the request writes one.
    pub async fn call(&self, key: &str, user: &User, request: &Request) -> Outcome {
        self.execute(self.prepare(key, user, request)).await
    }

    /// The whole answer to a question, outside any load. An error where there was none, or one that is not
    /// a 2xx with JSON in it.
    pub async fn ask(&self, user: &User, request: &Request) -> Result<Value, LoadError> {
        let prepared = self.prepare("", user, request).request;
        let url = prepared.url().to_string();
        let failed = |error: reqwest::Error| {
            LoadError::caused(LoadErrorKind::Ask { url: url.clone() }, error)
        };
        let answer = self.http.execute(prepared).await.map_err(&failed)?;
        let answer = answer.error_for_status().map_err(&failed)?;
        answer.json().await.map_err(&failed)
    }

    pub(crate) fn prepare(&self, key: &str, user: &User, request: &Request) -> Prepared {
        let mut prepared = reqwest::Request::new(
            request.method(),
            at(
                self.target.replica_of(key),
                &request.path(),
                &request.fields(),
            ),
        );
        let headers = prepared.headers_mut();
        headers.insert(AUTHORIZATION, user.authorization());
        if let Some(body) = request.body(key) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *prepared.body_mut() = Some(body.to_string().into());
        }
        Prepared {
            request: prepared,
            addressed: request.task(),
        }
    }

    pub(crate) async fn execute(&self, prepared: Prepared) -> Outcome {
        let answer = match self.http.execute(prepared.request).await {
            Ok(answer) => answer,
            Err(error) => return unanswered(&error),
        };
        let status = answer.status();
        match answer.bytes().await {
            Ok(body) => Outcome::of_answer(
                status,
                &body,
                prepared.addressed,
                &self.target.nothing_written,
            ),
            // The status line arrived, the answer did not: a caller would not rely on it either.
            Err(error) => unanswered(&error),
        }
    }

    /// Opens `connections` by as many requests at once, to all replicas in turn, and leaves them in the pool. A burst then
    /// measures the API and not a thousand TCP handshakes.
    pub(crate) async fn warm_up(&self, connections: usize) -> Result<(), LoadError> {
        let mut opening = JoinSet::new();
        for turn in 0..connections {
            let url = at(self.target.replica(turn), WARM_UP_PATH, &[]);
            let request = reqwest::Request::new(Method::GET, url);
            let http = self.http.clone();
            opening.spawn(async move { http.execute(request).await?.bytes().await });
        }
        let failed = |error| {
            let kind = LoadErrorKind::WarmUp {
                wanted: connections,
                url: self.target.replica(0).to_string(),
            };
            LoadError::caused(kind, error)
        };
        while let Some(opened) = opening.join_next().await {
            opened
                .map_err(|error| LoadError::caused(LoadErrorKind::Died, error))?
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// Maps a request that got no whole answer.
///
/// Without a connection nothing was sent: failed. Once there was one, bytes may have left, and the
/// error does not say how many: unknown.
fn unanswered(error: &reqwest::Error) -> Outcome {
    if error.is_connect() {
        Outcome::Failed {
            status: None,
            problem: chain(error),
        }
    } else if error.is_timeout() {
        Outcome::Unknown {
            why: UnknownReason::TimedOut,
        }
    } else {
        Outcome::Unknown {
            why: UnknownReason::ConnectionLost {
                problem: chain(error),
            },
        }
    }
}

/// The innermost cause says what happened ("Connection refused"), the outer ones only where.
fn chain(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
