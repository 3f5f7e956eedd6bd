//! The plans of the real components, and the few words that the harness has to speak to each of them.
//!
//! A plan is made from an artifact of the store and a [`Site`]. What costs seconds and comes out the same
//! each time, an empty database cluster or a formatted log directory, is made once and copied.

pub mod dapr;
pub(crate) mod digest;
mod files;
pub mod kafka;
mod kafka_admin;
pub(crate) mod page_cache;
pub mod postgres;
mod postgres_data;
pub mod redis;
pub mod rewind;
mod runnable;
pub mod seeding;
pub(crate) mod site;
pub mod system;
mod template;
mod tree;

pub use files::ComponentFiles;
pub(crate) use files::MountedFiles;
pub use runnable::{Origin, Runnable};
pub use site::{Listener, Site};
