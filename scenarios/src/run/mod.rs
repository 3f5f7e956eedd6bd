//! One run of one scenario: the stack it stands on, the load it offers, the faults it injects, and the
//! record of all three.

mod aftermath;
mod cases;
mod context;
mod journal;
mod lane;
mod offer;
mod plots;
mod settings;
mod timeline;

pub use context::{Outage, Run, Victim};
pub use journal::Purpose;
pub use lane::{Work, sidecar_process};
pub use offer::Offer;
pub use plots::plots;
pub use settings::Settings;
