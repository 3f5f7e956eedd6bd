use std::fs;
use std::io;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use crate::provider::RunAs;

/// Copies a directory with its modes; everything in the copy belongs to `owner` where one is given.
///
/// `to` must not exist. File contents go through the kernel's copy, which shares blocks where the
/// file system can.
pub(super) fn copy(from: &Path, to: &Path, owner: Option<RunAs>) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&source, &target, owner)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::copy(&source, &target)?;
            own(&target, owner)?;
        }
    }
    fs::set_permissions(to, from.metadata()?.permissions())?;
    own(to, owner)
}

pub(super) fn own(path: &Path, owner: Option<RunAs>) -> io::Result<()> {
    match owner {
        Some(RunAs { uid, gid }) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn contents_and_modes_survive() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("deep/er")).unwrap();
        fs::write(from.join("deep/er/file"), "text").unwrap();
        fs::set_permissions(from.join("deep/er/file"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(from.join("deep"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("deep", from.join("link")).unwrap();

        copy(&from, &to, None).unwrap();

        assert_eq!(fs::read_to_string(to.join("link/er/file")).unwrap(), "text");
        let mode = |path: &str| to.join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("deep"), mode("deep/er/file")), (0o700, 0o600));
    }
}
