use std::fmt;
use std::sync::Arc;

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

/// The item whose turn it is at `index`; none where there are no items.
pub(super) fn in_turn<T>(items: &[T], index: u64) -> Option<&T> {
    let count = u64::try_from(items.len()).ok()?;
    let place = index.checked_rem(count)?;
    items.get(usize::try_from(place).ok()?)
}
