use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gauntlet_ports::state::{Etag, Expect, Key, StateOp, StateStore, Versioned, check_ops};
use gauntlet_ports::{PortError, PortErrorKind};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::api::{Api, Reply};
use super::state_request::operations;

const PORT: &str = "state store";

/// The one component whose source shows that it holds expectations.
const HOLDS_EXPECTATIONS: (&str, &str) = ("state.postgresql", "v2");
/// How it says that one is not met, behind `ERR_STATE_TRANSACTION`: of an etag, and of absence.
const NOT_MET: [&str; 3] = [
    "possible etag mismatch",
    "invalid etag value",
    "no item was updated",
];
/// How it says that it has not begun: no transaction, and for a change alone no connection.
const NOT_BEGUN: [&str; 2] = ["failed to begin transaction", "failed to connect to"];
/// What the sidecar finds out before it asks the component.
const BEFORE_WRITING: [&str; 3] = [
    "ERR_STATE_STORE_NOT_CONFIGURED",
    "ERR_STATE_STORE_NOT_SUPPORTED",
    "ERR_STATE_STORE_TOO_MANY_TRANSACTIONS",
];

/// Which component, and where.
#[derive(Clone, Debug)]
pub struct DaprStateSettings {
    /// E.g. `http://127.0.0.1:3500`.
    pub http_url: String,
    /// Name of the state store component, the same for every backend behind it.
    pub store: String,
    /// How long to wait for an answer; after it the effect of a change is unknown.
    pub timeout: Duration,
}

/// State through a sidecar. What of the contract holds, depends on the component behind its name; that
/// of others than these two is not known, and they are treated as Redis is.
///
/// - `state.postgresql` v2: all of it.
/// - `state.redis`: all but expectations. Changes that expect nothing are applied together or not at
///   all. In a transaction of 1.16.5 an etag matches what is absent, absence is not judged, a deletion
///   takes the count that etags are made of back to one, and what was applied before an expectation
///   that is not met stays applied. So an `apply` that expects anything is refused as `Invalid`, and
///   nothing is sent. The direct adapter holds all of it on Redis (decision 0021).
///
/// A sidecar that repeats a change by a resiliency policy of its own may answer `Conflict` to a change
/// that it has made, so that a state store must have none with retries.
///
/// Values are stored as JSON strings in base64, because the sidecar takes only JSON in a transaction. An
/// expiry counts in whole seconds, rounded up; without one an entry stays, whatever the component's own
/// default is.
#[derive(Clone, Debug)]
pub struct DaprStateStore {
    api: Api,
    store: String,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Component {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    version: String,
}

/// One of the answers to a call for many keys.
#[derive(Deserialize)]
struct Entry {
    key: String,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

impl DaprStateStore {
    /// `Invalid` when the URL cannot be a base of other URLs. Nothing is asked yet.
    pub fn new(settings: &DaprStateSettings) -> Result<Self, PortError> {
        Ok(Self {
            api: Api::new(PORT, &settings.http_url, settings.timeout)?,
            store: settings.store.clone(),
        })
    }

    /// `Invalid` unless the component holds expectations, so that a role that needs them can refuse to
    /// start.
    pub async fn check_expectations(&self) -> Result<(), PortError> {
        let op = "ask for the state component";
        let request = self.api.request(Method::GET, &["metadata"]);
        let reply = self.api.ask(op, request).await.map_err(only_read)?;
        if reply.status != StatusCode::OK {
            return Err(self.api.refused(op, PortErrorKind::Unavailable, &reply));
        }
        let metadata: Metadata =
            serde_json::from_slice(&reply.body).map_err(|error| self.api.garbled(op, error))?;
        let mut components = metadata.components.iter();
        let store = &self.store;
        let refusal = match components.find(|component| component.name == *store) {
            Some(found) if (&*found.kind, &*found.version) == HOLDS_EXPECTATIONS => return Ok(()),
            Some(found) => {
                let (kind, version) = (&found.kind, &found.version);
                format!(
                    "the component {store} is {kind} {version}, which does not hold expectations"
                )
            }
            None => format!("the sidecar has no component {store}"),
        };
        Err(PortError::new(PortErrorKind::Invalid, PORT, op, refusal))
    }

    /// What a refused change has come to.
    fn not_applied(&self, op: &'static str, reply: &Reply) -> PortError {
        let refusal = reply.refusal();
        let code = refusal.error_code.as_str();
        let says = |texts: &[&str]| texts.iter().any(|text| refusal.message.contains(text));
        let kind = if reply.status.is_client_error() || BEFORE_WRITING.contains(&code) {
            PortErrorKind::Invalid
        } else if says(&NOT_MET) {
            PortErrorKind::Conflict
        } else if says(&NOT_BEGUN) {
            PortErrorKind::Unavailable
        } else {
            // The component's own error may be that of a commit whose answer was lost.
            PortErrorKind::Timeout
        };
        self.api.refused(op, kind, reply)
    }
}

#[async_trait]
impl StateStore for DaprStateStore {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError> {
        let op = "read entries";
        let asked: Vec<_> = keys.iter().map(Key::as_str).collect();
        let request = self
            .api
            // Not the call for one key: it takes the key in its path, and slashes in it for its own.
            .request(Method::POST, &["state", &self.store, "bulk"])
            .json(&json!({ "keys": asked }));
        let reply = self.api.ask(op, request).await.map_err(only_read)?;
        if reply.status != StatusCode::OK {
            let kind = if reply.status.is_client_error() {
                PortErrorKind::Invalid
            } else {
                PortErrorKind::Unavailable
            };
            return Err(self.api.refused(op, kind, &reply));
        }
        let entries: Vec<Entry> =
            serde_json::from_slice(&reply.body).map_err(|error| self.api.garbled(op, error))?;
        // In no order, and once or twice where a key was asked for twice.
        let mut found = HashMap::new();
        for entry in entries {
            let key = entry.key.clone();
            if let Some(versioned) = versioned(op, entry)? {
                found.insert(key, versioned);
            }
        }
        Ok(asked.iter().map(|key| found.get(*key).cloned()).collect())
    }

    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let op = "change entries";
        check_ops(ops)
            .map_err(|malformed| PortError::new(PortErrorKind::Invalid, PORT, op, malformed))?;
        if ops.iter().any(|op| *op.expect() != Expect::Any) {
            // At each call: a component may be exchanged for another while its sidecar runs.
            self.check_expectations().await?;
        }
        let request = self
            .api
            .request(Method::POST, &["state", &self.store, "transaction"])
            .json(&json!({ "operations": operations(ops) }));
        let reply = self.api.ask(op, request).await?;
        if reply.status.is_success() {
            Ok(())
        } else {
            Err(self.not_applied(op, &reply))
        }
    }
}

/// What was only read has no effect to be unsure of.
fn only_read(error: PortError) -> PortError {
    let kind = match error.kind {
        PortErrorKind::Timeout => PortErrorKind::Unavailable,
        other => other,
    };
    PortError { kind, ..error }
}

/// None where there is no entry. One that does not decode was not written by this adapter.
fn versioned(op: &'static str, entry: Entry) -> Result<Option<Versioned>, PortError> {
    if let Some(error) = entry.error {
        return Err(PortError::new(PortErrorKind::Unavailable, PORT, op, error));
    }
    let (Some(data), Some(etag)) = (entry.data, entry.etag) else {
        return Ok(None);
    };
    let value = STANDARD.decode(data).map_err(|error| {
        let detail = format!("{}: {error}", entry.key);
        PortError::new(PortErrorKind::Internal, PORT, op, detail)
    })?;
    Ok(Some(Versioned {
        value: value.into(),
        etag: Etag::new(etag),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> DaprStateStore {
        DaprStateStore::new(&DaprStateSettings {
            http_url: "http://127.0.0.1:1".to_owned(),
            store: "statestore".to_owned(),
            timeout: Duration::from_secs(5),
        })
        .unwrap()
    }

    /// As 1.16.5 says it.
    #[test]
    fn what_is_not_known_to_be_unwritten_is_a_timeout() {
        let kind = |status: u16, code: &str, message: &str| {
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                body: json!({ "errorCode": code, "message": message })
                    .to_string()
                    .into(),
            };
            store().not_applied("change entries", &reply).kind
        };
        let failed = |error: &str| {
            let message = format!("error while executing state transaction: {error}");
            kind(500, "ERR_STATE_TRANSACTION", &message)
        };
        let mismatch = "possible etag mismatch. error from state store";
        assert_eq!(failed(mismatch), PortErrorKind::Conflict);
        assert_eq!(failed("no item was updated"), PortErrorKind::Conflict);
        let not_begun = failed("failed to begin transaction: timeout");
        assert_eq!(not_begun, PortErrorKind::Unavailable);
        for error in ["failed to commit transaction: EOF", "context canceled", ""] {
            assert_eq!(failed(error), PortErrorKind::Timeout, "{error}");
        }
        let unknown = kind(400, "ERR_STATE_STORE_NOT_FOUND", "");
        assert_eq!(unknown, PortErrorKind::Invalid);
        let no_transactions = kind(500, "ERR_STATE_STORE_NOT_SUPPORTED", "");
        assert_eq!(no_transactions, PortErrorKind::Invalid);
        assert_eq!(kind(502, "", ""), PortErrorKind::Timeout);
    }

    #[tokio::test]
    async fn without_a_sidecar_nothing_is_written() {
        let key = Key::new("a").unwrap();
        for expect in [Expect::Any, Expect::Absent] {
            let op = StateOp::put(key.clone(), "1").expecting(expect);
            let refused = store().apply(&[op]).await.unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Unavailable);
        }
    }
}
