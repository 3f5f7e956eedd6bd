use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;

use super::{ObserveError, ObserveErrorKind};

/// Above the longest that a sidecar tries by itself: three times, a second apart, where no policy says otherwise.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// A sidecar's HTTP API, called as an app would call it.
#[derive(Clone, Debug)]
pub struct SidecarApi {
    client: Client,
    base: String,
}

/// What a sidecar answered, whatever it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidecarAnswer {
    pub status: u16,
    pub etag: Option<String>,
    pub body: String,
}

impl SidecarAnswer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// `errorCode` of a refusal; empty where it has none.
    pub fn error_code(&self) -> String {
        let body = self.json();
        body["errorCode"].as_str().unwrap_or_default().to_owned()
    }
}

/// A request to `/v1.0/<path>`, which is encoded already.
#[derive(Clone, Debug)]
pub struct SidecarQuestion<'a> {
    pub method: Method,
    pub path: &'a str,
    pub body: Option<Value>,
    /// `application/json` by default.
    pub content_type: Option<&'a str>,
    pub if_match: Option<&'a str>,
}

impl<'a> SidecarQuestion<'a> {
    pub fn get(path: &'a str) -> Self {
        Self::of(Method::GET, path, None)
    }

    pub fn post(path: &'a str, body: Value) -> Self {
        Self::of(Method::POST, path, Some(body))
    }

    pub fn delete(path: &'a str) -> Self {
        Self::of(Method::DELETE, path, None)
    }

    #[must_use]
    pub fn if_match(self, etag: &'a str) -> Self {
        Self {
            if_match: Some(etag),
            ..self
        }
    }

    #[must_use]
    pub fn content_type(self, content_type: &'a str) -> Self {
        Self {
            content_type: Some(content_type),
            ..self
        }
    }

    fn of(method: Method, path: &'a str, body: Option<Value>) -> Self {
        Self {
            method,
            path,
            body,
            content_type: None,
            if_match: None,
        }
    }
}

impl SidecarApi {
    /// `url` is where the sidecar is, without a path.
    pub fn new(url: &str) -> Result<Self, ObserveError> {
        let client = Client::builder()
            .no_proxy()
            .timeout(ANSWERED_WITHIN)
            .build()
            .map_err(|source| ObserveError::new(ObserveErrorKind::Connect, url, source))?;
        Ok(Self {
            client,
            base: url.trim_end_matches('/').to_owned(),
        })
    }

    /// Sends it. A refusal is an answer; an error is that there was none.
    pub async fn ask(&self, question: SidecarQuestion<'_>) -> Result<SidecarAnswer, ObserveError> {
        let url = format!("{}/v1.0/{}", self.base, question.path);
        let failed = |source| ObserveError::new(ObserveErrorKind::Read, &url, source);
        let mut request = self.client.request(question.method, &url);
        if let Some(body) = question.body {
            let content_type = question.content_type.unwrap_or("application/json");
            request = request
                .header("content-type", content_type)
                .body(body.to_string());
        }
        if let Some(etag) = question.if_match {
            request = request.header("if-match", etag);
        }
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let etag = answer.headers().get("etag");
        let etag = etag.and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let body = answer.text().await.map_err(failed)?;
        Ok(SidecarAnswer { status, etag, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_code_and_anything_else_has_none() {
        let answer = |body: &str| SidecarAnswer {
            status: 500,
            etag: None,
            body: body.to_owned(),
        };
        let refused = answer(r#"{"errorCode":"ERR_DIRECT_INVOKE","message":"m"}"#);
        assert_eq!(refused.error_code(), "ERR_DIRECT_INVOKE");
        for other in ["", "no JSON", "[]", r#"{"message":"m"}"#] {
            assert_eq!(answer(other).error_code(), "", "{other}");
        }
    }

    #[tokio::test]
    async fn planted_absence_of_a_sidecar_is_an_error_that_names_the_url() {
        let api = SidecarApi::new("http://127.0.0.1:1/").unwrap();
        let error = api.ask(SidecarQuestion::get("metadata")).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("http://127.0.0.1:1/v1.0/metadata")
        );
    }
}
