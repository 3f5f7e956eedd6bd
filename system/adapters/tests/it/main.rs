//! The messaging contract on real brokers, and what only a real broker can show.
//!
//! The brokers are named by `GAUNTLET_TEST_KAFKA` (`host:port`) and `GAUNTLET_TEST_REDIS`
//! (`redis://host:port`). Without them these tests fail: whoever turns `contract-real` on wants
//! an answer about real brokers, and a skipped test is none.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as the tests' assertions do"
)]

mod kafka;
mod redis;
mod support;
