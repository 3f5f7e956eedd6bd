//! Kafka's class archive (`AppCDS`): made once for each JVM, it halves the broker's start.
//!
//! Nothing depends on it: where making one fails, that is noted and the broker starts without.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::artifact::Artifact;
use super::cache::{Cache, Depth};
use super::config::StoreConfig;
use super::digest::{self, FileStamp, hex};
use super::error::StoreError;
use super::java;
use super::kafka_dump;
use super::progress::Reporter;
use super::tool::Tool;

const KEY_DIGITS: usize = 16;

/// The archive that fits this Kafka and this JVM, made now if there is none.
pub(super) fn prepare(
    config: &StoreConfig,
    cache: &Cache,
    kafka: &Artifact,
    depth: Depth,
    report: Reporter<'_>,
) -> Option<PathBuf> {
    match find_or_make(config, cache, kafka, depth, report) {
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
    depth: Depth,
    report: Reporter<'_>,
) -> Result<PathBuf, StoreError> {
    let java = java::find(config)?;
    let directory = cache.subdirectory("cds")?;
    let archive = directory.join(format!("kafka-{}.jsa", key(&java, kafka)?));
    if is_intact(&archive, depth) {
        return Ok(archive);
    }
    let _guard = cache.lock(report)?;
    if is_intact(&archive, depth) {
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
    hasher.update(java::identity(java)?);
    hasher.update(&kafka.provenance.sha256);
    hasher.update(kafka.entry.as_os_str().as_encoded_bytes());
    Ok(hex(&hasher.finalize())[..KEY_DIGITS].to_owned())
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

fn is_intact(archive: &Path, depth: Depth) -> bool {
    let stamp = fs::read(stamp_path(archive))
        .ok()
        .and_then(|text| serde_json::from_slice::<FileStamp>(&text).ok());
    let (Some(stamp), Ok(meta)) = (stamp, archive.metadata()) else {
        return false;
    };
    if meta.len() != stamp.size {
        return false;
    }
    (depth == Depth::Stamp && digest::mtime_ns(&meta) == stamp.mtime_ns)
        || digest::sha256_file(archive).is_ok_and(|found| found == stamp.sha256)
}

fn stamp_path(archive: &Path) -> PathBuf {
    archive.with_extension("json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_change_of_the_archive_behind_its_stamp_is_found_at_full_depth() {
        let dir = tempfile::tempdir().unwrap();
        let (made, archive) = (dir.path().join("made"), dir.path().join("kafka.jsa"));
        fs::write(&made, "classes").unwrap();
        publish(&made, &archive).unwrap();
        assert!(is_intact(&archive, Depth::Full));

        let stored = archive.metadata().unwrap().modified().unwrap();
        fs::write(&archive, "clasSes").unwrap();
        let file = fs::File::options().write(true).open(&archive).unwrap();
        file.set_modified(stored).unwrap();
        assert!(is_intact(&archive, Depth::Stamp));
        assert!(!is_intact(&archive, Depth::Full));
    }
}
