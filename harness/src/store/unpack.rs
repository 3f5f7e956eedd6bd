//! From a verified archive to files, without a tool.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use liblzma::read::XzDecoder;
use tar::{Archive, EntryType};
use zip::ZipArchive;

use super::cache::create_dir;
use super::error::{StoreError, StoreErrorKind};
use super::manifest::Unpack;

/// Applies `rule` to the verified `files` and leaves the result below `to`.
pub(super) fn unpack(rule: &Unpack, files: &[PathBuf], to: &Path) -> Result<(), StoreError> {
    create_dir(to)?;
    match rule {
        Unpack::Files { into } => keep_files(files, &to.join(into)),
        Unpack::TarGz { prefix, into } => {
            let archive = only(files)?;
            tar_into(
                GzDecoder::new(open(archive)?),
                archive,
                to,
                Some((prefix, into)),
            )
        }
        Unpack::ZipMember { member, into } => {
            let target = to.join(into);
            with_member(only(files)?, member, |reader| {
                write_file(reader, &target, 0o755)
            })
        }
        Unpack::ZipTarXz { member } => {
            let archive = only(files)?;
            with_member(archive, member, |reader| {
                tar_into(XzDecoder::new(reader), archive, to, None)
            })
        }
    }
}

fn keep_files(files: &[PathBuf], into: &Path) -> Result<(), StoreError> {
    create_dir(into)?;
    for file in files {
        let target = into.join(file.file_name().unwrap_or_default());
        fs::rename(file, &target).map_err(|error| StoreError::io("move to", &target, error))?;
    }
    Ok(())
}

/// Unpacks regular files and links; with `(prefix, into)` only what begins with the prefix.
fn tar_into(
    reader: impl Read,
    archive: &Path,
    to: &Path,
    only: Option<(&str, &str)>,
) -> Result<(), StoreError> {
    let mut tar = Archive::new(reader);
    let mut count = 0_u32;
    for entry in tar.entries().map_err(|error| broken(archive, error))? {
        let mut entry = entry.map_err(|error| broken(archive, error))?;
        let path = entry
            .path()
            .map_err(|error| broken(archive, error))?
            .to_string_lossy()
            .into_owned();
        let path = path.trim_start_matches("./");
        let Some(relative) = renamed(path, only) else {
            continue;
        };
        let target = inside(to, &relative).ok_or_else(|| escapes(archive, path))?;
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => {
                let mode = entry.header().mode().unwrap_or(0o644);
                write_file(&mut entry, &target, mode)?;
                count += 1;
            }
            EntryType::Symlink => {
                let link = entry
                    .link_name()
                    .map_err(|error| broken(archive, error))?
                    .unwrap_or_default();
                // A link stays beside its file: nothing outside the tree is ever pointed at.
                if link
                    .components()
                    .any(|part| !matches!(part, Component::Normal(_)))
                {
                    return Err(escapes(archive, path));
                }
                create_dir(target.parent().unwrap_or(to))?;
                symlink(&link, &target).map_err(|error| StoreError::io("link", &target, error))?;
            }
            _ => {}
        }
    }
    if count == 0 {
        return Err(empty(archive));
    }
    Ok(())
}

fn renamed(path: &str, only: Option<(&str, &str)>) -> Option<String> {
    match only {
        None => Some(path.to_owned()),
        Some((prefix, into)) => path
            .strip_prefix(prefix)
            .map(|rest| format!("{into}{rest}")),
    }
}

/// Joins a path from an archive, unless it leaves the tree.
fn inside(root: &Path, relative: &str) -> Option<PathBuf> {
    let relative = Path::new(relative);
    let stays = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    stays.then(|| root.join(relative))
}

fn with_member(
    archive: &Path,
    member: &str,
    with: impl FnOnce(&mut dyn Read) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut zip = ZipArchive::new(open(archive)?).map_err(|error| broken(archive, error))?;
    let mut entry = zip
        .by_name(member)
        .map_err(|error| broken(archive, error))?;
    with(&mut entry)
}

fn write_file(reader: &mut dyn Read, target: &Path, mode: u32) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("write", target, error);
    if let Some(parent) = target.parent() {
        create_dir(parent)?;
    }
    let mut file = File::create(target).map_err(failed)?;
    io::copy(reader, &mut file).map_err(failed)?;
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777))
        .map_err(failed)
}

fn open(path: &Path) -> Result<File, StoreError> {
    File::open(path).map_err(|error| StoreError::io("open", path, error))
}

fn only(files: &[PathBuf]) -> Result<&Path, StoreError> {
    match files {
        [file] => Ok(file),
        _ => Err(StoreError::new(
            StoreErrorKind::BrokenDownload,
            format!("unpack: one file was expected, {} arrived", files.len()),
            "run `gauntlet fetch` again",
        )),
    }
}

fn broken(
    archive: &Path,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    let what = format!("unpack {}", name(archive));
    StoreError::new(
        StoreErrorKind::BrokenDownload,
        what,
        "run `gauntlet fetch` again",
    )
    .because(cause)
}

fn escapes(archive: &Path, path: &str) -> StoreError {
    let what = format!("unpack {}: '{path}' leads out of its tree", name(archive));
    StoreError::new(
        StoreErrorKind::BrokenDownload,
        what,
        "do not use this archive; report it",
    )
}

fn empty(archive: &Path) -> StoreError {
    let what = format!(
        "unpack {}: none of the expected files is in it",
        name(archive)
    );
    StoreError::new(
        StoreErrorKind::BrokenDownload,
        what,
        "mend `unpack` in harness/components.toml",
    )
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
