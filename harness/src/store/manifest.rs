//! `components.toml`: what is pinned, and where it may come from.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::{StoreError, StoreErrorKind};
use super::id::ComponentId;

const EMBEDDED: &str = include_str!("../../components.toml");
const SCHEMA: u32 = 1;

/// The pinned manifest, one entry for each component.
#[derive(Debug, Clone)]
pub struct Manifest {
    components: BTreeMap<ComponentId, Pinned>,
}

#[derive(Deserialize)]
struct File {
    schema: u32,
    #[serde(flatten)]
    components: BTreeMap<ComponentId, Pinned>,
}

/// One component as pinned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pinned {
    pub(super) name: String,
    pub(super) version: String,
    /// The reference of the project's own container image.
    pub(super) image: String,
    /// Beginnings of the versions that may be taken from `PATH`; empty: none.
    pub(super) accept: Vec<String>,
    /// Executables to look for on `PATH`, best first.
    pub(super) commands: Vec<String>,
    /// Directories beside `PATH` where distributions put the command.
    #[serde(default)]
    pub(super) also_in: Vec<std::path::PathBuf>,
    /// The executable (for Kafka: the directory of jars) inside the cache entry.
    pub(super) entry: String,
    #[serde(rename = "source")]
    pub(super) sources: Vec<Source>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Source {
    Release(Release),
    Maven(Package),
    Pip(Package),
    Go(GoBuild),
}

impl Source {
    /// Where it is another than the pinned one.
    fn version(&self) -> Option<&str> {
        match self {
            Self::Maven(package) | Self::Pip(package) => package.version.as_deref(),
            Self::Release(_) | Self::Go(_) => None,
        }
    }
}

/// A file on the project's own download site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    pub(super) url: String,
    pub(super) archive_sha256: Option<String>,
    pub(super) checksum_url: Option<String>,
    pub(super) arch: Option<String>,
    pub(super) unpack: Unpack,
    /// Free disk space that the whole step wants, in MB.
    pub(super) needs_mb: u64,
}

/// A package of a package client, named as that client names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    #[serde(rename = "package")]
    pub(super) coordinates: String,
    /// Set where this source yields another product than the component's first choice.
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    /// Maven only: the directory of the embedded pom.
    pub(super) pom: Option<String>,
    pub(super) arch: Option<String>,
    pub(super) archive_sha256: Option<String>,
    pub(super) tree_sha256: Option<String>,
    pub(super) unpack: Unpack,
    pub(super) needs_mb: u64,
}

/// A build of one of our own Go modules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoBuild {
    pub(super) package: String,
    pub(super) module: String,
    pub(super) main: String,
    pub(super) tags: Option<String>,
    /// The variable that the linker sets to the version, so that the binary can tell it.
    pub(super) version_variable: String,
    pub(super) needs_mb: u64,
}

/// What is done with a file once it has been verified.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub(super) enum Unpack {
    /// Keep the files as they are, below `into`.
    Files {
        into: String,
    },
    /// Members that begin with `prefix`, with `into` in its place.
    TarGz {
        prefix: String,
        into: String,
    },
    ZipMember {
        member: String,
        into: String,
    },
    /// A tar.xz inside a zip, unpacked at the root.
    ZipTarXz {
        member: String,
    },
}

impl Manifest {
    /// The manifest that this binary was built with.
    pub fn embedded() -> Result<Self, StoreError> {
        Self::parse(EMBEDDED)
    }

    /// Reads a manifest and refuses one with a component missing or a source that nothing verifies.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let broken = |why: String| {
            StoreError::new(
                StoreErrorKind::Config,
                format!("read the component manifest: {why}"),
                "mend harness/components.toml and build again",
            )
        };
        let file: File = toml::from_str(text).map_err(|error| broken(error.to_string()))?;
        if file.schema != SCHEMA {
            return Err(broken(format!(
                "schema {} where {SCHEMA} is known",
                file.schema
            )));
        }
        for id in ComponentId::ALL {
            let pinned = file
                .components
                .get(&id)
                .ok_or_else(|| broken(format!("{id} is missing")))?;
            if let Some(source) = pinned.sources.iter().find(|source| !source.is_verified()) {
                return Err(broken(format!(
                    "{id}: nothing verifies its source {}",
                    source.label()
                )));
            }
        }
        Ok(Self {
            components: file.components,
        })
    }

    /// The pinned version of a component.
    pub fn version(&self, id: ComponentId) -> Option<&str> {
        self.components.get(&id).map(|it| it.version.as_str())
    }

    /// The reference of the project's own container image in that version. It names no registry.
    pub fn image(&self, id: ComponentId) -> Option<&str> {
        self.components.get(&id).map(|it| it.image.as_str())
    }

    /// Whether the store would hand out this version: one accepted from `PATH`, or a source's own.
    pub(crate) fn hands_out(&self, id: ComponentId, version: &str) -> bool {
        self.components.get(&id).is_some_and(|pinned| {
            let of_source = |source: &Source| source.version() == Some(version);
            pinned.version == version
                || pinned.accepts(version)
                || pinned.sources.iter().any(of_source)
        })
    }

    pub(super) fn pinned(&self, id: ComponentId) -> Result<&Pinned, StoreError> {
        self.components
            .get(&id)
            .ok_or_else(|| StoreError::unknown_component(id.as_str()))
    }
}

impl Pinned {
    pub(super) fn accepts(&self, version: &str) -> bool {
        self.accept
            .iter()
            .any(|begin| match begin.strip_suffix('.') {
                Some(_) => version.starts_with(begin.as_str()),
                None => version == begin,
            })
    }

    /// The accepted versions in words: `8.x or 9.x`.
    pub(super) fn wanted(&self) -> String {
        let words = self
            .accept
            .iter()
            .map(|begin| match begin.strip_suffix('.') {
                Some(major) => format!("{major}.x"),
                None => begin.clone(),
            });
        words.collect::<Vec<_>>().join(" or ")
    }
}

impl Source {
    /// The word that provenance shows.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Release(_) => "official release",
            Self::Maven(_) => "maven",
            Self::Pip(_) => "pip",
            Self::Go(_) => "go module",
        }
    }

    /// What a fetch from here is held to; a list shows it before anything is fetched.
    pub(super) const fn held_to(&self) -> &'static str {
        match self {
            Self::Release(release) if release.archive_sha256.is_none() => {
                "checksum published by the project"
            }
            Self::Release(_) | Self::Maven(_) | Self::Pip(_) => "checksum pinned",
            Self::Go(_) => "go.sum pinned",
        }
    }

    pub(super) const fn needs_mb(&self) -> u64 {
        match self {
            Self::Release(release) => release.needs_mb,
            Self::Maven(package) | Self::Pip(package) => package.needs_mb,
            Self::Go(build) => build.needs_mb,
        }
    }

    /// The one architecture that this source serves, if it is not built here.
    pub(super) fn arch(&self) -> Option<&str> {
        match self {
            Self::Release(release) => release.arch.as_deref(),
            Self::Maven(package) | Self::Pip(package) => package.arch.as_deref(),
            Self::Go(_) => None,
        }
    }

    fn is_verified(&self) -> bool {
        match self {
            Self::Release(release) => {
                release.archive_sha256.is_some() || release.checksum_url.is_some()
            }
            Self::Maven(package) | Self::Pip(package) => {
                package.archive_sha256.is_some() || package.tree_sha256.is_some()
            }
            Self::Go(_) => true,
        }
    }
}
