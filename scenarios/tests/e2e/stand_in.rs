//! What holds a stack, without a stack.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;

use serde_json::{Value, json};

pub(crate) fn folder_of(home: &Path, id: &str) -> PathBuf {
    home.join("state/stacks").join(id)
}

/// A process that owns a stack's folder as a holder does, and knows nothing else of it.
pub(crate) struct StandIn {
    pub(crate) process: Child,
}

impl StandIn {
    fn hold(home: &Path, id: &str, phase: &Value) -> Self {
        let folder = folder_of(home, id);
        fs::create_dir_all(&folder).expect("a folder");
        let lock = File::create(folder.join("lock")).expect("a lock");
        lock.lock().expect("locked");
        let process = std::process::Command::new("sleep")
            .arg("1000")
            .stdin(lock)
            .spawn()
            .expect("sleep");
        let record = json!({ "kind": "light", "holder_pid": process.id(), "phase": phase });
        fs::write(folder.join("stack.json"), record.to_string()).expect("a record");
        Self { process }
    }

    /// A stack that is up, with these services.
    pub(crate) fn up(home: &Path, id: &str, services: &Value) -> Self {
        let mut stack = description(id);
        stack["services"] = services.clone();
        let phase = json!({ "state": "up", "token": "t", "stack": stack });
        Self::hold(home, id, &phase)
    }

    /// As if the kernel had killed it.
    pub(crate) fn die(mut self) {
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("it ends");
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Of a test that failed; harmless otherwise.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn description(id: &str) -> Value {
    json!({ "run_id": id, "kind": "light", "services": [], "lanes": [] })
}

/// Answers one question as a holder does.
pub(crate) fn answer_once(home: &Path, id: &str) {
    let socket = folder_of(home, id).join("control.sock");
    let listener = UnixListener::bind(socket).expect("a socket");
    let answer = description(id).to_string();
    thread::spawn(move || {
        let (mut asker, _) = listener.accept().expect("a question");
        asker.write_all(answer.as_bytes()).expect("answered");
    });
}
