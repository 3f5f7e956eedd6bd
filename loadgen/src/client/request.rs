use std::fmt;

use gauntlet_contract::TaskId;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ListQuery;

const TASKS: &str = "/api/tasks";
/// When the first instance of every series is due: any moment will do, as long as it has one.
const FIRST_DUE: (&str, &str) = ("2031-05-05T09:00", "Europe/Berlin");

/// One call of the task API.
///
/// Create and update write the operation's key as the title: after an unknown outcome the stores
/// are searched for it. Complete and delete carry nothing of ours and are placed by the task they
/// address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Create {
        description: Option<String>,
    },
    /// The creation of a task that begins a series: daily without end, and each instance comes when the one
    /// before it is completed.
    BeginSeries,
    Get {
        task: TaskId,
    },
    List,
    Find(ListQuery),
    Update {
        task: TaskId,
    },
    Complete {
        task: TaskId,
        to: Completion,
    },
    Delete {
        task: TaskId,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    Done,
    Undone,
}

/// What an operation does, without what it does it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    Create,
    Get,
    List,
    Search,
    NextPage,
    Update,
    Complete,
    Reopen,
    Delete,
}

impl OperationKind {
    /// Whether an effect (an event, an audit row) is owed for an operation that succeeded. One that
    /// found nothing to change shares the effect of the version that it was told of.
    pub fn writes(self) -> bool {
        !matches!(
            self,
            OperationKind::Get
                | OperationKind::List
                | OperationKind::Search
                | OperationKind::NextPage
        )
    }

    pub fn as_str(self) -> &'static str {
        match self {
            OperationKind::Create => "create",
            OperationKind::Get => "get",
            OperationKind::List => "list",
            OperationKind::Search => "search",
            OperationKind::NextPage => "next page",
            OperationKind::Update => "update",
            OperationKind::Complete => "complete",
            OperationKind::Reopen => "reopen",
            OperationKind::Delete => "delete",
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Request {
    pub fn kind(&self) -> OperationKind {
        match self {
            Request::Create { .. } | Request::BeginSeries => OperationKind::Create,
            Request::Get { .. } => OperationKind::Get,
            Request::List => OperationKind::List,
            Request::Find(query) => query.kind(),
            Request::Update { .. } => OperationKind::Update,
            Request::Complete { to, .. } => match to {
                Completion::Done => OperationKind::Complete,
                Completion::Undone => OperationKind::Reopen,
            },
            Request::Delete { .. } => OperationKind::Delete,
        }
    }

    /// The task that the request addresses; none for create and list.
    pub fn task(&self) -> Option<TaskId> {
        match self {
            Request::Create { .. } | Request::BeginSeries | Request::List | Request::Find(_) => {
                None
            }
            Request::Get { task }
            | Request::Update { task }
            | Request::Complete { task, .. }
            | Request::Delete { task } => Some(*task),
        }
    }

    pub(super) fn method(&self) -> Method {
        match self {
            Request::Create { .. } | Request::BeginSeries => Method::POST,
            Request::Get { .. } | Request::List | Request::Find(_) => Method::GET,
            Request::Update { .. } | Request::Complete { .. } => Method::PATCH,
            Request::Delete { .. } => Method::DELETE,
        }
    }

    pub(super) fn path(&self) -> String {
        match self {
            Request::Create { .. } | Request::BeginSeries | Request::List => TASKS.to_owned(),
            Request::Find(query) => query.path().to_owned(),
            Request::Get { task } | Request::Update { task } | Request::Delete { task } => {
                format!("{TASKS}/{task}")
            }
            Request::Complete { task, .. } => format!("{TASKS}/{task}/complete"),
        }
    }

    /// The fields of the URL's query; none for what has no query.
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        match self {
            Request::Find(query) => query.fields().collect(),
            _ => Vec::new(),
        }
    }

    /// Written as plain JSON, not through the contract's types: a slip in their encoding is then a
    /// refused request and does not cancel out against the same slip in the server.
    pub(super) fn body(&self, key: &str) -> Option<Value> {
        match self {
            Request::Get { .. } | Request::List | Request::Find(_) | Request::Delete { .. } => None,
            Request::Create { description: None } | Request::Update { .. } => {
                Some(json!({ "title": key }))
            }
            Request::Create {
                description: Some(text),
            } => Some(json!({ "title": key, "description": text })),
            Request::BeginSeries => Some(json!({
                "title": key,
                "due_date": FIRST_DUE.0,
                "time_zone": FIRST_DUE.1,
                "recurrence": {"rule": {"frequency": "daily"}, "mode": "on_completion"}
            })),
            Request::Complete { to, .. } => Some(json!({ "completed": *to == Completion::Done })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_begun_by_a_creation_with_a_rule() {
        let request = Request::BeginSeries;
        assert_eq!(
            (request.kind(), request.task()),
            (OperationKind::Create, None)
        );
        assert_eq!(
            (request.method(), request.path().as_str()),
            (Method::POST, TASKS)
        );
        let body = request.body("load-000007").expect("a body");
        assert_eq!(body["title"], "load-000007");
        assert_eq!(body["recurrence"]["mode"], "on_completion");
        assert!(body["due_date"].is_string());
    }

    #[test]
    fn completing_and_reopening_are_two_kinds_of_one_call() {
        let task = TaskId::generate();
        let kind = |to| Request::Complete { task, to }.kind();
        assert_eq!(kind(Completion::Done), OperationKind::Complete);
        assert_eq!(kind(Completion::Undone), OperationKind::Reopen);
    }
}
