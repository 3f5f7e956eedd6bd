//! What the report says of the machine and of the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use gauntlet_reports::evidence::Host;
use nix::sys::utsname::uname;

/// Describes this machine. What cannot be read is shown as `unknown`, never guessed.
pub fn describe() -> Host {
    Host {
        os: os_name().unwrap_or_else(unknown),
        kernel: uname().map_or_else(
            |_| unknown(),
            |names| names.release().to_string_lossy().into_owned(),
        ),
        cpu: cpu_name().unwrap_or_else(unknown),
        cores: std::thread::available_parallelism()
            .map_or(0, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory_bytes().unwrap_or(0),
    }
}

/// The commit that is checked out, and whether the tree differs from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkout {
    pub root: Option<PathBuf>,
    pub commit: Option<String>,
    pub dirty: bool,
}

impl Checkout {
    /// The checkout that this binary was built from, when it is still there.
    pub fn find() -> Self {
        let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
            return Self::default();
        };
        if !root.join("Cargo.lock").is_file() {
            return Self::default();
        }
        Self {
            root: Some(root.to_owned()),
            commit: git(root, &["rev-parse", "HEAD"]),
            dirty: git(root, &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty()),
        }
    }
}

fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(args)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn os_name() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches('"').to_owned())
}

fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn unknown() -> String {
    "unknown".to_owned()
}
