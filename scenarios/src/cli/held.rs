//! Stacks that `up` left running, as the other commands find them.
//!
//! A stack's folder is owned by whoever has its lock: the `up` that starts the stack, which passes the
//! locked file on to the holder. The kernel frees the lock when both are gone, however they end. Who looks
//! asks for a shared lock only, so that looking never gets in an owner's way.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::{StackDescription, StackKind};
use serde::{Deserialize, Serialize};

use super::aside::Aside;
use super::session::state_dir;
use crate::console::Console;

/// Taken, for a moment, to make a stack's folder or to remove those of the dead: a folder that is just
/// being made looks like a dead one.
const TURN: &str = ".turn";

/// The place of all stacks.
#[derive(Debug)]
pub(super) struct Stacks {
    folder: PathBuf,
    aside: Aside,
    /// Hears of dead stacks that are cleaned up on the way.
    console: Console,
}

/// A stack's folder that this process owns.
#[derive(Debug)]
pub(super) struct Claim {
    pub paths: HeldPaths,
    lock: File,
}

/// A stack whose folder somebody owns.
#[derive(Debug)]
pub(super) struct Held {
    pub paths: HeldPaths,
    /// Tells of the owner's end even after the folder is gone.
    lock: File,
}

/// What is written down of a stack, by `up` at first and by the holder from then on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub kind: StackKind,
    /// The process that holds the stack, which stops it on SIGTERM. None until that has begun.
    pub holder_pid: Option<i32>,
    pub phase: Phase,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Phase {
    Starting,
    Up {
        /// Bearer token of a made-up user, to try the API with.
        token: String,
        stack: StackDescription,
    },
    Stopping,
}

/// Where a held stack's files are.
#[derive(Debug, Clone)]
pub(super) struct HeldPaths {
    pub id: String,
    folder: PathBuf,
}

impl HeldPaths {
    pub(super) fn of(id: &str, folder: PathBuf) -> Self {
        let id = id.to_owned();
        Self { id, folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the stack still stands in its folder: its owner removes that before it ends.
    pub(super) fn is_described(&self) -> bool {
        self.record().is_file()
    }

    fn record(&self) -> PathBuf {
        self.folder.join("stack.json")
    }

    /// What the holder printed, which is why a start failed.
    pub(super) fn holder_log(&self) -> PathBuf {
        self.folder.join("holder.log")
    }

    /// Where the holder of a stack that is up answers with its present state.
    pub(super) fn control(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// The files that mean nothing once the stack is dead.
    pub(super) fn besides_logs(&self) -> [PathBuf; 4] {
        [self.record(), self.draft(), self.control(), self.lock()]
    }

    fn draft(&self) -> PathBuf {
        self.folder.join("stack.json.draft")
    }

    pub(super) fn read(&self) -> Result<Record> {
        let path = self.record();
        let text = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("failed to understand {}", path.display()))
    }

    /// In one step: who reads meanwhile gets the old record or the new one.
    pub(super) fn write(&self, record: &Record) -> Result<()> {
        let draft = self.draft();
        fs::write(&draft, serde_json::to_vec_pretty(record)?)
            .and_then(|()| fs::rename(&draft, self.record()))
            .context("failed to describe the stack")
    }

    /// Removes the folder. Another command may be at it too.
    pub(super) fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Claim {
    /// The locked file, for the process that is to own the folder beside this one.
    pub(super) fn share(&self) -> io::Result<Stdio> {
        self.lock.try_clone().map(Stdio::from)
    }
}

impl Held {
    /// Whether no owner lives any more.
    pub(super) fn is_gone(&self) -> Result<bool> {
        match self.lock.try_lock_shared() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error).context("failed to look at a lock"),
        }
    }
}

impl Stacks {
    pub(super) fn here(console: Console) -> Result<Self> {
        let state = state_dir()?;
        Ok(Self {
            folder: state.stacks(),
            aside: Aside::at(state.failed_stacks()),
            console,
        })
    }

    pub(super) fn paths(&self, id: &str) -> HeldPaths {
        HeldPaths::of(id, self.folder.join(id))
    }

    /// Makes a stack's folder, owned by this process, with the record of a start.
    pub(super) fn claim(&self, id: &str, kind: StackKind) -> Result<Claim> {
        let paths = self.paths(id);
        let own = || -> io::Result<File> {
            fs::create_dir(&paths.folder)?;
            let lock = File::create_new(paths.lock())?;
            lock.lock()?;
            Ok(lock)
        };
        let unmade = || format!("failed to make {}", paths.folder.display());
        fs::create_dir_all(&self.folder).with_context(unmade)?;
        // Until the record is there, so that nobody sees an owner without one.
        let _turn = self.turn().with_context(unmade)?;
        let lock = own().with_context(unmade)?;
        paths.write(&Record {
            kind,
            holder_pid: None,
            phase: Phase::Starting,
        })?;
        Ok(Claim { paths, lock })
    }

    /// Removes what a dead stack left, but for its logs; answers where those are now, if it had any.
    pub(super) fn bury(&self, dead: &HeldPaths) -> Result<Option<PathBuf>> {
        self.aside.take(dead)
    }

    /// The same of a stack that died unseen, which a person is to learn of.
    pub(super) fn bury_aloud(&self, dead: &HeldPaths) -> Result<()> {
        if let Some(logs) = self.bury(dead)? {
            self.console.note(&format!(
                "cleaned up after stack {}, which had died; its logs: {}",
                dead.id,
                logs.display()
            ));
        }
        Ok(())
    }

    /// The stacks that have an owner, by their ids. What others left is cleaned up; their processes died
    /// with them.
    pub(super) fn all(&self) -> Result<Vec<Held>> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let _turn = self.turn().context("failed to lock the stacks' folder")?;
        let mut ids: Vec<String> = fs::read_dir(&self.folder)
            .context("failed to look for stacks")?
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        ids.sort();
        let mut living = Vec::new();
        for id in ids {
            let paths = self.paths(&id);
            match Self::owned(&paths)? {
                Some(held) => living.push(held),
                None => self.bury_aloud(&paths)?,
            }
        }
        Ok(living)
    }

    /// The stack of that id, or the only one.
    pub(super) fn one(&self, id: Option<&str>) -> Result<Held> {
        let mut held = self.all()?;
        if let Some(id) = id {
            held.retain(|stack| stack.paths.id == id);
        }
        match held.len() {
            0 => match id {
                Some(id) => bail!("no stack {id} is up; `gauntlet status` lists them"),
                None => bail!("no stack is up; `gauntlet up` starts one"),
            },
            1 => Ok(held.remove(0)),
            _ => {
                let ids: Vec<&str> = held.iter().map(|stack| stack.paths.id.as_str()).collect();
                bail!("several stacks are up, name one of: {}", ids.join(", "))
            }
        }
    }

    fn owned(paths: &HeldPaths) -> Result<Option<Held>> {
        // An owner locks it before anybody may look.
        let Ok(lock) = File::open(paths.lock()) else {
            return Ok(None);
        };
        let held = Held {
            paths: paths.clone(),
            lock,
        };
        Ok((!held.is_gone()?).then_some(held))
    }

    fn turn(&self) -> io::Result<File> {
        let turn = File::create(self.folder.join(TURN))?;
        turn.lock()?;
        Ok(turn)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::console::Verbosity;

    fn stacks(dir: &tempfile::TempDir) -> Stacks {
        Stacks {
            folder: dir.path().join("stacks"),
            aside: Aside::at(dir.path().join("failed-stacks")),
            console: Console::detect(Verbosity::Quiet),
        }
    }

    fn ids(stacks: &Stacks) -> Vec<String> {
        let all = stacks.all().expect("a list");
        all.into_iter().map(|held| held.paths.id).collect()
    }

    #[test]
    fn a_folder_without_an_owner_is_removed_whatever_is_in_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let stacks = stacks(&dir);
        drop(stacks.claim("up-1", StackKind::Light).expect("claimed"));
        fs::create_dir(stacks.folder.join("up-2")).expect("a folder without a lock");
        let living = stacks.claim("up-3", StackKind::Light).expect("claimed");
        assert_eq!(ids(&stacks), ["up-3"]);
        assert!(!stacks.folder.join("up-1").exists());
        assert!(!stacks.folder.join("up-2").exists());
        assert!(living.paths.folder().exists());
    }

    #[test]
    fn looking_never_takes_a_claim_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let stacks = stacks(&dir);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _looker in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        ids(&stacks);
                    }
                });
            }
            let claims = scope.spawn(|| {
                for number in 0..500 {
                    let id = format!("up-{number}");
                    let claim = stacks.claim(&id, StackKind::Light).expect("claimed");
                    assert_eq!(ids(&stacks), [id], "it is taken for dead");
                    assert!(claim.paths.read().is_ok(), "its files are removed");
                }
            });
            let outcome = claims.join();
            done.store(true, Ordering::Relaxed);
            outcome.expect("no claim is lost");
        });
        assert_eq!(ids(&stacks), Vec::<String>::new());
    }

    #[test]
    fn the_holder_owns_the_folder_after_the_starter_is_gone() {
        let dir = tempfile::tempdir().expect("a folder");
        let stacks = stacks(&dir);
        let starter = stacks.claim("up-1", StackKind::Light).expect("claimed");
        let mut holder = Command::new("sleep")
            .arg("1000")
            .stdin(starter.share().expect("another owner"))
            .spawn()
            .expect("sleep");
        drop(starter);
        let held = stacks.one(None).expect("owned by the holder");
        assert!(!held.is_gone().expect("a lock"));
        holder.kill().expect("SIGKILL");
        holder.wait().expect("it ends");
        assert!(held.is_gone().expect("a lock"));
        assert_eq!(ids(&stacks), Vec::<String>::new());
    }

    #[test]
    fn an_id_is_not_given_twice() {
        let dir = tempfile::tempdir().expect("a folder");
        let stacks = stacks(&dir);
        let first = stacks.claim("up-1", StackKind::Light).expect("claimed");
        assert!(stacks.claim("up-1", StackKind::Full).is_err());
        assert_eq!(first.paths.read().expect("kept").kind, StackKind::Light);
    }
}
