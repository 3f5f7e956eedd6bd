use super::{Operation, Workload};

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
