//! Package clients: Maven and pip. They know their registries; we name packages and versions only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::release::wrong_sum;
use crate::store::build_files;
use crate::store::cache::create_dir;
use crate::store::config::StoreConfig;
use crate::store::digest::{self, sha256_file};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::manifest::Package;
use crate::store::progress::Reporter;
use crate::store::tool::Tool;
use crate::store::unpack::unpack;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// 60 MB and some plugins on a slow link.
const MAVEN_LIMIT: Duration = Duration::from_mins(8);
const PIP_LIMIT: Duration = Duration::from_mins(3);

pub(in crate::store) fn maven_client(config: &StoreConfig) -> Result<Tool, StoreError> {
    let mend = "install Maven (Debian: apt-get install maven)";
    Tool::find(config, &["mvn"], mend)
}

pub(in crate::store) fn pip_client(config: &StoreConfig) -> Result<Tool, StoreError> {
    let mend = "install pip (Debian: apt-get install python3-pip)";
    Tool::find(config, &["pip3", "pip"], mend)
}

/// Lets Maven fetch the package into a repository of its own, which goes away with `scratch`.
pub(in crate::store) fn maven(
    config: &StoreConfig,
    package: &Package,
    scratch: &Path,
    to: &Path,
    report: Reporter<'_>,
) -> Result<String, StoreError> {
    let tool = maven_client(config)?;
    let pom = scratch.join("pom.xml");
    let text = build_files::pom(package.pom.as_deref().unwrap_or_default())?;
    fs::write(&pom, text).map_err(|error| StoreError::io("write", &pom, error))?;
    let downloads = scratch.join("downloads");
    report.started(&format!("fetching {} with Maven", package.coordinates));
    let mut command = tool.command();
    command
        .args(["-B", "-q", "-f"])
        .arg(&pom)
        .arg(format!(
            "-Dmaven.repo.local={}",
            scratch.join("repository").display()
        ))
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", downloads.display()));
    run_watched(&tool, command, MAVEN_LIMIT, scratch, report)?;
    accept(package, &downloads, to, report)?;
    Ok(format!(
        "Maven package {}, {}",
        package.coordinates,
        verified_against(package)
    ))
}

/// Lets pip download the wheel, which is then unpacked here: nothing is installed.
pub(in crate::store) fn pip(
    config: &StoreConfig,
    package: &Package,
    scratch: &Path,
    to: &Path,
    report: Reporter<'_>,
) -> Result<String, StoreError> {
    let tool = pip_client(config)?;
    let downloads = scratch.join("downloads");
    report.started(&format!("fetching {} with pip", package.coordinates));
    let mut command = tool.command();
    command
        .args([
            "download",
            "--quiet",
            "--no-cache-dir",
            "--disable-pip-version-check",
        ])
        .args(["--no-deps", "--only-binary=:all:", "--dest"])
        .arg(&downloads)
        .arg(&package.coordinates);
    run_watched(&tool, command, PIP_LIMIT, &downloads, report)?;
    accept(package, &downloads, to, report)?;
    Ok(format!(
        "PyPI wheel {}, {}",
        package.coordinates,
        verified_against(package)
    ))
}

/// Package clients tell nothing that can be counted; what has arrived on the disk can.
fn run_watched(
    tool: &Tool,
    command: Command,
    limit: Duration,
    arrivals: &Path,
    report: Reporter<'_>,
) -> Result<(), StoreError> {
    let mut looked = Instant::now();
    tool.run(command, limit, &mut |_| {
        if looked.elapsed() >= LOOK_EVERY {
            report.bytes(digest::tree_size(arrivals), None);
            looked = Instant::now();
        }
    })
}

/// Verifies what the client left, unpacks it, and verifies the result where its sum is pinned.
fn accept(
    package: &Package,
    downloads: &Path,
    to: &Path,
    report: Reporter<'_>,
) -> Result<(), StoreError> {
    create_dir(downloads)?;
    let files = files_in(downloads)?;
    let size = digest::tree_size(downloads);
    report.bytes(size, Some(size));
    if let Some(expected) = &package.archive_sha256 {
        let [file] = files.as_slice() else {
            return Err(unexpected(package, files.len()));
        };
        let found = sha256_file(file)?;
        if found != *expected {
            return Err(wrong_sum(&package.coordinates, expected, &found));
        }
    }
    unpack(&package.unpack, &files, to)?;
    if let Some(expected) = &package.tree_sha256 {
        let found = digest::tree_sha256(&digest::stamp_tree(to)?);
        if found != *expected {
            return Err(wrong_sum(
                &format!("the files of {}", package.coordinates),
                expected,
                &found,
            ));
        }
    }
    Ok(())
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::io("list", directory, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        files.push(entry.map_err(failed)?.path());
    }
    files.sort();
    Ok(files)
}

fn verified_against(package: &Package) -> &'static str {
    if package.archive_sha256.is_some() {
        "verified against the SHA-256 pinned for the package"
    } else {
        "verified against the SHA-256 pinned for its files"
    }
}

fn unexpected(package: &Package, count: usize) -> StoreError {
    StoreError::new(
        StoreErrorKind::BrokenDownload,
        format!(
            "fetch {}: one file was expected, {count} arrived",
            package.coordinates
        ),
        "run `gauntlet fetch` again",
    )
}
