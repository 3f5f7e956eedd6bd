//! Logs of stacks that failed to start or whose holder died: the error names them, so they outlive the
//! stack's folder.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::held::HeldPaths;

/// Enough to compare a failure with the one before; a full stack's logs are a few megabytes.
const KEPT: usize = 5;

/// The folder of failed stacks, a folder for each.
#[derive(Debug, Clone)]
pub(super) struct Aside {
    folder: PathBuf,
}

impl Aside {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Moves a dead stack's logs here and removes the rest of its folder. Answers where the logs are now,
    /// or none where the stack had not come as far as having any.
    ///
    /// Another command may be at the same folder; one of them finds nothing left to do.
    pub(super) fn take(&self, dead: &HeldPaths) -> Result<Option<PathBuf>> {
        if !dead.holder_log().is_file() {
            dead.remove()?;
            return Ok(None);
        }
        let when = Timestamp::now().strftime("%Y%m%d-%H%M%S");
        let kept = self.folder.join(format!("{when}-{}", dead.id));
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("failed to make {}", self.folder.display()))?;
        match fs::rename(dead.folder(), &kept) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("failed to keep the logs in {}", kept.display()));
            }
        }
        let moved = HeldPaths::of(&dead.id, kept.clone());
        for path in moved.besides_logs() {
            gone(fs::remove_file(&path))
                .with_context(|| format!("failed to remove {}", path.display()))?;
        }
        self.drop_oldest()?;
        Ok(Some(kept))
    }

    /// Names begin with the time, so their order is that of the failures.
    fn drop_oldest(&self) -> Result<()> {
        let mut kept: Vec<PathBuf> = fs::read_dir(&self.folder)
            .context("failed to look for failed stacks")?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        kept.sort();
        let surplus = kept.len().saturating_sub(KEPT);
        for old in &kept[..surplus] {
            gone(fs::remove_dir_all(old))
                .with_context(|| format!("failed to remove {}", old.display()))?;
        }
        Ok(())
    }
}

/// What another command has removed meanwhile is gone, too.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// An error that a dead stack told, with its logs where they are now.
pub(super) fn with_logs_at(error: &str, was: &Path, now: &Path) -> String {
    error.replace(&was.display().to_string(), &now.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dead stack's folder, as it is when its components had begun to write.
    fn dead(root: &Path, id: &str) -> HeldPaths {
        let paths = HeldPaths::of(id, root.join("stacks").join(id));
        fs::create_dir_all(paths.folder().join("logs")).expect("a folder");
        for file in ["holder.log", "logs/kafka.log", "stack.json", "lock"] {
            fs::write(paths.folder().join(file), id).expect("a file");
        }
        paths
    }

    #[test]
    fn the_logs_stay_and_the_rest_goes() {
        let root = tempfile::tempdir().expect("a folder");
        let paths = dead(root.path(), "up-1");
        let kept = Aside::at(root.path().join("failed")).take(&paths);
        let kept = kept.expect("moved").expect("logs");
        assert!(!paths.folder().exists());
        assert!(kept.join("holder.log").is_file());
        assert!(kept.join("logs/kafka.log").is_file());
        assert!(!kept.join("stack.json").exists(), "it holds a token");
        assert!(!kept.join("lock").exists());
    }

    #[test]
    fn only_the_last_few_failures_are_kept() {
        let root = tempfile::tempdir().expect("a folder");
        let aside = Aside::at(root.path().join("failed"));
        let all: Vec<PathBuf> = (0..KEPT + 2)
            .map(|number| {
                let paths = dead(root.path(), &format!("up-{number}"));
                aside.take(&paths).expect("moved").expect("logs")
            })
            .collect();
        let there: Vec<bool> = all.iter().map(|path| path.exists()).collect();
        let mut expected = vec![true; KEPT + 2];
        expected[..2].fill(false);
        assert_eq!(there, expected);
    }

    #[test]
    fn what_has_no_logs_is_just_removed() {
        let root = tempfile::tempdir().expect("a folder");
        let paths = dead(root.path(), "up-1");
        fs::remove_file(paths.holder_log()).expect("a file");
        let aside = Aside::at(root.path().join("failed"));
        assert_eq!(aside.take(&paths).expect("removed"), None);
        assert!(!paths.folder().exists());
        // Another command was faster.
        assert_eq!(aside.take(&paths).expect("nothing to do"), None);
    }

    #[test]
    fn an_error_names_the_logs_where_they_are_now() {
        let told = "start kafka; to mend: see /s/stacks/up-1/logs/kafka.log\n  | bind: in use";
        let mended = with_logs_at(told, Path::new("/s/stacks/up-1"), Path::new("/s/failed/a"));
        assert_eq!(
            mended,
            "start kafka; to mend: see /s/failed/a/logs/kafka.log\n  | bind: in use"
        );
    }
}
