//! The sources that fetch or build; each leaves its result in a directory of scratch space.

pub(super) mod go;
pub(super) mod installed;
pub(super) mod package;
pub(super) mod release;
pub(super) mod toolchain;
mod transfer;
