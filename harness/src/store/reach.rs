//! Whether another user can reach a file, and a place where it can.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::cache::create_dir;
use super::error::{StoreError, StoreErrorKind};

const OWNER_SHIFT: u32 = 6;
const READ_AND_ENTER: u32 = 0o5;
const ENTER: u32 = 0o1;

/// True where `uid` may read and execute `path` and enter every directory above it. Groups count as
/// strangers: a component's user has none worth asking about.
pub(super) fn can_use(uid: u32, path: &Path) -> bool {
    let Ok(path) = fs::canonicalize(path) else {
        return false;
    };
    allows(uid, &path, READ_AND_ENTER)
        && path
            .ancestors()
            .skip(1)
            .all(|above| allows(uid, above, ENTER))
}

fn allows(uid: u32, path: &Path, wanted: u32) -> bool {
    let Ok(meta) = path.metadata() else {
        return false;
    };
    let shift = if meta.uid() == uid { OWNER_SHIFT } else { 0 };
    uid == 0 || (meta.mode() >> shift) & wanted == wanted
}

/// Mirrors `from` below `to` by hard links; what is there already stays.
pub(super) fn link_tree(from: &Path, to: &Path) -> Result<(), StoreError> {
    create_dir(to)?;
    open_to_all(to)?;
    let failed = |error| StoreError::io("list", from, error);
    for entry in fs::read_dir(from).map_err(failed)? {
        let source = entry.map_err(failed)?.path();
        let target = to.join(source.file_name().unwrap_or_default());
        let meta = source.symlink_metadata().map_err(failed)?;
        if meta.is_dir() {
            link_tree(&source, &target)?;
            continue;
        }
        let placed = if meta.is_symlink() {
            fs::read_link(&source).and_then(|link| symlink(link, &target))
        } else {
            link_or_copy(&source, &target)
        };
        match placed {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::io("link", &target, error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The kernel may refuse the link (another file system, protected hard links): a copy serves as well.
fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(source, target) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            fs::copy(source, target).map(|_| ())
        }
        outcome => outcome,
    }
}

fn open_to_all(directory: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))
        .map_err(|error| StoreError::io("set the mode of", directory, error))
}

pub(super) fn not_reachable(uid: u32, path: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::NotReachable,
        format!(
            "let user {uid} reach {}: a directory above it is closed to it",
            path.display()
        ),
        "set TMPDIR, where the data of a run lies, to a directory that every user may enter, such as /tmp",
    )
}
