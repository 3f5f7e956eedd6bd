//! The one place where adapters are constructed and ports are connected.

mod bus;
mod parts;
mod process;
mod roles;
mod stores;

pub use process::wire;
