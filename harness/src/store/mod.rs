//! The component store: finds, fetches or builds the real components, verifies them and keeps them.
//!
//! What holds here: nothing appears in the cache before it is whole and verified; nothing from the
//! cache is handed out unchecked; a filled cache is used without network and without any client; no
//! registry's address is known to this code.
//!
//! A Go-built entry is keyed by its module's files, the flags and the Go version. An entry of the same
//! inputs built by another Go is still used, and said so: offline beats new, and the evidence names
//! the compiler.

mod artifact;
mod build_files;
mod cache;
mod cancel;
mod class_archive;
mod config;
mod digest;
mod error;
mod fetch;
mod id;
mod java;
mod kafka_dump;
mod key;
mod lacking;
mod manifest;
mod obtain;
mod progress;
mod reach;
mod source;
mod status;
mod tool;
mod unpack;

#[cfg(test)]
mod tests;

pub use artifact::Artifact;
pub use cancel::Cancel;
pub use config::StoreConfig;
pub use error::{StoreError, StoreErrorKind};
pub use id::ComponentId;
pub use manifest::Manifest;
pub use obtain::Store;
pub use progress::{Progress, Silent};
pub use status::{Availability, ComponentStatus};
