use std::sync::Arc;

use gauntlet_contract::TaskId;

use super::operation::in_turn;
use super::{Operation, OperationKey, Workload};
use crate::client::{Request, User};

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
