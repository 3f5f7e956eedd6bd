//! Kafka's class archive (`AppCDS`): made once for each JVM, it halves the broker's start.
//!
//! Nothing depends on it: where making one fails, that is noted and the broker starts without.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::artifact::Artifact;
use super::cache::Cache;
use super::config::{StoreConfig, is_executable};
use super::digest::{self, FileStamp, hex};
use super::error::StoreError;
use super::kafka_dump;
use super::progress::Reporter;
use super::tool::Tool;

const VERSION_LIMIT: Duration = Duration::from_secs(20);
const KEY_DIGITS: usize = 16;

/// Finds `java`: an installation named by the user comes before the search path.
pub(super) fn java(config: &StoreConfig) -> Result<Tool, StoreError> {
    let preferred = config.java_home.as_ref().map(|home| home.join("bin/java"));
    match preferred.filter(|java| is_executable(java)) {
        Some(java) => Ok(Tool::at(config, "java", java)),
        None => Tool::find(
            config,
            &["java"],
            "install a Java runtime, 17 or newer (Debian: apt-get install default-jre-headless), or set JAVA_HOME",
        ),
    }
}

/// The archive that fits this Kafka and this JVM, made now if there is none.
pub(super) fn prepare(
    config: &StoreConfig,
    cache: &Cache,
    kafka: &Artifact,
    report: Reporter<'_>,
) -> Option<PathBuf> {
    match find_or_make(config, cache, kafka, report) {
        Ok(archive) => Some(archive),
        Err(error) => {
            report.note(&format!(
                "no class archive, the broker will start more slowly: failed to {error}"
            ));
            None
        }
    }
}

fn find_or_make(
    config: &StoreConfig,
    cache: &Cache,
    kafka: &Artifact,
    report: Reporter<'_>,
) -> Result<PathBuf, StoreError> {
    let java = java(config)?;
    let directory = cache.subdirectory("cds")?;
    let archive = directory.join(format!("kafka-{}.jsa", key(&java, kafka)?));
    if is_intact(&archive) {
        return Ok(archive);
    }
    let _guard = cache.lock(report)?;
    if is_intact(&archive) {
        return Ok(archive);
    }
    let since = Instant::now();
    report.started("recording Kafka's classes for a faster start");
    let scratch = cache.scratch("cds")?;
    let made = kafka_dump::make(&java, kafka, scratch.path())?;
    let size = publish(&made, &archive)?;
    report.finished("kafka class archive", size, since.elapsed());
    Ok(archive)
}

/// The JVM validates its own archive against its version and every jar, and ignores a misfit. The
/// key makes sure that there is one to fit: JVM, jars and their place.
fn key(java: &Tool, kafka: &Artifact) -> Result<String, StoreError> {
    let mut hasher = Sha256::new();
    hasher.update(jvm_identity(java)?);
    hasher.update(&kafka.provenance.sha256);
    hasher.update(kafka.entry.as_os_str().as_encoded_bytes());
    Ok(hex(&hasher.finalize())[..KEY_DIGITS].to_owned())
}

/// What the installation says of itself in its `release` file, else what `java -version` says.
fn jvm_identity(java: &Tool) -> Result<String, StoreError> {
    let real = fs::canonicalize(&java.path)
        .map_err(|error| StoreError::io("resolve", &java.path, error))?;
    let release = real
        .parent()
        .and_then(Path::parent)
        .map(|home| home.join("release"));
    if let Some(text) = release.and_then(|path| fs::read_to_string(path).ok()) {
        return Ok(format!("{}\n{text}", real.display()));
    }
    let mut command = java.command();
    command.arg("-version");
    Ok(java.lines(command, VERSION_LIMIT)?.join(
        "
",
    ))
}

fn publish(made: &Path, archive: &Path) -> Result<u64, StoreError> {
    let meta = made
        .metadata()
        .map_err(|error| StoreError::io("read", made, error))?;
    let stamp = FileStamp {
        path: String::new(),
        size: meta.len(),
        mtime_ns: digest::mtime_ns(&meta),
        sha256: digest::sha256_file(made)?,
        link: None,
    };
    let written = stamp_path(archive);
    let text = serde_json::to_vec(&stamp).unwrap_or_default();
    // The archive goes last: until its name is there the stamp means nothing.
    fs::write(&written, text).map_err(|error| StoreError::io("write", &written, error))?;
    fs::rename(made, archive).map_err(|error| StoreError::io("move to", archive, error))?;
    Ok(meta.len())
}

fn is_intact(archive: &Path) -> bool {
    let stamp = fs::read(stamp_path(archive))
        .ok()
        .and_then(|text| serde_json::from_slice::<FileStamp>(&text).ok());
    let (Some(stamp), Ok(meta)) = (stamp, archive.metadata()) else {
        return false;
    };
    if meta.len() != stamp.size {
        return false;
    }
    digest::mtime_ns(&meta) == stamp.mtime_ns
        || digest::sha256_file(archive).is_ok_and(|found| found == stamp.sha256)
}

fn stamp_path(archive: &Path) -> PathBuf {
    archive.with_extension("json")
}
