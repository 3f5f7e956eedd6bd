//! In-memory fakes and contract suites.

pub mod invocation;
pub mod messaging;
pub mod secrets;
pub mod state;
pub mod storage;
