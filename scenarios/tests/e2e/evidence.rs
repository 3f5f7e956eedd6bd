//! What a test's runs leave for a look afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of a test's reports.
pub(crate) fn evidence(test: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(test)
}

/// That folder without what an earlier execution of the test left in it.
pub(crate) fn fresh_evidence(test: &str) -> PathBuf {
    let folder = evidence(test);
    let _ = fs::remove_dir_all(&folder);
    folder
}

pub(crate) fn read_report(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("latest/report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

/// The names of the providers that a report tells of, in its order.
pub(crate) fn providers(report: &Value) -> Vec<&str> {
    let providers = report["run"]["providers"].as_array().expect("providers");
    let names = providers.iter().map(|provider| provider["name"].as_str());
    names.map(|name| name.expect("a name")).collect()
}
