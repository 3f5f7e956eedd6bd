//! The cache's directories: entries that appear whole or not at all, scratch space that is swept, and
//! one lock for each component.
//!
//! ```text
//! <home>/components/<id>/<key>/files/…       what was obtained, read-only
//! <home>/components/<id>/<key>/entry.json    its provenance and the stamp of each file
//! <home>/cds/                                Kafka's class archives, one for each JVM
//! <home>/locks/<id>.lock                     held while the component is fetched
//! <home>/tmp/<id>-…/                         scratch; its lock says whether its owner still lives
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use gauntlet_reports::evidence::Provenance;
use serde::{Deserialize, Serialize};

use super::digest::{self, FileStamp};
use super::error::{StoreError, StoreErrorKind};
use super::id::ComponentId;
use super::progress::Reporter;

const RECORD: &str = "entry.json";
const FILES: &str = "files";

/// What `entry.json` holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) provenance: Provenance,
    pub(super) files: Vec<FileStamp>,
}

/// How closely a cached entry is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Size and modification time; a file where they differ is read.
    Stamp,
    /// Every file is read.
    Full,
}

#[derive(Debug, Clone)]
pub(super) struct Cache {
    home: PathBuf,
}

/// Holds a component's lock until dropped.
#[derive(Debug)]
pub(super) struct Guard {
    _file: File,
}

/// A directory of its own that goes away with its owner, or at the next start of anyone.
#[derive(Debug)]
pub(super) struct Scratch {
    directory: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

impl Cache {
    pub(super) fn new(home: PathBuf) -> Self {
        Self { home }
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn entry_dir(&self, id: ComponentId, key: &str) -> PathBuf {
        self.home.join("components").join(id.as_str()).join(key)
    }

    pub(super) fn files_dir(&self, id: ComponentId, key: &str) -> PathBuf {
        self.entry_dir(id, key).join(FILES)
    }

    pub(super) fn subdirectory(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.home.join(name);
        create_dir(&path)?;
        Ok(path)
    }

    /// Keys of the entries of `id` that begin with `prefix`, newest first.
    pub(super) fn keys(&self, id: ComponentId, prefix: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.entry_dir(id, "")) else {
            return Vec::new();
        };
        let mut found: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let modified = entry.metadata().and_then(|meta| meta.modified()).ok()?;
                name.starts_with(prefix).then_some((modified, name))
            })
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// Waits for the component's lock, and says so when somebody else has it.
    pub(super) fn lock(&self, report: Reporter<'_>) -> Result<Guard, StoreError> {
        let path = self
            .subdirectory("locks")?
            .join(format!("{}.lock", report.id));
        let file = open_lock(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                report.note("another run is fetching it: waiting for that one");
                file.lock()
                    .map_err(|error| StoreError::io("lock", &path, error))?;
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, error)),
        }
        Ok(Guard { _file: file })
    }

    /// Makes scratch space inside the home, so that the final rename stays on one file system.
    pub(super) fn scratch(&self, label: &str) -> Result<Scratch, StoreError> {
        let tmp = self.subdirectory("tmp")?;
        let _turn = sweep_turn(&tmp)?;
        let directory = tempfile::Builder::new()
            .prefix(&format!("{label}-"))
            .tempdir_in(&tmp)
            .map_err(|error| StoreError::io("create a directory in", &tmp, error))?
            .keep();
        let lock_path = directory.with_extension("lock");
        let lock = open_lock(&lock_path)?;
        lock.lock()
            .map_err(|error| StoreError::io("lock", &lock_path, error))?;
        Ok(Scratch {
            directory,
            lock_path,
            _lock: lock,
        })
    }

    /// Removes scratch space whose owner was killed: a build's caches are too large to leave behind.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let tmp = self.home.join("tmp");
        if !tmp.is_dir() {
            return Ok(());
        }
        let _turn = sweep_turn(&tmp)?;
        let entries = fs::read_dir(&tmp).map_err(|error| StoreError::io("list", &tmp, error))?;
        for path in entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
        {
            let lock_path = path.with_extension("lock");
            let owner_lives = File::open(&lock_path).is_ok_and(|lock| lock.try_lock().is_err());
            if !owner_lives {
                remove_tree(&path)?;
                let _ = fs::remove_file(&lock_path);
            }
        }
        Ok(())
    }

    /// Loads an entry and compares it with its record. `Ok(None)`: there is none.
    pub(super) fn load(
        &self,
        id: ComponentId,
        key: &str,
        depth: Depth,
    ) -> Result<Option<Record>, StoreError> {
        let directory = self.entry_dir(id, key);
        let path = directory.join(RECORD);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(_) if !directory.exists() => return Ok(None),
            Err(error) => return Err(corrupt(&path, "its record cannot be read").because(error)),
        };
        let mut record: Record = serde_json::from_slice(&text)
            .map_err(|error| corrupt(&path, "its record is not readable").because(error))?;
        if digest::tree_sha256(&record.files) != record.provenance.sha256 {
            return Err(corrupt(&path, "its record contradicts itself"));
        }
        let mut touched = false;
        for stamp in &mut record.files {
            touched |= check_file(&directory.join(FILES), stamp, depth)?;
        }
        if touched {
            // Only a convenience: without it the files are read again next time.
            let _ = write_record(&directory, &record);
        }
        Ok(Some(record))
    }

    /// Puts `files` (a directory in scratch space) in place under `key` in one step.
    pub(super) fn publish(
        &self,
        scratch: &Scratch,
        files: &Path,
        id: ComponentId,
        key: &str,
        provenance: Provenance,
    ) -> Result<Record, StoreError> {
        let staged = scratch.path().join("entry");
        create_dir(&staged)?;
        seal(files)?;
        let placed = staged.join(FILES);
        fs::rename(files, &placed).map_err(|error| StoreError::io("move to", &placed, error))?;
        let mut record = Record {
            provenance,
            files: digest::stamp_tree(&placed)?,
        };
        let target = self.entry_dir(id, key);
        record.provenance.sha256 = digest::tree_sha256(&record.files);
        record.provenance.size_bytes = record.files.iter().map(|stamp| stamp.size).sum();
        record.provenance.path = target.join(FILES).display().to_string();
        write_record(&staged, &record)?;
        create_dir(&self.entry_dir(id, ""))?;
        self.discard(scratch, id, key)?;
        fs::rename(&staged, &target).map_err(|error| StoreError::io("move to", &target, error))?;
        Ok(record)
    }

    /// Takes an entry out of the way in one step, so that nobody sees half of one.
    pub(super) fn discard(
        &self,
        scratch: &Scratch,
        id: ComponentId,
        key: &str,
    ) -> Result<(), StoreError> {
        let target = self.entry_dir(id, key);
        if !target.exists() {
            return Ok(());
        }
        let aside = scratch.path().join("discarded");
        fs::rename(&target, &aside).map_err(|error| StoreError::io("move away", &target, error))?;
        remove_tree(&aside)
    }
}

impl Scratch {
    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    pub(super) fn subdirectory(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.directory.join(name);
        create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is swept at the next start.
        let _ = remove_tree(&self.directory);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Compares one file; true where its stamp was brought up to date after reading it.
fn check_file(root: &Path, stamp: &mut FileStamp, depth: Depth) -> Result<bool, StoreError> {
    let path = root.join(&stamp.path);
    let meta = path
        .symlink_metadata()
        .map_err(|error| corrupt(&path, "it is gone").because(error))?;
    if let Some(target) = &stamp.link {
        return match fs::read_link(&path) {
            Ok(found) if found == *target => Ok(false),
            _ => Err(corrupt(&path, "it points elsewhere")),
        };
    }
    if meta.len() != stamp.size {
        let why = format!(
            "it has {} bytes where {} were stored",
            meta.len(),
            stamp.size
        );
        return Err(corrupt(&path, &why));
    }
    let mtime_ns = digest::mtime_ns(&meta);
    if depth == Depth::Stamp && mtime_ns == stamp.mtime_ns {
        return Ok(false);
    }
    if digest::sha256_file(&path)? != stamp.sha256 {
        return Err(corrupt(&path, "its checksum is wrong"));
    }
    let moved = mtime_ns != stamp.mtime_ns;
    stamp.mtime_ns = mtime_ns;
    Ok(moved)
}

fn corrupt(path: &Path, why: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("use the cached {}: {why}", path.display()),
        "`gauntlet fetch` replaces it",
    )
}

fn write_record(directory: &Path, record: &Record) -> Result<(), StoreError> {
    let path = directory.join(RECORD);
    let failed = |error| StoreError::io("write", &path, error);
    let text = serde_json::to_vec_pretty(record).map_err(|error| failed(error.into()))?;
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    std::io::Write::write_all(&mut file, &text).map_err(failed)?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))
        .map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Readable by every user and writable by none: components run under other users, and hard links
/// into a run's folder share these modes.
fn seal(directory: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("set the mode in", directory, error);
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let meta = path.symlink_metadata().map_err(failed)?;
        if meta.is_dir() {
            seal(&path)?;
        } else if !meta.is_symlink() {
            let mode = if meta.permissions().mode() & 0o111 == 0 {
                0o444
            } else {
                0o555
            };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        }
    }
    Ok(())
}

pub(super) fn create_dir(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|error| StoreError::io("create", path, error))
}

pub(super) fn remove_tree(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if path.exists() => Err(StoreError::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn open_lock(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| StoreError::io("open", path, error))
}

/// Between creating scratch space and locking it nobody may sweep.
fn sweep_turn(tmp: &Path) -> Result<Guard, StoreError> {
    let path = tmp.join(".sweep");
    let file = open_lock(&path)?;
    file.lock()
        .map_err(|error| StoreError::io("lock", &path, error))?;
    Ok(Guard { _file: file })
}
