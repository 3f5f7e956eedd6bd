//! What a run writes down about itself, so that the next start can clean up after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::StateDir;
use super::process::Identity;
use crate::error::{StackError, StackErrorKind};

const OWNER_LOCK: &str = "owner.lock";
const RUN_FILE: &str = "run.json";
const CHILDREN_FILE: &str = "children.jsonl";
/// Names the container engine in which the run may have left something; not there where it cannot.
const CONTAINERS_FILE: &str = "containers";
/// Lies in a run's temporary directory. What does not hold it is not ours to remove.
const MARKER: &str = ".gauntlet-run";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// One run's entry. Its lock is held while the run lives, and the kernel lets go of it however the run
/// ends.
#[derive(Debug)]
pub(super) struct Registration {
    dir: PathBuf,
    children: Mutex<File>,
    _owner: File,
}

#[derive(Debug, Serialize, Deserialize)]
struct RunFile {
    run_id: String,
    /// Process ids and start times are only comparable within one boot.
    boot_id: String,
    temp: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChildLine {
    service: String,
    #[serde(flatten)]
    identity: Identity,
}

impl Registration {
    pub(super) fn open(state: &StateDir, run_id: &str, temp: &Path) -> Result<Self, StackError> {
        let runs = state.runs();
        let unfinished = runs.join(format!(".new-{run_id}"));
        let dir = runs.join(run_id);
        if dir.exists() {
            return Err(StackError::new(
                StackErrorKind::Config,
                format!("register run {run_id}, which is registered already"),
                "give each run an id of its own",
            ));
        }
        let write = || -> io::Result<(File, File)> {
            fs::create_dir_all(&unfinished)?;
            let owner = File::create(unfinished.join(OWNER_LOCK))?;
            owner.lock()?;
            let run = RunFile {
                run_id: run_id.to_owned(),
                boot_id: boot_id()?,
                temp: temp.into(),
            };
            fs::write(unfinished.join(RUN_FILE), serde_json::to_vec(&run)?)?;
            fs::write(temp.join(MARKER), run_id)?;
            let children = OpenOptions::new()
                .create(true)
                .append(true)
                .open(unfinished.join(CHILDREN_FILE))?;
            // A sweep that looks now must see a locked entry or none.
            fs::rename(&unfinished, &dir)?;
            Ok((owner, children))
        };
        let (owner, children) =
            write().map_err(|error| StackError::io("register the run in", &runs, error))?;
        Ok(Self {
            dir,
            children: Mutex::new(children),
            _owner: owner,
        })
    }

    pub(super) fn add(&self, service: &str, identity: Identity) -> Result<(), StackError> {
        let mut line = serde_json::to_vec(&ChildLine {
            service: service.to_owned(),
            identity,
        })
        .map_err(io::Error::from)
        .map_err(|error| StackError::io("register a child in", &self.dir, error))?;
        line.push(b'\n');
        // One write: a reader sees the whole line or nothing of it.
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children
            .write_all(&line)
            .map_err(|error| StackError::io("register a child in", &self.dir, error))
    }

    /// Written before there is any.
    pub(super) fn expect_containers(&self, engine: &str) -> Result<(), StackError> {
        let file = self.dir.join(CONTAINERS_FILE);
        fs::write(&file, engine)
            .map_err(|error| StackError::io("register containers in", &file, error))
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        gone_is_fine(fs::remove_dir_all(&self.dir))
    }
}

/// A run whose owner is dead. The lock is held, so that two sweeps do not do the same work.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) run_id: String,
    /// Only processes of this boot.
    pub(super) children: Vec<(String, Identity)>,
    /// The engine in which it may have left something.
    pub(super) engine: Option<String>,
    temp: PathBuf,
    dir: PathBuf,
    _owner: File,
}

impl Orphan {
    /// None where the run lives, or is not readable as one.
    pub(super) fn claim(dir: &Path) -> Option<Self> {
        let owner = File::open(dir.join(OWNER_LOCK)).ok()?;
        owner.try_lock().ok()?;
        let run: RunFile = serde_json::from_slice(&fs::read(dir.join(RUN_FILE)).ok()?).ok()?;
        let lines = fs::read_to_string(dir.join(CHILDREN_FILE)).unwrap_or_default();
        let same_boot = boot_id().is_ok_and(|now| now == run.boot_id);
        let children = lines
            .lines()
            // The last line may be torn: its writer was killed.
            .filter_map(|line| serde_json::from_str::<ChildLine>(line).ok())
            .filter(|_| same_boot)
            .map(|child| (child.service, child.identity))
            .collect();
        Some(Self {
            run_id: run.run_id,
            children,
            engine: fs::read_to_string(dir.join(CONTAINERS_FILE)).ok(),
            temp: run.temp,
            dir: dir.into(),
            _owner: owner,
        })
    }

    /// Removes the run's temporary directory and its entry; returns the directory if it was there.
    pub(super) fn remove(self) -> io::Result<Option<PathBuf>> {
        let removed = self.remove_files()?;
        gone_is_fine(fs::remove_dir_all(&self.dir))?;
        Ok(removed)
    }

    /// Where the run is written down.
    pub(super) fn entry(&self) -> &Path {
        &self.dir
    }

    /// Removes the run's temporary directory alone; returns it if it was there.
    pub(super) fn remove_files(&self) -> io::Result<Option<PathBuf>> {
        let ours = fs::read_to_string(self.temp.join(MARKER)).is_ok_and(|id| id == self.run_id);
        if ours {
            remove_marked(&self.temp)?;
        }
        Ok(ours.then(|| self.temp.clone()))
    }
}

/// Removes a run's temporary directory, its marker last: where something still writes into it and the
/// removal stops half way, the next sweep recognises what is left.
pub(super) fn remove_marked(temp: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(temp) else {
        return Ok(());
    };
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_name() != MARKER)
    {
        let path = entry.path();
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        gone_is_fine(removed)?;
    }
    gone_is_fine(fs::remove_dir_all(temp))
}

/// What is to be removed may be gone already.
pub(crate) fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string(BOOT_ID)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_directory_goes_with_everything_in_it() {
        let home = tempfile::tempdir().unwrap();
        let temp = home.path().join("run");
        fs::create_dir_all(temp.join("postgres/data")).unwrap();
        fs::write(temp.join("jwks.json"), "{}").unwrap();
        fs::write(temp.join(MARKER), "run").unwrap();
        remove_marked(&temp).unwrap();
        assert!(!temp.exists());
        remove_marked(&temp).unwrap();
    }
}
