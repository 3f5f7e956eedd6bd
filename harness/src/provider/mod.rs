//! How a service becomes a running thing that can be asked, signalled, restarted and stopped.
//!
//! A [`ServiceSpec`] is the plan, an [`Instance`] the running service. `process` is the provider that
//! needs nothing but an operating system: children on 127.0.0.1.

pub mod containers;
mod instance;
mod life;
mod once;
mod output;
mod ports;
mod probe;
pub mod process;
mod registry;
mod run;
mod signal;
mod spec;
mod state;
mod sweep;
mod wait;

pub use instance::{Health, Instance, Provider, Stopped, Support};
pub use once::OneShot;
pub use ports::PortSlot;
pub use probe::{HttpProbe, Probe};
pub use run::{RunContext, UnexpectedExit, micros_since_epoch};
pub use signal::{Exit, Signal};
pub use spec::{Endpoint, Limits, Mount, Package, RunAs, ServiceId, ServiceSpec, StopSignal};
pub use state::StateDir;
pub use sweep::{SweepReport, SweptRun, sweep};
pub use wait::{Waited, until};

pub(crate) use registry::gone_is_fine;
