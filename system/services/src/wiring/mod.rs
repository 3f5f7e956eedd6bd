//! The one place where adapters are constructed and ports are connected.

mod bus;
mod migrate;
mod parts;
mod process;
mod roles;
mod stores;

pub use migrate::migrate_back;
pub use process::wire;
