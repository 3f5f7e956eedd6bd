//! Stacks that `up` left running, as the other commands find them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::StackDescription;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::session::state_dir;

/// What the holder of a stack writes once it is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub id: String,
    /// The process that holds the stack; it stops it on SIGTERM.
    pub holder_pid: i32,
    /// Bearer token of a made-up user, to try the API with.
    pub token: String,
    pub stack: StackDescription,
}

/// Where a held stack's files are.
#[derive(Debug, Clone)]
pub(super) struct HeldPaths {
    folder: PathBuf,
}

impl HeldPaths {
    pub(super) fn of(id: &str) -> Result<Self> {
        Ok(Self {
            folder: stacks_folder()?.join(id),
        })
    }

    pub(super) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Written when the stack is ready.
    pub(super) fn description(&self) -> PathBuf {
        self.folder.join("stack.json")
    }

    /// What the holder printed, which is why a start failed.
    pub(super) fn holder_log(&self) -> PathBuf {
        self.folder.join("holder.log")
    }

    /// Where the holder answers with the stack's present state.
    pub(super) fn control(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    /// Locked for as long as the holder lives.
    pub(super) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }
}

fn stacks_folder() -> Result<PathBuf> {
    Ok(state_dir()?.stacks())
}

/// Claims a held stack's lock for this process's life.
pub(super) fn claim(paths: &HeldPaths) -> Result<Flock<fs::File>> {
    let file = fs::File::create(paths.lock()).context("failed to make the stack's lock")?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, error)| anyhow::anyhow!("failed to lock the stack's folder: {error}"))
}

/// The stacks whose holder lives, oldest first. What dead holders left is removed; their processes
/// died with them.
pub(super) fn all() -> Result<Vec<Held>> {
    let Ok(entries) = fs::read_dir(stacks_folder()?) else {
        return Ok(Vec::new());
    };
    let mut ids: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    ids.sort();
    let mut held = Vec::new();
    for id in ids {
        let paths = HeldPaths::of(&id)?;
        if holder_is_gone(&paths) {
            fs::remove_dir_all(paths.folder())
                .with_context(|| format!("failed to remove {}", paths.folder().display()))?;
        } else if let Ok(text) = fs::read_to_string(paths.description()) {
            held.push(serde_json::from_str(&text).context("failed to read a stack's description")?);
        }
    }
    Ok(held)
}

/// The stack of that id, or the only one.
pub(super) fn one(id: Option<&str>) -> Result<Held> {
    let mut held = all()?;
    if let Some(id) = id {
        held.retain(|stack| stack.id == id);
    }
    match held.len() {
        0 => match id {
            Some(id) => bail!("no stack {id} is up; `gauntlet status` lists them"),
            None => bail!("no stack is up; `gauntlet up` starts one"),
        },
        1 => Ok(held.remove(0)),
        _ => {
            let ids: Vec<&str> = held.iter().map(|stack| stack.id.as_str()).collect();
            bail!("several stacks are up, name one of: {}", ids.join(", "))
        }
    }
}

/// The kernel frees the lock however its holder ends, so whoever gets it knows that nobody holds.
pub(super) fn holder_is_gone(paths: &HeldPaths) -> bool {
    let Ok(file) = fs::File::open(paths.lock()) else {
        // Not locked yet: its holder is about to start, or never did.
        return !paths.folder().join("starting").exists();
    };
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok()
}

/// Asks a holder to stop its stack. One that is gone already is no error.
pub(super) fn terminate(pid: i32) -> Result<()> {
    match kill(Pid::from_raw(pid), Signal::SIGTERM) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).context("failed to signal the stack's holder"),
    }
}
