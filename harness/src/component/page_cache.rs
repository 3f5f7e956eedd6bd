use std::fs::File;
use std::io;
use std::path::Path;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

/// Lets the kernel forget what it holds of a program that nobody runs at the moment.
///
/// What was written or read as a whole lies in huge folios, and the kernel maps those as a whole: a
/// sidecar then counts up to 17 MB of its own program as resident that it never touched. The harness
/// reads programs as a whole to verify them, and must not change what it measures
/// (docs/decisions, "Sidecars start from a program that nobody has read").
pub(crate) fn forget(program: &Path) -> io::Result<()> {
    let file = File::open(program)?;
    // Pages that are not on the disk yet cannot be forgotten.
    file.sync_data()?;
    let whole = 0;
    posix_fadvise(&file, 0, whole, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::forget;

    #[test]
    fn a_forgotten_program_is_still_there() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "text").unwrap();
        forget(&program).unwrap();
        assert_eq!(fs::read(&program).unwrap(), b"text");
        assert!(forget(&folder.path().join("none")).is_err());
    }
}
