//! Processes of the machine, as /proc shows them.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn await_that(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < within, "waited in vain for: {what}");
        thread::yield_now();
    }
}

/// Whether it runs; a zombie is dead and waits for its parent to look.
pub(crate) fn lives(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z' && state != 'X')
}

/// Parent and state of a process, by the fields behind its parenthesised name.
pub(crate) fn stat(pid: u32) -> Option<(u32, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text[text.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}
