use std::io::{Write, stderr};
use std::time::Duration;

use gauntlet_harness::store::{ComponentId, Progress};

/// One line for each thing that is fetched or built. With everything in the cache it says nothing.
pub(crate) struct Lines;

impl Progress for Lines {
    fn started(&self, id: ComponentId, what: &str) {
        write_line(&format!("{id}: {what}"));
    }

    fn bytes(&self, _: ComponentId, _: u64, _: Option<u64>) {}

    fn note(&self, id: ComponentId, line: &str) {
        write_line(&format!("{id}: {line}"));
    }

    fn finished(&self, id: ComponentId, what: &str, _: u64, took: Duration) {
        write_line(&format!("{id}: {what} after {} s", took.as_secs()));
    }
}

/// A closed standard error must not fail a test.
fn write_line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
