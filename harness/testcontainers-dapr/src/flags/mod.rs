//! The flags of Dapr's executables as plain values, of use with containers and without.
//!
//! A field that is `None` or empty writes no flag, so that the executable's own default holds. Every type
//! writes its flags in one fixed order, which makes two plans comparable. What a type does not know goes
//! into its `extra`.
//!
//! The spelling is that of `daprd --help`, `scheduler --help` and `placement --help` in 1.16.5. The two
//! control-plane services share some names with the sidecar, and mean the same by them.

mod line;
mod metrics;
mod placement;
mod protocol;
mod scheduler;
mod sidecar;

pub use metrics::Metrics;
pub use placement::Placement;
pub use protocol::AppProtocol;
pub use scheduler::Scheduler;
pub use sidecar::Sidecar;
