use std::collections::BTreeMap;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Request, Url};
use serde_json::Value;

use super::actor::Actor;
use super::answer::Answer;
use super::surprise::{Checked, Surprise};

/// Headers of an answer that mean something to a client. The others, such as the date, tell of the transport.
const TELLING: [&str; 9] = [
    "content-type",
    "etag",
    "location",
    "allow",
    "retry-after",
    "www-authenticate",
    "idempotency-replayed",
    "deprecation",
    "link",
];

/// A request in the making.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    actor: &'a Actor,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    bearer: Bearer,
}

#[derive(Clone, Debug)]
enum Bearer {
    Own,
    None,
    Other(String),
}

impl<'a> Call<'a> {
    pub(super) fn new(actor: &'a Actor, method: Method, path: impl Into<String>) -> Self {
        Self {
            actor,
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            bearer: Bearer::Own,
        }
    }

    pub(super) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json")
            .raw(body.to_string())
    }

    /// A body as it is, without a media type.
    pub(super) fn raw(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(super) fn without_token(mut self) -> Self {
        self.bearer = Bearer::None;
        self
    }

    pub(super) fn with_token(mut self, token: impl Into<String>) -> Self {
        self.bearer = Bearer::Other(token.into());
        self
    }

    /// Sends it, and enters the exchange into the transcript.
    pub(super) async fn send(self) -> Checked<Answer> {
        let actor = self.actor;
        let answer = self.ask().await?;
        actor.enter(&answer);
        Ok(answer)
    }

    /// Sends it and leaves no trace in the transcript: one of many questions, of which one counts.
    pub(super) async fn ask(self) -> Checked<Answer> {
        let url = self.url()?;
        let shown = match url.query() {
            Some(query) => format!("{} {}?{query}", self.method, url.path()),
            None => format!("{} {}", self.method, url.path()),
        };
        let request = self.request(url, &shown)?;
        let no_answer =
            |error: reqwest::Error| Surprise::new(&shown, format!("no answer: {error}"));
        let answer = self
            .actor
            .http()
            .execute(request)
            .await
            .map_err(no_answer)?;
        let status = answer.status().as_u16();
        let headers = telling(answer.headers());
        let bytes = answer.bytes().await.map_err(no_answer)?;
        Ok(Answer {
            call: shown,
            status,
            headers,
            body: body(&bytes),
        })
    }

    fn url(&self) -> Checked<Url> {
        let mut url = self.actor.at(&self.path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    fn request(&self, url: Url, shown: &str) -> Checked<Request> {
        let unsendable = |what: String| Surprise::new(shown, format!("cannot be sent: {what}"));
        let mut request = Request::new(self.method.clone(), url);
        let token = match &self.bearer {
            Bearer::Own => Some(self.actor.token()),
            Bearer::None => None,
            Bearer::Other(token) => Some(token.as_str()),
        };
        let bearer = token.map(|token| (AUTHORIZATION.as_str(), format!("Bearer {token}")));
        let trace = Some(("traceparent", self.actor.traceparent()));
        for (name, value) in self.headers.iter().cloned().chain(bearer).chain(trace) {
            let value = value
                .parse()
                .map_err(|_| unsendable(format!("header {name}")))?;
            request.headers_mut().append(name, value);
        }
        *request.body_mut() = self.body.clone().map(Into::into);
        Ok(request)
    }
}

fn telling(headers: &HeaderMap) -> BTreeMap<String, String> {
    let kept = TELLING.into_iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.to_owned(), value.to_owned()))
    });
    kept.collect()
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
