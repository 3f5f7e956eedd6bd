//! A second reading of everything that was ever published, and what it may change: nothing.

mod changes_nothing;
mod happened;

pub use changes_nothing::ReplayChangesNothing;
pub use happened::ReplayHappened;
