//! What a load offers: each kind of workload says which operation stands at which place.

mod change;
mod create;
mod operation;
mod read;
mod script;

pub use change::{ChangeTasks, LivingTask};
pub use create::CreateTasks;
pub use operation::{Operation, OperationKey, Workload};
pub use read::ReadTasks;
pub use script::Script;
