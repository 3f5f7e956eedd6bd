use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, StatusCode};

use crate::secrets::Secret;

/// Who is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Callee {
    /// An app of the system, by its name.
    App(String),
    /// Anything else, by its base URL: `http[s]://host[:port][/path]`, with no slash at its end.
    Url(String),
}

impl Callee {
    /// What fails as one: the app, or the scheme, host and port of the URL.
    pub fn party(&self) -> &str {
        match self {
            Self::App(app) => app,
            Self::Url(url) => {
                let authority = url.find("://").map_or(0, |at| at + "://".len());
                let end = url[authority..].find('/').map(|at| authority + at);
                &url[..end.unwrap_or(url.len())]
            }
        }
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(name) | Self::Url(name) => f.write_str(name),
        }
    }
}

/// What is called: an endpoint of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    callee: Callee,
    method: Method,
    path: String,
}

/// What a target must not be. Adapters put targets into URLs as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    #[error("call an app named {0:?}: 1 to 63 letters, digits, `-`, `_` and `.` are allowed")]
    App(String),
    #[error("call {0:?}: it is no plain URL of http or https")]
    Url(String),
    #[error("call the path {0:?}: it is none, or not percent-encoded, or leads elsewhere")]
    Path(String),
}

impl Target {
    /// `path` may begin with a slash and may end in a query; it is percent-encoded already.
    pub fn app(
        app: impl Into<String>,
        method: Method,
        path: impl AsRef<str>,
    ) -> Result<Self, InvalidTarget> {
        let app = app.into();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=63).contains(&app.len()) || !app.bytes().all(is_allowed) {
            return Err(InvalidTarget::App(app));
        }
        Self::new(Callee::App(app), method, path.as_ref())
    }

    /// `base` as in [`Callee::Url`], `path` as for an app.
    pub fn url(
        base: impl AsRef<str>,
        method: Method,
        path: impl AsRef<str>,
    ) -> Result<Self, InvalidTarget> {
        let given = base.as_ref();
        let base = given.trim_end_matches('/');
        let rest = base
            .strip_prefix("http://")
            .or_else(|| base.strip_prefix("https://"));
        let is_plain = rest.is_some_and(|rest| {
            !rest.is_empty()
                && is_url_text(rest)
                // A password, and what belongs to the path. Dapr looks for the path behind `/method/`.
                && !rest.contains(['@', '?'])
                && !format!("{rest}/").contains("/method/")
                && is_straight(rest)
        });
        if !is_plain {
            return Err(InvalidTarget::Url(given.to_owned()));
        }
        Self::new(Callee::Url(base.to_owned()), method, path.as_ref())
    }

    fn new(callee: Callee, method: Method, path: &str) -> Result<Self, InvalidTarget> {
        let refused = || InvalidTarget::Path(path.to_owned());
        let path = path.strip_prefix('/').unwrap_or(path);
        let way = path.split_once('?').map_or(path, |(way, _)| way);
        if !is_url_text(path) || !is_straight(way) {
            return Err(refused());
        }
        Ok(Self {
            callee,
            method,
            path: path.to_owned(),
        })
    }

    pub fn callee(&self) -> &Callee {
        &self.callee
    }

    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Without a slash in front; with its query.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Only what a URL may hold as it is.
fn is_url_text(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}".contains(&byte);
    text.bytes().all(is_allowed)
}

/// No segment that a proxy would resolve or leave out, so that what one checks is what one calls.
fn is_straight(path: &str) -> bool {
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let decoded = segment.replace("%2e", ".").replace("%2E", ".");
        let is_last = segments.peek().is_none();
        if decoded == "." || decoded == ".." || (segment.is_empty() && !is_last) {
            return false;
        }
    }
    true
}

/// What goes with a call, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallContext {
    pub deadline: Duration,
    /// Sent as `Idempotency-Key`. Whoever gives one says that the call may be repeated.
    pub idempotency_key: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// Sent as `Authorization: Bearer`.
    pub bearer: Option<Secret>,
}

impl CallContext {
    pub fn within(deadline: Duration) -> Self {
        Self {
            deadline,
            idempotency_key: None,
            traceparent: None,
            bearer: None,
        }
    }
}

/// What the callee said, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    /// How long the callee wants to be left alone (`Retry-After`).
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_can_be_put_into_a_url_as_it_is() {
        let target = Target::app("api", Method::GET, "/api/tasks/1?tag=a%20b&x=../y").unwrap();
        assert_eq!(target.path(), "api/tasks/1?tag=a%20b&x=../y");
        let root = Target::url("http://h:1/", Method::GET, "").unwrap();
        assert_eq!(root.callee(), &Callee::Url("http://h:1".to_owned()));
        assert_eq!(root.path(), "");
        for app in ["", "a/b", "http://x", "a b", &"a".repeat(64)] {
            let refused = Target::app(app, Method::GET, "x");
            assert_eq!(refused, Err(InvalidTarget::App(app.to_owned())));
        }
        for url in [
            "",
            "h:1",
            "ftp://h",
            "http://",
            "http://u:p@h",
            "http://h?x",
            "http://h/method/x",
            "http://h/method",
            "http://h/../x",
        ] {
            let refused = Target::url(url, Method::GET, "x");
            assert_eq!(refused, Err(InvalidTarget::Url(url.to_owned())));
        }
        for path in [
            "a b", "é", "a#b", "a/../b", "%2e%2E/b", "a//b", "//a", "a\nb", ".",
        ] {
            let refused = Target::app("api", Method::GET, path);
            assert_eq!(refused, Err(InvalidTarget::Path(path.to_owned())));
        }
    }

    #[test]
    fn a_party_is_what_fails_as_one() {
        let url = |url: &str| Callee::Url(url.to_owned());
        assert_eq!(url("https://h:1/a/b").party(), "https://h:1");
        assert_eq!(url("http://h").party(), "http://h");
        assert_eq!(Callee::App("api".to_owned()).party(), "api");
    }
}
