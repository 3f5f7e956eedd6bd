use std::fmt;
use std::sync::Arc;

use gauntlet_contract::TaskId;
use serde::{Deserialize, Serialize};

use crate::client::{Request, User};

/// Names one operation throughout a run: unique, and found again as the title of what a create or
/// an update wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationKey(Box<str>);

impl OperationKey {
    /// `<load>-<index>`; `load` must differ between loads on one stack.
    pub fn new(load: &str, index: u64) -> OperationKey {
        OperationKey(format!("{load}-{index:06}").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to do, by whom, under which key.
#[derive(Clone, Debug)]
pub struct Operation {
    pub key: OperationKey,
    pub user: Arc<User>,
    pub request: Request,
}

/// What is offered: the operation for each place in the schedule.
///
/// Called ahead of time on the thread of the load, so it must neither block nor need outcomes of
/// the same load.
pub trait Workload: Send + 'static {
    /// The operation at `index`, counted from 0; none ends the load before its schedule does.
    fn operation(&mut self, index: u64) -> Option<Operation>;
}

/// Creates, dealt to the users in turn.
#[derive(Clone, Debug)]
pub struct CreateTasks {
    load: String,
    users: Vec<Arc<User>>,
}

impl CreateTasks {
    /// `load` names this load in its keys. Without users there is nothing to offer.
    pub fn new(load: impl Into<String>, users: Vec<Arc<User>>) -> CreateTasks {
        CreateTasks {
            load: load.into(),
            users,
        }
    }
}

impl Workload for CreateTasks {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        Some(Operation {
            key: OperationKey::new(&self.load, index),
            user: Arc::clone(in_turn(&self.users, index)?),
            request: Request::Create { description: None },
        })
    }
}

/// Reads of existing tasks, each by its owner, in turn; lists where there are no tasks to get.
#[derive(Clone, Debug)]
pub struct ReadTasks {
    load: String,
    requests: Vec<(Arc<User>, Request)>,
}

impl ReadTasks {
    pub fn get(load: impl Into<String>, tasks: Vec<(Arc<User>, TaskId)>) -> ReadTasks {
        ReadTasks {
            load: load.into(),
            requests: tasks
                .into_iter()
                .map(|(user, task)| (user, Request::Get { task }))
                .collect(),
        }
    }

    pub fn list(load: impl Into<String>, users: Vec<Arc<User>>) -> ReadTasks {
        ReadTasks {
            load: load.into(),
            requests: users
                .into_iter()
                .map(|user| (user, Request::List))
                .collect(),
        }
    }
}

impl Workload for ReadTasks {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        let (user, request) = in_turn(&self.requests, index)?;
        Some(Operation {
            key: OperationKey::new(&self.load, index),
            user: Arc::clone(user),
            request: request.clone(),
        })
    }
}

/// An explicit list, offered once, in order.
#[derive(Clone, Debug)]
pub struct Script {
    operations: std::vec::IntoIter<Operation>,
}

impl Script {
    pub fn new(operations: Vec<Operation>) -> Script {
        Script {
            operations: operations.into_iter(),
        }
    }
}

impl Workload for Script {
    fn operation(&mut self, _index: u64) -> Option<Operation> {
        self.operations.next()
    }
}

fn in_turn<T>(items: &[T], index: u64) -> Option<&T> {
    let count = u64::try_from(items.len()).ok()?;
    let place = index.checked_rem(count)?;
    items.get(usize::try_from(place).ok()?)
}
