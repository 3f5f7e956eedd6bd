//! Sums over files and trees, and the cheap stamp that saves reading them again.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::StoreError;

const BUFFER_BYTES: usize = 1 << 16;

/// One file of a cache entry, as it was when it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileStamp {
    /// Relative to the entry, with `/` between its parts.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    /// Lower-case hex; of a symbolic link: the sum of its target's text.
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<PathBuf>,
}

/// The SHA-256 of a file, in lower-case hex.
pub(super) fn sha256_file(path: &Path) -> Result<String, StoreError> {
    hash_file::<Sha256>(path)
}

pub(super) fn hash_file<D: Digest>(path: &Path) -> Result<String, StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = D::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

pub(super) fn mtime_ns(meta: &fs::Metadata) -> i64 {
    meta.mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(meta.mtime_nsec())
}

/// Stamps every file and link below `root`, sorted by path.
pub(super) fn stamp_tree(root: &Path) -> Result<Vec<FileStamp>, StoreError> {
    let mut stamps = Vec::new();
    visit(root, root, &mut stamps)?;
    stamps.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(stamps)
}

fn visit(root: &Path, directory: &Path, stamps: &mut Vec<FileStamp>) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("list", directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let meta = path.symlink_metadata().map_err(failed)?;
        if meta.is_dir() {
            visit(root, &path, stamps)?;
            continue;
        }
        let (sha256, link) = if meta.is_symlink() {
            let target = fs::read_link(&path).map_err(failed)?;
            (
                hex(&Sha256::digest(target.as_os_str().as_encoded_bytes())),
                Some(target),
            )
        } else {
            (sha256_file(&path)?, None)
        };
        let relative = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        stamps.push(FileStamp {
            path: relative,
            size: meta.len(),
            mtime_ns: mtime_ns(&meta),
            sha256,
            link,
        });
    }
    Ok(())
}

/// One sum for the tree: of the file itself where there is one, else over `sha256sum`'s own lines.
pub(super) fn tree_sha256(stamps: &[FileStamp]) -> String {
    if let [only] = stamps {
        return only.sha256.clone();
    }
    let mut hasher = Sha256::new();
    for stamp in stamps {
        hasher.update(format!("{}  {}\n", stamp.sha256, stamp.path));
    }
    hex(&hasher.finalize())
}

/// The total size in bytes of the files below `root`; what cannot be read counts nothing.
pub(super) fn tree_size(root: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(root) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => tree_size(&entry.path()),
            _ => entry.metadata().map_or(0, |meta| meta.len()),
        })
        .sum()
}
