//! Commits. What changes one task, which is nearly all there is, is one statement: one round trip, and no
//! transaction that a client which goes away midway leaves open. Everything else is a transaction.

mod events;
mod labels;
mod many;
mod one;
mod rows;
mod store;
