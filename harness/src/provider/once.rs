use std::path::PathBuf;
use std::time::Duration;

use super::{Package, RunAs};

/// A program that does one thing and ends, such as `initdb`.
#[derive(Debug, Clone)]
pub struct OneShot {
    /// For messages: `initialise the data directory`.
    pub what: String,
    /// A file of this machine; of the image where there is a `package`.
    pub program: PathBuf,
    pub package: Option<Package>,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub working_dir: PathBuf,
    pub run_as: Option<RunAs>,
    pub log: PathBuf,
    pub within: Duration,
}
