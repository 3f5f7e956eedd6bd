use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{LoadError, LoadErrorKind};

/// Files that a process of the harness holds beside the load's sockets: logs, pipes, databases.
const FILES_BESIDE: u64 = 256;

/// Raises this process's soft limit on open files so that `sockets` more can be held.
///
/// The usual soft limit of 1024 is below what an open loop holds during a stall; hitting it would
/// look like the API refusing connections.
pub(crate) fn allow_open_sockets(sockets: usize) -> Result<(), LoadError> {
    let cannot = |error| LoadError::caused(LoadErrorKind::Start, error);
    let needed = u64::try_from(sockets)
        .unwrap_or(u64::MAX)
        .saturating_add(FILES_BESIDE);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(cannot)?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        return Err(LoadError::new(LoadErrorKind::OpenFiles {
            needed,
            allowed: hard,
        }));
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).map_err(cannot)
}
