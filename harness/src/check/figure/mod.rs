//! Numbers worth showing that no bar applies to.

mod recovery;
mod sidecar_overhead;

pub use recovery::recovery;
pub use sidecar_overhead::{OverheadOf, sidecar_overhead};
