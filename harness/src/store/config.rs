//! What the store is told from outside. The one place of the store that reads the environment.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use super::cancel::Cancel;
use super::error::{StoreError, StoreErrorKind};
use super::id::ComponentId;
use super::manifest::Manifest;

/// Where the store lives and where it looks. Tests build one by hand; programs use [`Self::from_env`].
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The cache's root; created when first needed.
    pub home: PathBuf,
    /// The directories of `PATH`, in order. Tools and installed components are looked up here only.
    pub search_path: Vec<PathBuf>,
    /// Paths to use instead of fetching.
    pub given: BTreeMap<ComponentId, PathBuf>,
    /// The Java installation to prefer over the `java` on the search path.
    pub java_home: Option<PathBuf>,
    pub manifest: Manifest,
    /// The executable that answers to `exec-child`. Every tool is run through it.
    pub shim: PathBuf,
    /// Ends the tools of every store that is opened with this.
    pub cancel: Cancel,
}

impl StoreConfig {
    /// Reads `GAUNTLET_HOME`, else `XDG_CACHE_HOME/gauntlet`, else `~/.cache/gauntlet`; `PATH`;
    /// `JAVA_HOME`; and `GAUNTLET_<NAME>_PATH` for each component. The shim is the running program,
    /// which therefore has to answer to `exec-child`.
    pub fn from_env() -> Result<Self, StoreError> {
        let home = directory("GAUNTLET_HOME")
            .or_else(|| directory("XDG_CACHE_HOME").map(|cache| cache.join("gauntlet")))
            .or_else(|| directory("HOME").map(|home| home.join(".cache/gauntlet")))
            .ok_or_else(|| {
                StoreError::new(
                    StoreErrorKind::Config,
                    "find a directory for the component cache: neither GAUNTLET_HOME, XDG_CACHE_HOME nor HOME is set",
                    "set GAUNTLET_HOME to a directory that you may write",
                )
            })?;
        let given = ComponentId::ALL
            .into_iter()
            .filter_map(|id| directory(id.path_variable()).map(|path| (id, path)))
            .collect();
        Ok(Self {
            home: std::path::absolute(&home)
                .map_err(|error| StoreError::io("resolve", &home, error))?,
            search_path: env::var_os("PATH")
                .map(|path| env::split_paths(&path).collect())
                .unwrap_or_default(),
            given,
            java_home: directory("JAVA_HOME"),
            manifest: Manifest::embedded()?,
            shim: env::current_exe().map_err(|error| {
                StoreError::io("find", Path::new("the harness's own executable"), error)
            })?,
            cancel: Cancel::default(),
        })
    }

    /// The first executable of that name on the search path.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        self.search_path
            .iter()
            .map(|directory| directory.join(name))
            .find(|path| is_executable(path))
    }
}

/// An empty variable counts as unset, as shells do it.
fn directory(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

pub(super) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
