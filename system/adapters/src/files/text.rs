//! What is the same for every file that holds secrets.

use std::io::ErrorKind;
use std::path::Path;

use gauntlet_ports::{PortError, PortErrorKind, Secret};
use tokio::io::AsyncReadExt as _;

pub(super) const PORT: &str = "secret store";
/// As much as Kubernetes takes for one secret.
pub(super) const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// The text of a file; none where there is no such file.
pub(super) async fn read(path: &Path, op: &'static str) -> Result<Option<String>, PortError> {
    let file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(of_io(op, error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|error| of_io(op, error))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(invalid(op, format!("{} is too large", path.display())));
    }
    // Its error would show where in the value it is wrong, and so something of the value.
    let text = String::from_utf8(bytes)
        .map_err(|_| invalid(op, format!("{} is not UTF-8", path.display())))?;
    Ok(Some(text))
}

/// A file that an editor or `echo` wrote ends with a line break that is not part of the secret.
pub(super) fn secret(text: &str) -> Option<Secret> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    Secret::new(text.strip_suffix('\r').unwrap_or(text))
}

/// A file that may not be read stays so; of anything else, the next try may have better luck.
pub(super) fn of_io(op: &'static str, error: std::io::Error) -> PortError {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
            PortErrorKind::Invalid
        }
        _ => PortErrorKind::Unavailable,
    };
    PortError::new(kind, PORT, op, error)
}

pub(super) fn invalid(op: &'static str, detail: String) -> PortError {
    PortError::new(PortErrorKind::Invalid, PORT, op, detail)
}

/// It should be there, and may come: a volume that is not mounted yet, for example.
pub(super) fn absent(op: &'static str, path: &Path) -> PortError {
    let detail = format!("{} is not there", path.display());
    PortError::new(PortErrorKind::Unavailable, PORT, op, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_secret() {
        for (text, value) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            (" a \n", " a "),
            ("a\nb\n", "a\nb"),
        ] {
            assert_eq!(secret(text).unwrap().reveal(), value, "{text:?}");
        }
        for text in ["", "\n", "\r\n"] {
            assert_eq!(secret(text), None, "{text:?}");
        }
    }
}
