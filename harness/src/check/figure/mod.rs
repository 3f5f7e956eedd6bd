//! Numbers worth showing that no bar applies to.

mod equivalence;
mod recovery;
mod sidecar_cgroup;
mod sidecar_overhead;
mod sidecar_resident;
mod traces;

pub use equivalence::equivalence;
pub use recovery::recovery;
pub use sidecar_cgroup::sidecar_cgroup;
pub use sidecar_overhead::{OverheadOf, sidecar_overhead};
pub use sidecar_resident::sidecar_resident;
pub use traces::traces;
