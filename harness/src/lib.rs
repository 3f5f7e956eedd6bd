//! Stands the real components up, breaks them, records what happened and judges it.
//!
//! The system under test is only ever a child process to this crate: it shares the wire contract
//! with it and no code.

pub mod check;
pub mod component;
pub mod error;
pub mod fault;
pub mod image;
pub mod ledger;
pub mod observe;
pub mod provider;
pub mod seed;
pub mod stack;
pub mod store;
