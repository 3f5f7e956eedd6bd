use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gauntlet_contract::UserId;
use gauntlet_harness::ledger::{Exchange, Traced};
use gauntlet_harness::observe::{self, Answer as Asked};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::play::Site;
use super::surprise::{Checked, Surprise};

/// What the system does by itself has its pauses: a schedule is looked at every 5 s, and the first delivery
/// on a fresh topic takes a second. Four lanes on two cores make that longer.
const EVENTUALLY: Duration = Duration::from_mins(1);
/// The audit role has a process of its own.
const AUDIT: &str = "/api/audit";

/// What was asked and answered in a case, by whomever.
pub(super) type Transcript = Arc<Mutex<Vec<Exchange>>>;

/// A user with a client.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    http: reqwest::Client,
    site: Site,
    id: UserId,
    token: String,
    transcript: Transcript,
}

impl Actor {
    pub(super) fn new(
        http: reqwest::Client,
        site: Site,
        (id, token): (UserId, String),
        transcript: Transcript,
    ) -> Self {
        Self {
            http,
            site,
            id,
            token,
            transcript,
        }
    }

    pub(super) fn id(&self) -> String {
        self.id.to_string()
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A path at the process that serves it.
    pub(super) fn at(&self, path: &str) -> Checked<Url> {
        let base = if path.starts_with(AUDIT) {
            &self.site.audit
        } else {
            &self.site.api
        };
        format!("{base}{path}")
            .parse()
            .map_err(|error| Surprise::new(path, format!("no URL: {error}")))
    }

    /// The header that begins a trace with the next request. Questions that are repeated until they are
    /// answered as they have to be are one request.
    pub(super) fn traceparent(&self) -> String {
        let transcript = self
            .transcript
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let request = u16::try_from(transcript.len()).unwrap_or(u16::MAX);
        Traced::by(self.id.0, request).header()
    }

    pub(super) fn enter(&self, answer: &Answer) {
        let exchange = Exchange {
            call: answer.call.clone(),
            status: answer.status,
            headers: answer.headers.clone(),
            body: answer.body.clone(),
        };
        let mut transcript = self
            .transcript
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        transcript.push(exchange);
    }

    pub(super) fn get(&self, path: impl Into<String>) -> Call<'_> {
        Call::new(self, Method::GET, path)
    }

    pub(super) fn post(&self, path: impl Into<String>, body: &Value) -> Call<'_> {
        Call::new(self, Method::POST, path).json(body)
    }

    pub(super) fn patch(&self, path: impl Into<String>, body: &Value) -> Call<'_> {
        Call::new(self, Method::PATCH, path).json(body)
    }

    pub(super) fn delete(&self, path: impl Into<String>) -> Call<'_> {
        Call::new(self, Method::DELETE, path)
    }

    /// A call that the others do not make, such as one without a body.
    pub(super) fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call::new(self, method, path)
    }

    /// Creates a task, which has to work.
    pub(super) async fn create(&self, body: &Value) -> Checked<Answer> {
        self.post("/api/tasks", body).send().await?.status(201)
    }

    /// Creates a task of which nothing but the title matters, and answers its id.
    pub(super) async fn task(&self, title: &str) -> Checked<String> {
        self.create(&json!({ "title": title })).await?.id()
    }

    /// Creates a tag and answers its id.
    pub(super) async fn tag(&self, name: &str) -> Checked<String> {
        self.label("tags", name).await
    }

    /// Creates a category and answers its id.
    pub(super) async fn category(&self, name: &str) -> Checked<String> {
        self.label("categories", name).await
    }

    async fn label(&self, kind: &str, name: &str) -> Checked<String> {
        let created = self
            .post(format!("/api/{kind}"), &json!({ "name": name }))
            .send();
        created.await?.status(201)?.id()
    }

    /// Completes a task, or undoes that.
    pub(super) async fn complete(&self, task: &str, completed: bool) -> Checked<Answer> {
        let path = format!("/api/tasks/{task}/complete");
        let body = json!({ "completed": completed });
        self.patch(path, &body).send().await?.status(200)
    }

    pub(super) async fn tasks(&self, query: &[(&str, &str)]) -> Checked<Answer> {
        let call = query
            .iter()
            .fold(self.get("/api/tasks"), |call, (name, value)| {
                call.query(name, *value)
            });
        call.send().await?.status(200)
    }

    /// Asks until the answer is as it has to become. That one alone enters the transcript: how often was
    /// asked is not the system's doing. That it fails on the way is: no answer, or one of 500 or above, ends
    /// the wait as a surprise.
    pub(super) async fn eventually(
        &self,
        call: Call<'_>,
        what: &str,
        is_met: impl Fn(&Answer) -> bool,
    ) -> Checked<Answer> {
        let ask = || async { Ok::<_, Infallible>(call.clone().ask().await) };
        let decide = |asked: Checked<Answer>| match asked {
            Ok(answer) if answer.status >= 500 => {
                Asked::Met(Err(answer.surprise("failed on the way")))
            }
            Ok(answer) if !is_met(&answer) => Asked::NotYet(answer.surprise("not yet").to_string()),
            met => Asked::Met(met),
        };
        let asked = observe::until(what, EVENTUALLY, ask, decide).await;
        let answer = asked.map_err(|waited| Surprise::new("eventually", waited))??;
        self.enter(&answer);
        Ok(answer)
    }

    /// Waits until the user's trail, narrowed down by the query, has so many lines.
    pub(super) async fn trail(&self, query: &[(&str, &str)], lines: usize) -> Checked<Answer> {
        let call = query.iter().fold(self.get(AUDIT), |call, (name, value)| {
            call.query(name, *value)
        });
        let what = format!("{lines} lines of the trail");
        let answer = self.eventually(call, &what, |answer| answer.items().count() >= lines);
        answer.await?.status(200)?.count(lines)
    }
}
