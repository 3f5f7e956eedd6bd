//! What a load offers: each kind of workload says which operation stands at which place.

mod change;
mod create;
mod mix;
mod operation;
mod read;
mod script;
mod series;

pub use change::{ChangeTasks, LivingTask};
pub use create::CreateTasks;
pub use mix::{MixOf, MixShares, MixTasks};
pub use operation::{Operation, OperationKey, Workload};
pub use read::ReadTasks;
pub use script::Script;
pub use series::{BeginSeries, SettleInstances};
