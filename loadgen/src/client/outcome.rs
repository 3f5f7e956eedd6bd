use gauntlet_contract::{Problem, TaskId};
use reqwest::StatusCode;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// How an operation ended. Failed is a promise that nothing was written; whatever does not carry
/// that promise is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Acknowledged by a 2xx whose body arrived whole. `task_id` is the task that was made or
    /// addressed, `version` its version after the operation, as far as the answer told.
    Ok {
        status: u16,
        task_id: Option<TaskId>,
        version: Option<u64>,
        /// How many `items` the answer has; none where it is no page.
        items: Option<u64>,
    },
    /// It did not happen. `status` is none when no connection could be made.
    Failed {
        status: Option<u16>,
        problem: String,
    },
    /// It may or may not have happened.
    Unknown { why: UnknownReason },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum UnknownReason {
    /// No whole answer within the time-out. The request may be queued, running or done.
    TimedOut,
    /// The connection broke after it had been made: how much of the request arrived is not known.
    ConnectionLost { problem: String },
    /// A server error: the handler may have committed before it failed to answer.
    ServerError { status: u16, problem: String },
    /// A status that the API does not use for this, e.g. a redirect: it promises nothing.
    Unexpected { status: u16 },
}

/// What is read from a task in an answer. All else in it is the API's own business.
#[derive(Deserialize)]
struct TaskAnswer {
    id: Option<TaskId>,
    version: Option<u64>,
    items: Option<Vec<IgnoredAny>>,
}

/// Longest excerpt of an answer that is no problem document, in characters.
const EXCERPT_CHARS: usize = 200;

impl Outcome {
    pub fn is_ok(&self) -> bool {
        matches!(self, Outcome::Ok { .. })
    }

    /// Refused before a connection existed. Such an operation has no latency: nobody served it.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Outcome::Failed { status: None, .. })
    }

    /// Maps a whole answer. `addressed` is the task in the request's path, if any; `promises` are
    /// the problem types which on a 503 say that nothing was written.
    ///
    /// - 2xx is the acknowledgement, whatever the body: what it acknowledged must exist.
    /// - 408 comes from deadlines around a handler, which may have committed: unknown.
    /// - Other 4xx are refusals before any write: failed.
    /// - 503 with a promise in `promises`: failed. All other 5xx: unknown.
    pub(super) fn of_answer(
        status: StatusCode,
        body: &[u8],
        addressed: Option<TaskId>,
        promises: &[String],
    ) -> Outcome {
        let code = status.as_u16();
        if status.is_success() {
            let answer: Option<TaskAnswer> = serde_json::from_slice(body).ok();
            return Outcome::Ok {
                status: code,
                task_id: answer.as_ref().and_then(|task| task.id).or(addressed),
                version: answer.as_ref().and_then(|task| task.version),
                items: answer
                    .and_then(|page| page.items)
                    .map(|items| items.len() as u64),
            };
        }
        let nothing_written = status == StatusCode::SERVICE_UNAVAILABLE && {
            let problem: Option<Problem> = serde_json::from_slice(body).ok();
            problem.is_some_and(|problem| promises.contains(&problem.kind))
        };
        let refused = status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT;
        if refused || nothing_written {
            Outcome::Failed {
                status: Some(code),
                problem: excerpt(body),
            }
        } else if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            Outcome::Unknown {
                why: UnknownReason::ServerError {
                    status: code,
                    problem: excerpt(body),
                },
            }
        } else {
            Outcome::Unknown {
                why: UnknownReason::Unexpected { status: code },
            }
        }
    }
}

/// A problem as `title: detail`, or the beginning of whatever was answered.
fn excerpt(body: &[u8]) -> String {
    if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
        return format!("{}: {}", problem.title, problem.detail);
    }
    String::from_utf8_lossy(body)
        .chars()
        .take(EXCERPT_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAINING: &str =
        r#"{"type":"/problems/draining","title":"Draining","status":503,"detail":"going"}"#;

    fn outcome(status: u16, body: &str) -> Outcome {
        let promises = ["/problems/draining".to_owned()];
        let status = StatusCode::from_u16(status).expect("a status");
        Outcome::of_answer(status, body.as_bytes(), None, &promises)
    }

    #[test]
    fn an_acknowledgement_carries_the_task_and_its_version() {
        let id = TaskId::generate();
        assert_eq!(
            outcome(201, &format!(r#"{{"id":"{id}","version":1,"title":"x"}}"#)),
            Outcome::Ok {
                status: 201,
                task_id: Some(id),
                version: Some(1),
                items: None,
            }
        );
    }

    #[test]
    fn an_answer_without_a_task_is_still_an_acknowledgement() {
        let id = TaskId::generate();
        let deleted = Outcome::of_answer(StatusCode::NO_CONTENT, b"", Some(id), &[]);
        assert_eq!(
            deleted,
            Outcome::Ok {
                status: 204,
                task_id: Some(id),
                version: None,
                items: None,
            }
        );
        assert!(outcome(200, r#"{"items":[],"next_cursor":null}"#).is_ok());
    }

    #[test]
    fn a_page_tells_how_much_is_on_it() {
        let items = |body| match outcome(200, body) {
            Outcome::Ok { items, .. } => items,
            other => panic!("{other:?}"),
        };
        assert_eq!(items(r#"{"items":[],"next_cursor":null}"#), Some(0));
        assert_eq!(
            items(r#"{"items":[{"id":"x"},{}],"next_cursor":"y"}"#),
            Some(2)
        );
        assert_eq!(items("{}"), None);
        assert_eq!(items("gone"), None);
    }

    #[test]
    fn only_refusals_and_promises_count_as_failed() {
        for status in [400, 401, 404, 409, 412, 413, 422, 429] {
            assert!(
                matches!(outcome(status, "no"), Outcome::Failed { .. }),
                "{status}"
            );
        }
        assert_eq!(
            outcome(503, DRAINING),
            Outcome::Failed {
                status: Some(503),
                problem: "Draining: going".to_owned()
            }
        );
        for (status, body) in [
            (302, ""),
            (408, ""),
            (500, DRAINING),
            (502, ""),
            (503, "busy"),
            (504, ""),
        ] {
            assert!(
                matches!(outcome(status, body), Outcome::Unknown { .. }),
                "{status}"
            );
        }
    }
}
