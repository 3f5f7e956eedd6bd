use std::sync::Arc;

use super::operation::in_turn;
use super::{Operation, OperationKey, Workload};
use crate::client::{Request, User};

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
