//! Running package clients: found on the configured path, tied to our life, bounded in time, their last
//! words kept.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::cancel::Cancel;
use super::config::StoreConfig;
use super::error::{StoreError, StoreErrorKind};
use crate::provider::process::tether::{self, Tethered};

/// How often a running tool is looked at when it says nothing.
const TICK: Duration = Duration::from_millis(100);
const ENDING_TICK: Duration = Duration::from_millis(2);
/// Lines of output that an error quotes.
const LAST_LINES: usize = 6;
/// A version question that takes longer than this is not answered.
pub(super) const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// An executable that is there.
#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    /// Ties the tool's life to ours.
    shim: PathBuf,
    search_path: std::ffi::OsString,
    cancel: Cancel,
}

/// What a listener hears of a running tool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said<'a> {
    Line(&'a str),
    /// It runs on and has said nothing for a moment.
    Nothing,
}

/// The end of a tool's output, for the error that may come of it.
#[derive(Default)]
struct LastWords {
    lines: VecDeque<String>,
    /// Seen anywhere in the output: a stack trace may push the line itself out.
    disk_full: bool,
}

impl Tool {
    /// Finds the first of `names`; `mend` says how to have it.
    pub(super) fn find(
        config: &StoreConfig,
        names: &[&'static str],
        mend: &str,
    ) -> Result<Self, StoreError> {
        let found = names
            .iter()
            .find_map(|name| config.find(name).map(|path| (*name, path)));
        let (name, path) = found.ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::MissingTool,
                format!("find {} on PATH", names.join(" or ")),
                mend,
            )
        })?;
        Ok(Self::at(config, name, path))
    }

    pub(super) fn at(config: &StoreConfig, name: &'static str, path: PathBuf) -> Self {
        let search_path = std::env::join_paths(&config.search_path).unwrap_or_default();
        Self {
            name,
            path,
            shim: config.shim.clone(),
            search_path,
            cancel: config.cancel.clone(),
        }
    }

    /// A command for [`Self::spawn`] or [`Self::run`], whose children see the configured path.
    pub(super) fn command(&self) -> Command {
        let mut command = tether::command(&self.shim, &self.path);
        command.env("PATH", &self.search_path);
        command
    }

    /// Starts what [`Self::command`] has made. It ends when the result is dropped.
    pub(super) fn spawn(&self, mut command: Command) -> Result<Tethered, StoreError> {
        Tethered::spawn(&mut command).map_err(|error| StoreError::io("run", &self.path, error))
    }

    /// Runs to the end or to the limit; `listen` hears every line of both streams, and every silence.
    pub(super) fn run(
        &self,
        mut command: Command,
        limit: Duration,
        listen: &mut dyn FnMut(Said<'_>),
    ) -> Result<(), StoreError> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.spawn(command)?;
        let (sender, lines) = mpsc::channel();
        forward(child.stdout(), sender.clone());
        forward(child.stderr(), sender);
        let mut last = LastWords::default();
        let deadline = Instant::now() + limit;
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => last.keep(line, listen),
                Err(RecvTimeoutError::Timeout) => listen(Said::Nothing),
                // Its pipes are closed: it ends any moment.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(ENDING_TICK),
            }
            if let Some(status) = child
                .try_wait()
                .map_err(|error| StoreError::io("wait for", &self.path, error))?
            {
                while let Ok(line) = lines.recv_timeout(TICK) {
                    last.keep(line, listen);
                }
                return if status.success() {
                    Ok(())
                } else {
                    Err(self.failure(&status.to_string(), &last))
                };
            }
            if self.cancel.is_cancelled() {
                return Err(StoreError::cancelled(self.name));
            }
            if Instant::now() >= deadline {
                return Err(self.failure(&format!("not done after {} s", limit.as_secs()), &last));
            }
        }
    }

    /// Runs to the end or to the limit and returns all that it said.
    pub(super) fn lines(
        &self,
        command: Command,
        limit: Duration,
    ) -> Result<Vec<String>, StoreError> {
        let mut lines = Vec::new();
        self.run(command, limit, &mut |said| {
            if let Said::Line(line) = said {
                lines.push(line.to_owned());
            }
        })?;
        Ok(lines)
    }

    fn failure(&self, status: &str, last: &LastWords) -> StoreError {
        let said = last
            .lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" | ");
        if last.disk_full {
            return StoreError::disk_full(format!("run {}: {said}", self.name), &self.path);
        }
        StoreError::new(
            StoreErrorKind::ToolFailed,
            format!("run {} ({status}): {said}", self.name),
            format!(
                "check that {} reaches its package source from this machine",
                self.name
            ),
        )
    }
}

impl LastWords {
    fn keep(&mut self, line: String, listen: &mut dyn FnMut(Said<'_>)) {
        listen(Said::Line(&line));
        if line.trim().is_empty() {
            return;
        }
        self.disk_full |= line.to_lowercase().contains("no space left on device");
        if self.lines.len() == LAST_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

fn forward<R: Read + Send + 'static>(stream: Option<R>, sender: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// What an executable says its version is: the first word of `--version` that looks like one.
pub(super) fn version_of(config: &StoreConfig, executable: &Path) -> Option<String> {
    let tool = Tool::at(config, "the component", executable.to_path_buf());
    let mut command = tool.command();
    command.arg("--version");
    let said = tool.lines(command, VERSION_LIMIT).ok()?;
    said.iter().find_map(|line| version_in(line))
}

fn version_in(line: &str) -> Option<String> {
    line.split(|c: char| c.is_whitespace() || c == '=' || c == '(' || c == ')')
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn versions_are_found_in_what_servers_really_say() {
        for (line, version) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
                Some("15.18"),
            ),
            (
                "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0",
                Some("7.0.15"),
            ),
            ("Valkey server v=9.1.2 sha=00000000:0", Some("9.1.2")),
            ("1.16.5", Some("1.16.5")),
            ("edge", None),
        ] {
            assert_eq!(version_in(line).as_deref(), version, "{line}");
        }
    }
}
