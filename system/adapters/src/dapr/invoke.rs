use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::StatusCode;
use gauntlet_ports::invocation::{Answer, CallContext, Callee, Invoker, Target};
use gauntlet_ports::{PortError, PortErrorKind};

use super::api::{Api, Refusal};
use crate::http::{answer, with_context, without_answer};

const PORT: &str = "invoker";
/// Only for a call without a deadline, of which there is none.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The code of every failure of an invocation, before the app and behind it.
const REFUSED: &str = "ERR_DIRECT_INVOKE";
/// How a failure begins that is the sidecar's own and of the whole call, and not of one attempt of it: what
/// it lacks now it has lacked at each.
const NEVER_SENT: [&str; 4] = [
    "invoke API is not ready",
    "name resolver not initialized",
    "cannot invoke local endpoint: app channel not initialized",
    "invalid app id",
];

/// Calls apps through a sidecar: by their id, and anything else by its URL.
///
/// A sidecar calls again by itself: as its resiliency policy says, or up to three times after another
/// sidecar's answer was lost (`DaprBuiltInServiceRetries`). It tells of the last attempt alone, in words
/// (1.16.5). That nobody listens there, or that no sidecar of that name is known, is thus no word on the
/// attempts before, one of which may have been delivered to an app that died of it. So a failure is
/// `Unavailable` where our own sidecar could not be connected to, or says that it could not have sent
/// anything at all; every other is a `Timeout`. To call an app by its id is at-least-once, with an
/// idempotency key or without.
///
/// To whatever is called by its URL, the sidecar shows the token that it shows its own app (1.16.5): a URL
/// outside of the installation must not be called this way.
#[derive(Clone, Debug)]
pub struct DaprInvoker {
    api: Api,
}

impl DaprInvoker {
    /// `http_url` is the sidecar's, e.g. `http://127.0.0.1:3500`. `Invalid` when it cannot be a base of
    /// other URLs. Nothing is sent yet.
    pub fn new(http_url: &str) -> Result<Self, PortError> {
        let api = Api::new(PORT, http_url, TIMEOUT)?;
        Ok(Self { api })
    }
}

#[async_trait]
impl Invoker for DaprInvoker {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let callee = match target.callee() {
            Callee::App(name) | Callee::Url(name) => encoded(name),
        };
        let path = format!("invoke/{callee}/method/{}", target.path());
        let request = self.api.encoded_request(target.method().clone(), &path)?;
        let response = with_context(request, body, context)?
            .send()
            .await
            .map_err(without_answer)?;
        let answer = answer(response).await?;
        match refusal(&answer) {
            None => Ok(answer),
            Some((kind, message)) => Err(PortError::new(kind, PORT, "invoke", message)),
        }
    }
}

/// What became of the call, where the sidecar and not the app has answered.
fn refusal(answer: &Answer) -> Option<(PortErrorKind, String)> {
    let may_be = matches!(
        answer.status,
        StatusCode::INTERNAL_SERVER_ERROR | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
    );
    if !may_be {
        return None;
    }
    let refusal: Refusal = serde_json::from_slice(&answer.body).ok()?;
    if refusal.error_code != REFUSED {
        return None;
    }
    let message = refusal.message;
    let kind = if answer.status != StatusCode::INTERNAL_SERVER_ERROR {
        // Denied by a policy, or no call at all.
        PortErrorKind::Invalid
    } else if was_never_sent(&message) {
        PortErrorKind::Unavailable
    } else {
        PortErrorKind::Timeout
    };
    Some((kind, message))
}

/// Where the cause begins and nowhere else: what comes from further away is quoted behind it.
fn was_never_sent(message: &str) -> bool {
    let cause = message
        .split_once(", err: ")
        .map_or(message, |(_, cause)| cause);
    NEVER_SENT.iter().any(|text| cause.starts_with(text))
}

/// Percent-encodes all but what no URL gives a meaning to.
fn encoded(name: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    name.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::http::Method;
    use axum::routing::post;
    use gauntlet_ports::{Persistent, PersistentSettings};
    use tokio::net::TcpListener;

    use super::*;

    fn answered(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Bytes::from(body.to_owned()),
        }
    }

    fn kind(status: u16, message: &str) -> Option<PortErrorKind> {
        let body = serde_json::json!({ "errorCode": REFUSED, "message": message });
        refusal(&answered(status, &body.to_string())).map(|(kind, _)| kind)
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        assert_eq!(encoded("api-1.x"), "api-1.x");
        assert_eq!(encoded("http://h:1/a+b"), "http%3A%2F%2Fh%3A1%2Fa%2Bb");
    }

    /// As 1.16.5 says it.
    #[test]
    fn only_what_was_certainly_not_sent_is_unavailable() {
        let unavailable = Some(PortErrorKind::Unavailable);
        let timeout = Some(PortErrorKind::Timeout);
        assert_eq!(kind(500, "invoke API is not ready"), unavailable);
        let says = |text: &str| kind(500, &format!("failed to invoke, id: api, err: {text}"));
        assert_eq!(says("name resolver not initialized"), unavailable);
        assert_eq!(
            says("cannot invoke local endpoint: app channel not initialized"),
            unavailable
        );
        assert_eq!(says("invalid app id a.b.c"), unavailable);
        assert_eq!(kind(403, "denied"), Some(PortErrorKind::Invalid));
        for of_the_last_attempt in [
            "failed to resolve address for appId: no host found with the given ID",
            REFUSED_BY_THE_CALLEE,
            "failed to invoke target api after 3 retries. Error: rpc error: code = Unavailable \
             desc = connection error: dial tcp 127.0.0.1:1: connect: connection refused",
            "rpc error: code = Internal desc = name resolver not initialized",
            "error invoking app channel: EOF",
            "circuit breaker is open",
            "context deadline exceeded",
        ] {
            assert_eq!(says(of_the_last_attempt), timeout, "{of_the_last_attempt}");
        }
        assert_eq!(kind(500, ""), timeout);
    }

    const REFUSED_BY_THE_CALLEE: &str = "rpc error: code = Internal desc = error invoking app \
         channel: Post \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused";

    /// A sidecar whose first attempt is delivered and ends the app, so that its second finds nobody: of that
    /// one it tells.
    async fn sidecar_that_tells_of_its_last_attempt(deliveries: Arc<AtomicU32>) -> DaprInvoker {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let message = format!("failed to invoke, id: api, err: {REFUSED_BY_THE_CALLEE}");
        let body = serde_json::json!({ "errorCode": REFUSED, "message": message }).to_string();
        let answer = move || {
            deliveries.fetch_add(1, Ordering::Relaxed);
            std::future::ready((StatusCode::INTERNAL_SERVER_ERROR, body.clone()))
        };
        let router = Router::new().route("/v1.0/invoke/api/method/next", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        DaprInvoker::new(&url).unwrap()
    }

    #[tokio::test]
    async fn a_call_that_may_have_ended_its_callee_is_not_made_again() {
        let deliveries = Arc::default();
        let invoker = sidecar_that_tells_of_its_last_attempt(Arc::clone(&deliveries)).await;
        let persistent = Persistent::new(invoker, PersistentSettings::default());
        let target = Target::app("api", Method::POST, "next").unwrap();
        let context = CallContext::within(Duration::from_secs(10));
        let called = persistent
            .invoke(&target, Bytes::from("{}"), &context)
            .await;
        assert_eq!(called.unwrap_err().kind, PortErrorKind::Timeout);
        assert_eq!(deliveries.load(Ordering::Relaxed), 1, "called again");
    }

    #[tokio::test]
    async fn a_sidecar_that_is_not_there_delivered_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let target = Target::app("api", Method::POST, "next").unwrap();
        let context = CallContext::within(Duration::from_secs(10));
        let invoker = DaprInvoker::new(&url).unwrap();
        let called = invoker.invoke(&target, Bytes::from("{}"), &context).await;
        assert_eq!(called.unwrap_err().kind, PortErrorKind::Unavailable);
    }

    #[test]
    fn what_the_app_itself_answers_is_an_answer() {
        for body in ["", "{}", "null", "{\"errorCode\": \"ERR_MINE\"}", "<html>"] {
            assert_eq!(refusal(&answered(500, body)), None, "{body}");
        }
        assert_eq!(kind(503, "whatever"), None);
    }
}
