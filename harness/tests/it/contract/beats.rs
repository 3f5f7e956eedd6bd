use std::future::ready;
use std::path::PathBuf;

use gauntlet_harness::provider::until;

use crate::bench::{Bench, SOON};

/// As many beats as show that another process does not beat: one second, by a clock that is a process
/// itself, so that both have a machine that is busy.
const LONG_ENOUGH: u64 = 20;

/// Shell code that adds a line to the file 20 times a second, for ever.
pub(crate) fn beat_into(file: &str) -> String {
    format!("while :; do echo >> {file}; sleep 0.05; done")
}

/// The beats in one file.
pub(crate) struct Beats(PathBuf);

impl Beats {
    pub(crate) fn of(bench: &Bench, file: &str) -> Self {
        Self(bench.path(file))
    }

    pub(crate) fn count(&self) -> u64 {
        // None before the first.
        std::fs::metadata(&self.0).map_or(0, |file| file.len())
    }

    pub(crate) async fn until_more(&self, more: u64) {
        let before = self.count();
        let counted = || {
            let now = self.count();
            ready(if now >= before + more {
                Ok(())
            } else {
                Err(now)
            })
        };
        until("the beats", SOON, counted).await.unwrap();
    }

    /// Waits until there are no more of these, by a clock that goes on.
    pub(crate) async fn until_halt(these: &[Self], clock: &Self) {
        let halted = || async {
            let before: Vec<u64> = these.iter().map(Self::count).collect();
            clock.until_more(LONG_ENOUGH).await;
            let after: Vec<u64> = these.iter().map(Self::count).collect();
            if before == after {
                Ok(())
            } else {
                Err(format!("{before:?}, then {after:?}"))
            }
        };
        until("a halt", SOON, halted).await.unwrap();
    }
}
