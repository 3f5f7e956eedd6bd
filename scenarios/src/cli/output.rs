//! The one place that writes results to standard output.

use std::future::pending;
use std::io::{ErrorKind, Write, stdout};
use std::os::fd::AsFd;

use anyhow::Result;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// Whether anybody still reads standard output.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    There,
    Gone,
}

/// Prints text as it is. A reader that went away (`| head`) is not an error: a command whose work is not
/// the printing goes on with it.
pub(super) fn print(text: &str) -> Result<()> {
    print_to_reader(text).map(|_| ())
}

/// The same, for commands that have nothing to do once nobody reads.
pub(super) fn print_to_reader(text: &str) -> Result<Reader> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error.into()),
    }
}

/// Returns as soon as nobody reads standard output any more, though nothing is printed meanwhile. Never
/// returns where there is no such moment, as with a file.
pub(super) async fn reader_gone() {
    // Unchecked: a terminal can be asked too. Only asked, never written to, so that it need not be
    // non-blocking, which the file would then be for everybody who shares it.
    let watched = stdout().as_fd().try_clone_to_owned();
    if let Ok(out) = watched.and_then(Sender::from_owned_fd_unchecked)
        && out.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    pending::<()>().await;
}
