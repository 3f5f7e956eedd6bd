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
/// Of what the sidecar says then, what it says before it has sent anything.
const BEFORE_SENDING: [&str; 7] = [
    "invoke API is not ready",
    "name resolver not initialized",
    "no host found with the given ID",
    "failed to look up address",
    "couldn't find service",
    "app channel not initialized",
    "invalid app id",
];
/// The last attempt found nobody.
const NOBODY: &str = "connect: connection refused";
/// Attempts came before the last one, and the message says nothing of them.
const AFTER_RETRIES: &str = "failed to invoke target";

/// Calls apps through a sidecar: by their id, and anything else by its URL.
///
/// The sidecar tells neither its own failures from one another nor from the app's but by their
/// text, so that it is the text of 1.16.5 that is read: what is not known to have failed on the way
/// is a `Timeout`. A sidecar that lost another sidecar's answer calls again by itself, up to three
/// times, whatever is called (`DaprBuiltInServiceRetries`); to call an app by its id is therefore
/// at-least-once, with an idempotency key or without.
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
    let says = |text: &&str| message.contains(*text);
    let kind = if answer.status != StatusCode::INTERNAL_SERVER_ERROR {
        // Denied by a policy, or no call at all.
        PortErrorKind::Invalid
    } else if BEFORE_SENDING.iter().any(says) || (says(&NOBODY) && !says(&AFTER_RETRIES)) {
        PortErrorKind::Unavailable
    } else {
        PortErrorKind::Timeout
    };
    Some((kind, message))
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
        let says = |text: &str| kind(500, &format!("failed to invoke, id: api, err: {text}"));
        assert_eq!(says("no host found with the given ID"), unavailable);
        assert_eq!(
            says(
                "rpc error: code = Internal desc = error invoking app channel: \
                 Post \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused"
            ),
            unavailable
        );
        // An attempt before the last one may have been delivered.
        assert_eq!(
            says(
                "failed to invoke target api after 3 retries. Error: rpc error: code = Unavailable \
                 desc = connection error: dial tcp 127.0.0.1:1: connect: connection refused"
            ),
            timeout
        );
        assert_eq!(says("error invoking app channel: EOF"), timeout);
        assert_eq!(says("context deadline exceeded"), timeout);
        assert_eq!(kind(500, ""), timeout);
        assert_eq!(kind(403, "denied"), Some(PortErrorKind::Invalid));
    }

    #[test]
    fn what_the_app_itself_answers_is_an_answer() {
        for body in ["", "{}", "null", "{\"errorCode\": \"ERR_MINE\"}", "<html>"] {
            assert_eq!(refusal(&answered(500, body)), None, "{body}");
        }
        assert_eq!(kind(503, "whatever"), None);
    }
}
