use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use gauntlet_harness::store::{ComponentId, Progress};
use gauntlet_reports::format::bytes;

use super::{Console, Step};

/// Shows what the component store is at.
#[derive(Debug)]
pub struct ComponentProgress {
    console: Console,
    steps: Mutex<HashMap<ComponentId, Step>>,
}

impl ComponentProgress {
    pub fn new(console: Console) -> Self {
        Self {
            console,
            steps: Mutex::new(HashMap::new()),
        }
    }

    fn with_step(&self, id: ComponentId, act: impl FnOnce(&Step)) {
        if let Ok(mut steps) = self.steps.lock() {
            act(steps
                .entry(id)
                .or_insert_with(|| self.console.step(&id.to_string())));
        }
    }
}

impl Progress for ComponentProgress {
    fn started(&self, id: ComponentId, what: &str) {
        self.with_step(id, |step| step.update(what));
    }

    fn bytes(&self, id: ComponentId, done: u64, total: Option<u64>) {
        let text = match total {
            Some(total) => format!("{} of {}", bytes(done), bytes(total)),
            None => bytes(done),
        };
        self.with_step(id, |step| step.update(&text));
    }

    fn note(&self, id: ComponentId, line: &str) {
        self.with_step(id, |step| step.note(line));
    }

    fn finished(&self, id: ComponentId, what: &str, size: u64, _took: Duration) {
        let step = self
            .steps
            .lock()
            .ok()
            .and_then(|mut steps| steps.remove(&id));
        if let Some(step) = step {
            step.done(&format!("{what}, {}", bytes(size)));
        }
    }
}
