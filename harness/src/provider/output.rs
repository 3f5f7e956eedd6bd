use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Enough for a stack trace of a JVM's start, few enough to read in a terminal.
const LINES_KEPT: usize = 20;
/// Far more than so many lines need.
const BYTES_READ: u64 = 32 * 1024;

/// Opens a log so that several processes, one after the other or at once, only ever add to it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// The last lines of a log, oldest first; empty where there is none.
pub(super) fn last_lines(path: &Path) -> Vec<String> {
    let Ok(tail) = tail(path) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&tail);
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(LINES_KEPT)
        .map(str::to_owned)
        .collect();
    lines.reverse();
    lines
}

fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES_READ)))?;
    let mut bytes = Vec::new();
    file.take(BYTES_READ).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn keeps_the_last_lines_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let mut log = open(&path).unwrap();
        for number in 0..10_000 {
            writeln!(log, "line {number}\n").unwrap();
        }
        let lines = last_lines(&path);
        assert_eq!(lines.len(), LINES_KEPT);
        assert_eq!(lines.last().unwrap(), "line 9999");
        assert_eq!(lines[0], format!("line {}", 10_000 - LINES_KEPT));
    }

    #[test]
    fn no_log_is_no_lines() {
        assert!(last_lines(Path::new("/nonexistent/x.log")).is_empty());
    }
}
