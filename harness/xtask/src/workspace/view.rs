use std::collections::BTreeSet;

use super::Source;

/// Everything the rules may know. They read nothing else, so that a test can plant a violation by
/// building one of these.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) members: Vec<Member>,
    /// Every package of the resolved graph that is not a member.
    pub(crate) packages: Vec<Package>,
    /// Every text file under version control or about to be, Rust sources included.
    pub(crate) files: Vec<TextFile>,
    pub(crate) sources: Vec<Source>,
}

/// A crate of this workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Folder of its `Cargo.toml`, relative to the root, without a trailing slash.
    pub(crate) dir: String,
    /// Names of the packages that its manifest asks for, development dependencies left out.
    pub(crate) dependencies: Vec<String>,
    /// Names of the packages that its tests and benchmarks ask for besides.
    pub(crate) dev_dependencies: Vec<String>,
    /// Names of all packages that end up in its build, development dependencies left out.
    pub(crate) built_with: BTreeSet<String>,
    /// Names of its integration-test binaries.
    pub(crate) test_binaries: Vec<String>,
}

/// A third-party package.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SPDX expression; none when the package only ships a licence file.
    pub(crate) license: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    /// First line (from 1) that contains `needle`, or 1.
    pub(crate) fn line_of(&self, needle: &str) -> usize {
        self.text
            .lines()
            .position(|line| line.contains(needle))
            .map_or(1, |index| index + 1)
    }
}

impl Member {
    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.dir)
    }

    /// The name without the prefix that all members share: `gauntlet-contract` → `contract`.
    pub(crate) fn short_name(&self) -> &str {
        self.name.strip_prefix("gauntlet-").unwrap_or(&self.name)
    }
}

impl Workspace {
    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Line of the first mention of `needle` in `path`, or 1.
    pub(crate) fn line_in(&self, path: &str, needle: &str) -> usize {
        self.file(path).map_or(1, |file| file.line_of(needle))
    }

    /// Sources below `dir`, e.g. `system/services/src`.
    pub(crate) fn sources_under<'a>(&'a self, dir: &'a str) -> impl Iterator<Item = &'a Source> {
        self.sources
            .iter()
            .filter(move |source| is_under(&source.path, dir))
    }

    /// The member that a file belongs to: the one whose folder is the longest prefix, because
    /// `harness/xtask` lies inside `harness`.
    pub(crate) fn owner_of(&self, path: &str) -> Option<&Member> {
        self.members
            .iter()
            .filter(|member| is_under(path, &member.dir))
            .max_by_key(|member| member.dir.len())
    }

    #[cfg(test)]
    pub(crate) fn of_source(path: &str, text: &str) -> Self {
        Self {
            sources: vec![Source::parse(path, text).expect("a test's source parses")],
            ..Self::of_file(path, text)
        }
    }

    #[cfg(test)]
    pub(crate) fn of_file(path: &str, text: &str) -> Self {
        Self {
            files: vec![TextFile {
                path: path.to_owned(),
                text: text.to_owned(),
            }],
            ..Self::default()
        }
    }
}

/// Whether `path` lies in the folder `dir`, or is the module file of that name (`x/wiring.rs` counts
/// as under `x/wiring`).
pub(crate) fn is_under(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir)
        .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}
