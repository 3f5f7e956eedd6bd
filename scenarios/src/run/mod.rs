//! One run of one scenario: the stack it stands on, the load it offers, the faults it injects, and the
//! record of all three.

mod aftermath;
mod cases;
mod context;
mod journal;
mod lane;
mod mix;
mod offer;
mod outage;
mod plots;
mod probe;
mod replay;
mod replicas;
mod series;
mod settings;
mod timeline;
mod traced;

pub use context::Run;
pub use journal::Purpose;
pub use lane::{Work, sidecar_process};
pub use mix::{Owner, Population, SAMPLE};
pub use offer::Offer;
pub use outage::{Outage, Victim};
pub use plots::plots;
pub use probe::{Case, DaprNode, said};
pub use replay::state_prefix;
pub use settings::Settings;
pub use traced::REQUESTS_OF_TASK;
