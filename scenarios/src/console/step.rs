use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::{Console, seconds};

/// In plain lines a step that is still at work says so this often, so that a log shows life without
/// being drowned.
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// A piece of work on the console.
#[derive(Debug)]
pub struct Step {
    console: Console,
    label: String,
    bar: Option<ProgressBar>,
    started: Instant,
    last_plain: Mutex<Instant>,
}

impl Step {
    pub(super) fn begin(console: Console, label: &str, bar: Option<ProgressBar>) -> Self {
        let now = Instant::now();
        Self {
            console,
            label: label.to_owned(),
            bar,
            started: now,
            last_plain: Mutex::new(now),
        }
    }

    /// Replaces the step's moving text.
    pub fn update(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        } else if self.console.is_plain() && self.plain_is_due() {
            self.say(text);
        }
    }

    /// Something that happened. Unlike the moving text it would not be said again, so that a log gets it
    /// at once.
    pub fn note(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        } else {
            self.say(text);
        }
    }

    pub fn done(self, text: &str) {
        self.end('✓', text);
    }

    pub fn failed(self, text: &str) {
        self.end('✗', text);
    }

    fn end(self, mark: char, text: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let took = seconds(self.started.elapsed());
        self.console
            .note(format!("  {mark} {:22} {took:>8}  {text}", self.label).trim_end());
    }

    fn say(&self, text: &str) {
        self.console.note(&format!("  … {:22} {text}", self.label));
    }

    fn plain_is_due(&self) -> bool {
        let Ok(mut last) = self.last_plain.lock() else {
            return false;
        };
        let due = last.elapsed() >= PLAIN_EVERY;
        if due {
            *last = Instant::now();
        }
        due
    }
}
