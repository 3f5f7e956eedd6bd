use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::process::Identity;
use super::registry::{Registration, remove_marked};
use super::{Exit, ServiceId, StateDir};
use crate::error::StackError;

/// Other users may pass through but not list: services under another uid reach their own directory.
const PASS_THROUGH: u32 = 0o711;

/// A service that ended without having been asked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnexpectedExit {
    pub service: ServiceId,
    pub exit: Exit,
    /// Microseconds since the Unix epoch.
    pub at_micros: i64,
    pub last_output: Vec<String>,
}

/// What the services of one run share: its folders, its entry in the registry, and the list of deaths
/// that nobody ordered.
#[derive(Debug)]
pub struct RunContext {
    run_id: String,
    logs: PathBuf,
    temp: PathBuf,
    registration: Registration,
    exits: watch::Sender<Vec<UnexpectedExit>>,
    closed: AtomicBool,
    has_containers: AtomicBool,
}

impl RunContext {
    /// Makes the run's folders and registers it. `run_dir` keeps the logs and outlives the run; data
    /// goes to a temporary directory that does not.
    pub fn open(state: &StateDir, run_id: &str, run_dir: &Path) -> Result<Self, StackError> {
        let logs = run_dir.join("logs");
        fs::create_dir_all(&logs)
            .map_err(|error| StackError::io("make the log folder", &logs, error))?;
        let temp = std::env::temp_dir().join(format!("gauntlet-{run_id}"));
        fs::create_dir(&temp)
            .and_then(|()| fs::set_permissions(&temp, fs::Permissions::from_mode(PASS_THROUGH)))
            .map_err(|error| StackError::io("make the temporary directory", &temp, error))?;
        let registration = Registration::open(state, run_id, &temp).inspect_err(|_| {
            let _ = fs::remove_dir_all(&temp);
        })?;
        Ok(Self {
            run_id: run_id.to_owned(),
            logs,
            temp,
            registration,
            exits: watch::Sender::new(Vec::new()),
            closed: AtomicBool::new(false),
            has_containers: AtomicBool::new(false),
        })
    }

    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Data of this run; removed when it closes.
    pub fn temp(&self) -> &Path {
        &self.temp
    }

    /// Makes a directory of this name within [`temp`](Self::temp).
    pub fn temp_dir(&self, name: &str) -> Result<PathBuf, StackError> {
        let dir = self.temp.join(name);
        fs::create_dir_all(&dir).map_err(|error| StackError::io("make", &dir, error))?;
        Ok(dir)
    }

    /// Where the service's output goes.
    pub fn log_file(&self, service: &ServiceId) -> PathBuf {
        self.logs.join(format!("{}.log", service.file_stem()))
    }

    /// Services that ended though nobody had asked them to, oldest first.
    pub fn unexpected_exits(&self) -> Vec<UnexpectedExit> {
        self.exits.borrow().clone()
    }

    /// Returns as soon as there is an unexpected exit.
    pub async fn until_unexpected_exit(&self) -> UnexpectedExit {
        let mut exits = self.exits.subscribe();
        loop {
            if let Some(exit) = exits.borrow_and_update().first().cloned() {
                return exit;
            }
            // The sender lives as long as `self`, so this fails only after it is gone.
            if exits.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Removes the temporary directory and the registration. A second call does nothing.
    pub fn close(&self) -> Result<(), StackError> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        remove_marked(&self.temp).map_err(|error| StackError::io("remove", &self.temp, error))?;
        self.registration.remove().map_err(|error| {
            StackError::io("take run out of the registry", self.run_id.as_ref(), error)
        })
    }

    pub(super) fn register(&self, service: &ServiceId, child: Identity) -> Result<(), StackError> {
        self.registration.add(service.as_str(), child)
    }

    /// From now on the next start looks into the container engine too, should this run die.
    pub(super) fn expect_containers(&self, engine: &str) -> Result<(), StackError> {
        self.has_containers.store(true, Ordering::Release);
        self.registration.expect_containers(engine)
    }

    /// Nobody saw to it that the services are gone. Where the run may have left containers, its entry and its
    /// files stay for the next start, which looks; else they go.
    pub(crate) fn give_up(&self) -> Result<(), StackError> {
        if self.has_containers.load(Ordering::Acquire) {
            self.closed.store(true, Ordering::Release);
            return Ok(());
        }
        self.close()
    }

    pub(super) fn record_unexpected(&self, exit: UnexpectedExit) {
        self.exits.send_modify(|exits| exits.push(exit));
    }
}

impl Drop for RunContext {
    fn drop(&mut self) {
        if let Err(error) = self.give_up() {
            tracing::error!(%error, "failed to clean up after the run; the next start will");
        }
    }
}

/// Now, as the ledger counts: microseconds since the Unix epoch.
pub fn micros_since_epoch() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
