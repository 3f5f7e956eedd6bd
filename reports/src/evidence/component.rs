use serde::{Deserialize, Serialize};

/// Where a component came from, so that a reader can get the very same one.
///
/// Of an image `path` is its reference, `sha256` the engine's id of it and `size_bytes` its size there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    pub name: String,
    pub version: String,
    /// The kind of source that answered: `configured path`, `PATH`, `official release`, `maven`,
    /// `image` …
    pub source: String,
    /// How it was obtained or built, in a sentence.
    pub how: String,
    /// SHA-256 of the executable, or of the sorted list of files and their sums.
    pub sha256: String,
    pub size_bytes: u64,
    pub path: String,
}

/// A component as a run used it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    #[serde(flatten)]
    pub provenance: Provenance,
    /// The provider that ran it. Empty in older reports, whose run had one.
    #[serde(default)]
    pub provider: String,
}
