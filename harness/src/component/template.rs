//! Data directories that are made once and copied into each run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::digest::sha256_hex;
use crate::error::StackError;
use crate::provider::gone_is_fine;

/// Enough to tell a handful of option sets apart.
const KEY_DIGITS: usize = 12;

/// A name that changes with everything that goes into the template.
pub(super) fn key(name: &str, version: &str, options: &[String]) -> String {
    let digest = sha256_hex(
        options
            .join(
                "
",
            )
            .as_bytes(),
    );
    format!("{name}-{version}-{}", &digest[..KEY_DIGITS])
}

/// Beside the data, written last: the sum of everything else. Without it, or where it does not agree, a
/// template is made again.
const STAMP: &str = ".stamp";

/// A template that nobody used for so long belongs to a version or to options that are gone. One that is still
/// wanted is made again in seconds.
const UNUSED_FOR: Duration = Duration::from_hours(30 * 24);

/// What there is of a template.
pub(super) enum Template {
    Ready(PathBuf),
    Missing(Making),
}

/// A template that this run is to fill. The lock keeps other runs from doing so at once.
pub(super) struct Making {
    unfinished: PathBuf,
    ready: PathBuf,
    _lock: File,
}

impl Template {
    pub(super) async fn find(templates: &Path, name: &str) -> Result<Self, StackError> {
        let ready = templates.join(name);
        // Before the look at it: whoever clears old ones up meanwhile leaves this one alone.
        mark_as_used(&ready, SystemTime::now());
        if is_whole(&ready).await {
            return Ok(Self::Ready(ready));
        }
        fs::create_dir_all(templates).map_err(|error| StackError::io("make", templates, error))?;
        let lock = lock(lock_of(templates, name)).await?;
        // Whoever held the lock may have made it.
        if is_whole(&ready).await {
            return Ok(Self::Ready(ready));
        }
        let unfinished = templates.join(format!(".{name}.new"));
        // Whoever began this one is dead, or the lock would not be ours.
        gone_is_fine(fs::remove_dir_all(&unfinished))
            .and_then(|()| fs::create_dir(&unfinished))
            .map_err(|error| StackError::io("make", &unfinished, error))?;
        Ok(Self::Missing(Making {
            unfinished,
            ready,
            _lock: lock,
        }))
    }
}

impl Making {
    /// The directory to fill.
    pub(super) fn dir(&self) -> &Path {
        &self.unfinished
    }

    /// Makes the template visible, whole. Without this call a killed run leaves nothing to be used.
    pub(super) fn publish(self) -> Result<PathBuf, StackError> {
        let publish = || {
            fs::write(self.unfinished.join(STAMP), sum(&self.unfinished)?)?;
            // A damaged one may lie there.
            gone_is_fine(fs::remove_dir_all(&self.ready))?;
            fs::rename(&self.unfinished, &self.ready)
        };
        publish().map_err(|error| StackError::io("make", &self.ready, error))?;
        if let Some(templates) = self.ready.parent() {
            // Room on the disk, and nothing that this run needs.
            if let Err(error) = clear_unused(templates, SystemTime::now()) {
                tracing::warn!(%error, "failed to clear old templates up");
            }
        }
        Ok(self.ready)
    }
}

/// The stamp's time is that of the last use. What has no stamp is no template.
fn mark_as_used(ready: &Path, now: SystemTime) {
    let stamp = File::options().append(true).open(ready.join(STAMP));
    if let Err(error) = gone_is_fine(stamp.and_then(|stamp| stamp.set_modified(now))) {
        tracing::debug!(%error, "failed to note the use of a template");
    }
}

/// Removes the templates that nobody used for long. The locks stay: they are empty, and whoever waits for one
/// holds the very file.
fn clear_unused(templates: &Path, now: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(templates)? {
        let entry = entry?;
        let Ok(stamp) = fs::metadata(entry.path().join(STAMP)) else {
            continue;
        };
        let unused_for = now.duration_since(stamp.modified()?).unwrap_or_default();
        if unused_for > UNUSED_FOR {
            let lock = File::create(lock_of(templates, &entry.file_name().to_string_lossy()))?;
            // Somebody is making it anew.
            if lock.try_lock().is_err() {
                continue;
            }
            gone_is_fine(fs::remove_dir_all(entry.path()))?;
        }
    }
    Ok(())
}

fn lock_of(templates: &Path, name: &str) -> PathBuf {
    templates.join(format!(".{name}.lock"))
}

/// Whether a template is there and is what was published. Reads all of it, some 40 MB, which is copied
/// next anyway.
async fn is_whole(ready: &Path) -> bool {
    let ready = ready.to_owned();
    let whole = tokio::task::spawn_blocking(move || {
        let stamp = fs::read_to_string(ready.join(STAMP))?;
        Ok::<_, io::Error>(stamp == sum(&ready)?)
    });
    matches!(whole.await, Ok(Ok(true)))
}

/// One sum over the paths and contents of everything below `dir` but the stamp.
fn sum(dir: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    add_sums(dir, dir, &mut lines)?;
    lines.sort();
    Ok(sha256_hex(lines.concat().as_bytes()))
}

fn add_sums(root: &Path, dir: &Path, lines: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if path == root.join(STAMP) {
            continue;
        }
        let shown = path.strip_prefix(root).unwrap_or(&path).display();
        let kind = entry.file_type()?;
        // An empty directory counts as well: Postgres does not start without some of its own.
        lines.push(if kind.is_dir() {
            format!("{shown}/\n")
        } else if kind.is_symlink() {
            format!("{shown} -> {}\n", fs::read_link(&path)?.display())
        } else {
            format!("{} {shown}\n", sha256_hex(&fs::read(&path)?))
        });
        if kind.is_dir() {
            add_sums(root, &path, lines)?;
        }
    }
    Ok(())
}

/// Waits for the lock on a thread of its own, because another run may hold it for seconds.
async fn lock(path: PathBuf) -> Result<File, StackError> {
    let shown = path.clone();
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(&path)?;
        file.lock()?;
        Ok(file)
    });
    locked
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| StackError::io("lock", &shown, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn is_made_once_and_never_by_halves() {
        let dir = tempfile::tempdir().unwrap();
        let missing = async || match Template::find(dir.path(), "x").await.unwrap() {
            Template::Missing(making) => making,
            Template::Ready(path) => panic!("{} is not published", path.display()),
        };
        let given_up = missing().await;
        fs::write(given_up.dir().join("half"), "").unwrap();
        drop(given_up);

        let making = missing().await;
        fs::write(making.dir().join("whole"), "").unwrap();
        let made = making.publish().unwrap();

        assert!(made.join("whole").exists() && !made.join("half").exists());
        let again = Template::find(dir.path(), "x").await.unwrap();
        assert!(matches!(again, Template::Ready(path) if path == made));
    }

    type Damage = fn(&Path) -> io::Result<()>;

    async fn published(templates: &Path) -> PathBuf {
        match Template::find(templates, "x").await.unwrap() {
            Template::Ready(path) => path,
            Template::Missing(making) => {
                fs::create_dir_all(making.dir().join("data/empty")).unwrap();
                fs::write(making.dir().join("data/file"), "whole").unwrap();
                making.publish().unwrap()
            }
        }
    }

    #[tokio::test]
    async fn planted_damage_is_made_good() {
        let dir = tempfile::tempdir().unwrap();
        let damages: [Damage; 5] = [
            |made| fs::write(made.join("data/file"), "wrong"),
            |made| fs::remove_file(made.join("data/file")),
            |made| fs::remove_dir(made.join("data/empty")),
            |made| fs::write(made.join("data/more"), ""),
            |made| fs::remove_file(made.join(STAMP)),
        ];
        for damage in damages {
            let made = published(dir.path()).await;
            damage(&made).unwrap();
            let found = Template::find(dir.path(), "x").await.unwrap();
            assert!(matches!(found, Template::Missing(_)));
            drop(found);
            let again = published(dir.path()).await;
            assert_eq!(
                fs::read_to_string(again.join("data/file")).unwrap(),
                "whole"
            );
            assert!(!again.join("data/more").exists());
        }
    }

    #[tokio::test]
    async fn what_nobody_used_for_long_is_cleared_up_when_another_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let old = published(dir.path()).await;
        let make = async |name: &str| match Template::find(dir.path(), name).await.unwrap() {
            Template::Missing(making) => making.publish().unwrap(),
            Template::Ready(path) => path,
        };
        let long_ago = SystemTime::now() - UNUSED_FOR - Duration::from_mins(1);
        mark_as_used(&old, long_ago);
        // It is used again in time.
        assert_eq!(published(dir.path()).await, old);
        let second = make("y").await;
        assert!(old.exists());
        mark_as_used(&old, long_ago);
        let third = make("z").await;
        assert!(!old.exists() && second.exists() && third.exists());
    }

    #[test]
    fn planted_old_template_in_the_making_is_left_to_its_maker() {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("x");
        fs::create_dir(&old).unwrap();
        fs::write(old.join(STAMP), "").unwrap();
        let held = File::create(lock_of(dir.path(), "x")).unwrap();
        held.lock().unwrap();
        let later = SystemTime::now() + UNUSED_FOR + Duration::from_mins(1);
        clear_unused(dir.path(), later).unwrap();
        assert!(old.exists());
        drop(held);
        clear_unused(dir.path(), later).unwrap();
        assert!(!old.exists());
    }

    #[test]
    fn the_key_follows_the_options() {
        let options = |text: &str| vec![text.to_owned()];
        assert_ne!(key("a", "1", &options("x")), key("a", "1", &options("y")));
        assert_eq!(key("a", "1", &options("x")), key("a", "1", &options("x")));
    }
}
