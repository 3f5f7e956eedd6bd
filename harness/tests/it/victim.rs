//! A harness that can be killed: this test binary once more, in the part of one of its ignored tests.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gauntlet_harness::provider::until;

use crate::bench::{SOON, is_gone, pids_in};

/// Names the directory of the test that started this process.
const DIRECTORY: &str = "GAUNTLET_TEST_DIRECTORY";
/// Within the directory: the process ids that the killed harness must not leave behind, one a line.
const PIDS: &str = "pids";
/// The promise to users.
const GONE_WITHIN: Duration = Duration::from_secs(2);

pub(crate) struct Victim {
    process: Child,
    pids: PathBuf,
}

/// What the harness has started, itself or through others.
pub(crate) struct Offspring(Vec<u32>);

/// The directory that the part is played in; none where nobody asked for the part.
pub(crate) fn directory() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

impl Victim {
    /// Starts the ignored test of that name as a process of its own. It finds programs in the
    /// directory's `bin` first.
    pub(crate) fn play(part: &str, directory: &Path) -> Self {
        let mut path = vec![directory.join("bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", part, "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .env("PATH", std::env::join_paths(path).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            process,
            pids: directory.join(PIDS),
        }
    }

    /// Waits until so many processes have written themselves down.
    pub(crate) async fn pids(&self, count: usize) -> Offspring {
        let all_started = || {
            let found = if self.pids.exists() {
                pids_in(&self.pids).len()
            } else {
                0
            };
            std::future::ready(if found == count {
                Ok(())
            } else {
                Err(format!("{found} processes"))
            })
        };
        until("the helper's processes", SOON, all_started)
            .await
            .unwrap();
        Offspring(pids_in(&self.pids))
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Of a test that failed before it killed; harmless otherwise.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Offspring {
    /// Waits until all of them have ended, for as long as was promised.
    pub(crate) async fn end(&self) {
        let all_gone = || std::future::ready(self.0.iter().try_for_each(|pid| is_gone(*pid)));
        until("the processes to end", GONE_WITHIN, all_gone)
            .await
            .unwrap();
    }
}
