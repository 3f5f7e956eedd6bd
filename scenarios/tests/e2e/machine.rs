//! Which tests have to have the machine to themselves.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

/// For a test that goes by the clock, of a load's punctuality or of a promised end: two cores carry one
/// stack and its load, and two of them at once would measure each other.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// For a test that needs a stack and does not care how fast it is. As many of these run at once as the
/// test runner has threads, each on a stack of its own.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}
