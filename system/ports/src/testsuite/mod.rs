//! In-memory fakes and contract suites.

pub mod messaging;
pub mod storage;
