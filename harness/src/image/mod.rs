//! The container images that services run from: which one serves, and building local ones.
//!
//! Official images are the default. Where no registry can be reached, local equivalents take their place,
//! built from what the component store holds, never under an official name. `images/README.md` says what
//! an image has to offer to whoever runs it; Dockerfiles lie beside that.

mod closure;
mod config;
mod contents;
mod context;
mod dockerfile;
mod images;
mod local;
mod part;
mod reference;
mod rootfs;
mod run;
mod stream;
mod tree;
mod versions;

pub use config::ImageConfig;
pub use context::Context;
pub use images::{Image, Images};
pub use local::Built;
pub use part::Part;
