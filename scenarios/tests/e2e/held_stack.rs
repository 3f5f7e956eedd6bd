//! A stack that `up` leaves running, and the commands for it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::gauntlet::{command, stderr, stdout};

/// A light stack, in a place of its own to remember stacks in.
pub(crate) struct HeldStack {
    home: TempDir,
    /// What `up` printed.
    pub(crate) printed: String,
}

impl HeldStack {
    pub(crate) fn up(provider: &str) -> Self {
        let mut held = Self {
            home: tempdir().expect("a folder"),
            printed: String::new(),
        };
        let up = held.gauntlet(&["up", "--stack", "light", "--provider", provider]);
        assert!(up.status.success(), "{}", stderr(&up));
        held.printed = stdout(&up);
        held
    }

    /// Where it is remembered.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn gauntlet(&self, args: &[&str]) -> Output {
        gauntlet_at(self.home.path(), args)
    }

    /// The one stack that there is, which has to be well.
    pub(crate) fn status(&self) -> Value {
        let status = self.gauntlet(&["status", "--json"]);
        let stacks: Value = serde_json::from_slice(&status.stdout).expect("JSON");
        assert!(status.status.success(), "{stacks:#}");
        let services = stacks[0]["services"].as_array().expect("services");
        assert!(services.len() >= 4, "{stacks:#}");
        stacks[0].clone()
    }

    /// Carries out the curl line that `up` printed, as a person would paste it.
    pub(crate) fn curl_line(&self, path: &str) -> String {
        let mut lines = self.printed.lines();
        let start = lines.position(|line| line.contains("curl") && line.contains(path));
        let start = start.expect("a curl line");
        let line: Vec<&str> = self.printed.lines().skip(start).take(2).collect();
        let output = Command::new("sh").args(["-c", &line.join("\n")]).output();
        stdout(&output.expect("a shell"))
    }

    pub(crate) fn down(&self) {
        let down = self.gauntlet(&["down"]);
        assert!(down.status.success(), "{}", stderr(&down));
        let after = stdout(&self.gauntlet(&["status"]));
        assert!(after.contains("no stack is up"), "{after}");
    }
}

impl Drop for HeldStack {
    fn drop(&mut self) {
        // Of a test that failed; harmless otherwise.
        let _ = gauntlet_at(self.home.path(), &["down"]);
    }
}

fn gauntlet_at(home: &Path, args: &[&str]) -> Output {
    command(args)
        .env("XDG_STATE_HOME", home)
        .output()
        .expect("gauntlet can be executed")
}
