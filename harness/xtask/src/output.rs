use std::io::{self, ErrorKind, Write};

/// Prints to standard output. A reader that has seen enough (`cargo xtask proofs | head`) is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
