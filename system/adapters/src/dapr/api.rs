use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use gauntlet_ports::{PortError, PortErrorKind};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;

/// Connections kept open to the sidecar.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// The sidecar's HTTP API, as one port uses it.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    base: Url,
    port: &'static str,
}

/// What the sidecar answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// How the sidecar says that it, or a component, has failed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Refusal {
    /// E.g. `ERR_STATE_TRANSACTION`; empty where the answer is none of the sidecar's own.
    pub(super) error_code: String,
    pub(super) message: String,
}

impl Api {
    /// `http_url` is where the sidecar is, e.g. `http://127.0.0.1:3500`; `Invalid` when it cannot be a
    /// base of other URLs. `timeout` is for a whole call, where the call gives none of its own.
    pub(super) fn new(
        port: &'static str,
        http_url: &str,
        timeout: Duration,
    ) -> Result<Self, PortError> {
        let invalid = |source: Box<dyn Error + Send + Sync>| {
            PortError::new(PortErrorKind::Invalid, port, "configure", source)
        };
        let base = Url::parse(http_url).map_err(|error| invalid(error.into()))?;
        if base.cannot_be_a_base() {
            return Err(invalid("the sidecar's URL has no path".into()));
        }
        let client = Client::builder()
            .timeout(timeout)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(Policy::none())
            // A proxy from the environment must never sit between an app and its sidecar.
            .no_proxy()
            .build()
            .map_err(|error| invalid(error.into()))?;
        Ok(Self { client, base, port })
    }

    /// A request to `/v1.0/<path>`; each part is encoded.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1.0").extend(path);
        }
        self.client.request(method, url)
    }

    /// A request to `/v1.0/<path>`, which is encoded already.
    pub(super) fn encoded_request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, PortError> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/v1.0/{path}")).map_err(|error| {
            PortError::new(PortErrorKind::Invalid, self.port, "encode a URL", error)
        })?;
        Ok(self.client.request(method, url))
    }

    /// Sends it. `Unavailable` where it certainly was not sent, `Timeout` where that is not known.
    pub(super) async fn ask(
        &self,
        op: &'static str,
        request: RequestBuilder,
    ) -> Result<Reply, PortError> {
        let error = |error: reqwest::Error| {
            let kind = if error.is_builder() {
                PortErrorKind::Invalid
            } else if error.is_connect() {
                PortErrorKind::Unavailable
            } else {
                PortErrorKind::Timeout
            };
            PortError::new(kind, self.port, op, error)
        };
        let response = request.send().await.map_err(error)?;
        let status = response.status();
        let body = response.bytes().await.map_err(error)?;
        Ok(Reply { status, body })
    }

    /// The sidecar's refusal as an error of this kind.
    pub(super) fn refused(
        &self,
        op: &'static str,
        kind: PortErrorKind,
        reply: &Reply,
    ) -> PortError {
        let refusal = reply.refusal();
        let detail = format!(
            "sidecar answered {}: {} {}",
            reply.status, refusal.error_code, refusal.message
        );
        PortError::new(kind, self.port, op, detail)
    }

    /// An answer that is not what this API answers.
    pub(super) fn garbled(&self, op: &'static str, error: serde_json::Error) -> PortError {
        PortError::new(PortErrorKind::Internal, self.port, op, error)
    }
}

impl Reply {
    /// Empty where the body is none.
    pub(super) fn refusal(&self) -> Refusal {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(request: RequestBuilder) -> String {
        request.build().unwrap().url().to_string()
    }

    #[test]
    fn parts_of_a_path_are_encoded_and_encoded_ones_are_not() {
        for base in ["http://h:1", "http://h:1/"] {
            let api = Api::new("test", base, Duration::from_secs(1)).unwrap();
            let parts = api.request(Method::GET, &["state", "a/b", "c d"]);
            assert_eq!(url(parts), "http://h:1/v1.0/state/a%2Fb/c%20d");
            let encoded = api.encoded_request(Method::GET, "invoke/a%2Fb/method/c?d=e");
            let expected = "http://h:1/v1.0/invoke/a%2Fb/method/c?d=e";
            assert_eq!(url(encoded.unwrap()), expected);
        }
    }

    #[test]
    fn a_url_that_is_no_base_is_invalid() {
        for url in ["sidecar", "mailto:sidecar"] {
            let refused = Api::new("test", url, Duration::from_secs(1)).unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Invalid, "{url}");
        }
    }
}
