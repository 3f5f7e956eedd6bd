//! Tasks of people who have used the system for years, made up by a seed: what a load finds when it begins.
//!
//! Nothing here talks to a database; [`seeding`](crate::component::seeding) puts them there.

mod people;
mod task;
mod text;
mod vocabulary;

pub use people::{People, SeedLabel};
pub use task::SeedTask;
pub(crate) use task::VERSION;
pub use vocabulary::{FREQUENT, RARE};
