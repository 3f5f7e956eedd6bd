//! The one place that writes results to standard output.

use std::io::{ErrorKind, Write, stdout};

use anyhow::Result;

/// Prints text as it is. A reader that went away (`| head`) is not an error.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
