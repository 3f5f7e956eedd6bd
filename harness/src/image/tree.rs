use std::fs;
use std::path::{Path, PathBuf};

use super::rootfs::{Rootfs, Source};
use crate::error::StackError;

/// A folder that is taken over whole, but for what `leave_out` says.
pub(super) struct Tree<'a> {
    /// Where it lies here, as the file system names it (no link on the way).
    pub(super) root: &'a Path,
    /// Where it lies in the image.
    pub(super) at: &'a Path,
    pub(super) source: Source,
    /// Asked with each path relative to the root.
    pub(super) leave_out: &'a dyn Fn(&Path) -> bool,
}

impl Tree<'_> {
    /// Plans all of it. Links within the tree stay links. Those that lead out of it are followed, and left
    /// out where they lead nowhere: distributions link documentation that is not installed.
    pub(super) fn plan(&self, rootfs: &mut Rootfs) -> Result<(), StackError> {
        self.folder(Path::new(""), self.root, rootfs)
    }

    fn folder(
        &self,
        relative: &Path,
        folder: &Path,
        rootfs: &mut Rootfs,
    ) -> Result<(), StackError> {
        let failed = |error| StackError::io("list", folder, error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, relative) = (entry.path(), relative.join(entry.file_name()));
            if (self.leave_out)(&relative) {
                continue;
            }
            if entry.file_type().map_err(failed)?.is_symlink() {
                if let Some(link) = self.link_within(&path) {
                    rootfs.link(&self.at.join(&relative), &link);
                    continue;
                }
                if !path.exists() {
                    continue;
                }
            }
            if path.is_dir() {
                self.folder(&relative, &path, rootfs)?;
            } else {
                rootfs.file(&self.at.join(&relative), &path, self.source)?;
            }
        }
        Ok(())
    }

    /// The text of a relative link that ends within the tree.
    fn link_within(&self, path: &Path) -> Option<PathBuf> {
        let text = fs::read_link(path).ok()?;
        let end = fs::canonicalize(path).ok()?;
        (text.is_relative() && end.starts_with(self.root)).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_within_are_followed_outwards_and_dropped_where_they_dangle() {
        let temp = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(temp.path()).unwrap().join("home");
        let elsewhere = temp.path().join("etc");
        fs::create_dir_all(root.join("lib")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(root.join("lib/a.so.1"), "a").unwrap();
        fs::write(root.join("lib/a.o"), "left out").unwrap();
        fs::write(elsewhere.join("conf"), "c").unwrap();
        symlink("a.so.1", root.join("lib/a.so")).unwrap();
        symlink(&elsewhere, root.join("conf")).unwrap();
        symlink("/nowhere/docs", root.join("docs")).unwrap();
        let mut rootfs = Rootfs::new();
        let tree = Tree {
            root: &root,
            at: Path::new("/opt/it"),
            source: Source::Summed,
            leave_out: &|path| path.extension().is_some_and(|extension| extension == "o"),
        };
        tree.plan(&mut rootfs).unwrap();
        let recipe = rootfs.recipe();
        assert!(recipe.contains("opt/it/lib/a.so link a.so.1\n"), "{recipe}");
        assert!(recipe.contains("opt/it/conf/conf file"), "{recipe}");
        assert!(
            !recipe.contains("docs") && !recipe.contains("a.o "),
            "{recipe}"
        );
    }
}
