//! The generator and its client against a small server on a thread of its own.

mod api;
mod load;
mod outcomes;
mod stall;
