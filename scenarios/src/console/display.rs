use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Step;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    Normal,
    Quiet,
}

/// Where progress goes. Clones share one screen.
#[derive(Clone, Debug)]
pub struct Console {
    mode: Mode,
}

#[derive(Clone, Debug)]
enum Mode {
    Live(Arc<MultiProgress>),
    Plain,
    Quiet,
}

/// Redraws often enough to look alive, seldom enough not to cost the system under test its CPU.
const TICK: Duration = Duration::from_millis(250);

impl Console {
    /// Live on a terminal, plain lines elsewhere.
    pub fn detect(verbosity: Verbosity) -> Self {
        let mode = match verbosity {
            Verbosity::Quiet => Mode::Quiet,
            Verbosity::Normal if stderr().is_terminal() => {
                Mode::Live(Arc::new(MultiProgress::new()))
            }
            Verbosity::Normal => Mode::Plain,
        };
        Self { mode }
    }

    /// Begins a part of the work, e.g. a scenario.
    pub fn heading(&self, text: &str) {
        self.note(&format!("\n{text}"));
    }

    /// One line that stays.
    pub fn note(&self, text: &str) {
        match &self.mode {
            Mode::Live(screen) => screen.suspend(|| write_line(text)),
            Mode::Plain => write_line(text),
            Mode::Quiet => {}
        }
    }

    /// One line that is worth seeing only while something goes on: shown live, left out of a log.
    pub fn detail(&self, text: &str) {
        if let Mode::Live(screen) = &self.mode {
            screen.suspend(|| write_line(&format!("    {text}")));
        }
    }

    /// Something that takes a while. It ends with the step's `done` or `failed`.
    pub fn step(&self, label: &str) -> Step {
        let bar = match &self.mode {
            Mode::Live(screen) => {
                let bar = screen.add(ProgressBar::new_spinner().with_style(spinner()));
                bar.set_prefix(label.to_owned());
                bar.enable_steady_tick(TICK);
                Some(bar)
            }
            Mode::Plain | Mode::Quiet => None,
        };
        Step::begin(self.clone(), label, bar)
    }

    /// Whether a step should say in plain lines that it is still at work.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.mode, Mode::Plain)
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {prefix:22} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// A closed standard error (`2>&-`, a pipe whose reader went away) must not end a run.
fn write_line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
