//! A run of the full stack in the midst of its load.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::evidence::fresh_evidence;
use crate::gauntlet::command;
use crate::processes::{await_that, lives};

/// The system drains, the components stop in good order, and what was recorded is judged.
const ENDED_WITHIN: Duration = Duration::from_mins(1);

pub(crate) struct UnderLoad {
    pub(crate) harness: Child,
    pub(crate) folder: PathBuf,
    state: PathBuf,
    /// Open, so that the harness can go on printing.
    _stderr: Lines<BufReader<ChildStderr>>,
}

impl UnderLoad {
    /// With a place of its own to remember runs in: the next start of another test is to sweep nothing.
    pub(crate) fn begin(test: &str, provider: &str, state: &Path) -> Self {
        let folder = fresh_evidence(test);
        let run = ["run", "sidecar-memory", "--provider", provider, "--reports"];
        let mut harness = command(&run)
            .arg(&folder)
            .env("XDG_STATE_HOME", state)
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gauntlet can be executed");
        let mut lines = BufReader::new(harness.stderr.take().expect("piped")).lines();
        let mut said = String::new();
        // How far the load is, which is told while there is one.
        while !said.contains(" offered, ") {
            let line = lines.next().unwrap_or_else(|| panic!("no load:\n{said}"));
            said.push_str(&line.expect("UTF-8"));
            said.push('\n');
        }
        Self {
            harness,
            folder,
            state: state.to_owned(),
            _stderr: lines,
        }
    }

    /// The id of the run, with which those of its stacks begin.
    pub(crate) fn id(&self) -> String {
        let runs = fs::read_dir(self.folder.join("runs")).expect("runs");
        let names = runs.flatten().map(|run| run.file_name());
        let [id] = names.collect::<Vec<_>>().try_into().expect("one run");
        id.into_string().expect("UTF-8")
    }

    /// As the out-of-memory killer would end it.
    pub(crate) fn kill(&mut self) {
        self.harness.kill().expect("SIGKILL");
        self.harness.wait().expect("it ends");
    }

    /// A terminal's Ctrl-C, which goes to the whole foreground group. Answers the exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let group = i32::try_from(self.harness.id()).expect("a process id");
        killpg(Pid::from_raw(group), Signal::SIGINT).expect("SIGINT");
        let harness = self.harness.id();
        await_that("the end of the run", ENDED_WITHIN, || !lives(harness));
        self.harness.wait().expect("it ends").code()
    }
}

impl Drop for UnderLoad {
    fn drop(&mut self) {
        // Of a test that failed; harmless otherwise.
        let _ = self.harness.kill();
        let _ = self.harness.wait();
        // Who was killed removed no files, and no other start knows of them.
        let down = command(&["down"])
            .env("XDG_STATE_HOME", &self.state)
            .output();
        let swept = down.is_ok_and(|down| down.status.success());
        assert!(
            swept || thread::panicking(),
            "what the run left in the temporary folder stays"
        );
    }
}
