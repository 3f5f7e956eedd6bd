//! Components that are on the machine already: at a configured path, or on `PATH` in a fit version.

use std::fs;
use std::path::{Path, PathBuf};

use gauntlet_reports::evidence::Provenance;

use crate::store::artifact::Artifact;
use crate::store::config::{StoreConfig, is_executable};
use crate::store::digest;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::id::ComponentId;
use crate::store::manifest::Pinned;
use crate::store::tool::version_of;

const UNKNOWN: &str = "unknown";

/// A component on `PATH`, and whether it will do.
pub(in crate::store) enum OnPath {
    Fit(Box<Artifact>),
    /// There is one of a version that is not accepted.
    Unfit {
        path: PathBuf,
        version: String,
    },
    Absent,
}

/// The component at the path that the user configured. It must be usable: falling back in silence
/// would run another one than was asked for.
pub(in crate::store) fn given(
    config: &StoreConfig,
    id: ComponentId,
    pinned: &Pinned,
    path: &Path,
) -> Result<Artifact, StoreError> {
    let entry = entry_at(id, pinned, path).ok_or_else(|| not_usable(id, path))?;
    let version = version_at(config, id, &entry).unwrap_or_else(|| UNKNOWN.to_owned());
    let how = format!(
        "configured by {}={}, not verified",
        id.path_variable(),
        path.display()
    );
    describe(id, pinned, entry, version, ("configured path", how))
}

/// Looks through the search path, then where distributions put what they keep off it.
pub(in crate::store) fn on_path(
    config: &StoreConfig,
    id: ComponentId,
    pinned: &Pinned,
) -> Result<OnPath, StoreError> {
    let mut unfit = OnPath::Absent;
    let directories = config.search_path.iter().chain(&pinned.also_in);
    for directory in directories {
        for command in &pinned.commands {
            let path = directory.join(command);
            if !is_executable(&path) {
                continue;
            }
            let Some(entry) = entry_of_command(id, pinned, &own_place(id, &path)?) else {
                continue;
            };
            let version = version_at(config, id, &entry).unwrap_or_else(|| UNKNOWN.to_owned());
            if pinned.accepts(&version) {
                let how = format!(
                    "found on PATH as {}, version as it reports itself",
                    path.display()
                );
                return describe(id, pinned, entry, version, ("PATH", how))
                    .map(|artifact| OnPath::Fit(Box::new(artifact)));
            }
            if matches!(unfit, OnPath::Absent) {
                unfit = OnPath::Unfit { path, version };
            }
        }
    }
    Ok(unfit)
}

/// Where the rest of a component lies beside its command, a distribution's link is followed to there.
/// Others keep the name they are called by: Debian's `redis-server` is a link to a program that acts
/// by its name.
fn own_place(id: ComponentId, path: &Path) -> Result<PathBuf, StoreError> {
    match id {
        ComponentId::Kafka | ComponentId::Postgres => {
            fs::canonicalize(path).map_err(|error| StoreError::io("resolve", path, error))
        }
        _ => Ok(path.to_owned()),
    }
}

fn entry_of_command(id: ComponentId, pinned: &Pinned, command: &Path) -> Option<PathBuf> {
    match id {
        // <kafka>/bin/kafka-server-start.sh, with the jars in <kafka>/libs.
        ComponentId::Kafka => entry_at(id, pinned, command.parent()?.parent()?),
        _ => entry_at(id, pinned, command),
    }
}

/// The executable (the jars' directory) that a path means: itself, or inside the directory it names.
fn entry_at(id: ComponentId, pinned: &Pinned, path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    match id {
        ComponentId::Kafka => [path.join("libs"), path]
            .into_iter()
            .find(|libs| kafka_jar_version(libs).is_some()),
        ComponentId::Postgres => [path.join("bin/postgres"), path.join("postgres"), path]
            .into_iter()
            .find(|server| {
                is_executable(server) && is_executable(&server.with_file_name("initdb"))
            }),
        _ => {
            let inside = pinned
                .commands
                .iter()
                .map(String::as_str)
                .chain([id.as_str()])
                .map(|name| path.join(name));
            inside
                .chain([path.clone()])
                .find(|file| is_executable(file))
        }
    }
}

fn version_at(config: &StoreConfig, id: ComponentId, entry: &Path) -> Option<String> {
    match id {
        ComponentId::Kafka => kafka_jar_version(entry),
        // These two know no `--version`.
        ComponentId::Scheduler | ComponentId::Placement => None,
        ComponentId::Postgres | ComponentId::Redis | ComponentId::Daprd => {
            version_of(config, entry)
        }
    }
}

/// The broker's version as its main jar is named: `kafka_<scala>-<version>.jar`.
fn kafka_jar_version(libs: &Path) -> Option<String> {
    fs::read_dir(libs).ok()?.flatten().find_map(|file| {
        let name = file.file_name().into_string().ok()?;
        let (_scala, version) = name
            .strip_prefix("kafka_")?
            .strip_suffix(".jar")?
            .split_once('-')?;
        version
            .starts_with(|c: char| c.is_ascii_digit())
            .then(|| version.to_owned())
    })
}

fn describe(
    id: ComponentId,
    pinned: &Pinned,
    entry: PathBuf,
    version: String,
    (source, how): (&str, String),
) -> Result<Artifact, StoreError> {
    let (sha256, size_bytes) = if entry.is_dir() {
        let stamps = digest::stamp_tree(&entry)?;
        (
            digest::tree_sha256(&stamps),
            stamps.iter().map(|stamp| stamp.size).sum(),
        )
    } else {
        let size = entry
            .metadata()
            .map_err(|error| StoreError::io("read", &entry, error))?
            .len();
        (digest::sha256_file(&entry)?, size)
    };
    let above = |path: &Path| path.parent().unwrap_or(path).to_path_buf();
    let dir = match id {
        ComponentId::Postgres => above(&above(&entry)),
        _ => above(&entry),
    };
    let name = match (id, entry.file_name().and_then(|name| name.to_str())) {
        (ComponentId::Redis, Some(name)) if name.starts_with("redis") => "Redis".to_owned(),
        _ => pinned.name.clone(),
    };
    let provenance = Provenance {
        name,
        version: version.clone(),
        source: source.to_owned(),
        how,
        sha256,
        size_bytes,
        path: entry.display().to_string(),
    };
    Ok(Artifact {
        id,
        version,
        dir,
        entry,
        provenance,
        class_archive: None,
    })
}

fn not_usable(id: ComponentId, path: &Path) -> StoreError {
    let wanted = match id {
        ComponentId::Kafka => "Kafka's directory or its libs directory",
        ComponentId::Postgres => "Postgres' directory, with bin/postgres and bin/initdb",
        _ => "the executable or the directory that holds it",
    };
    StoreError::new(
        StoreErrorKind::Config,
        format!("use {} as {id}: {wanted} is expected there", path.display()),
        format!("correct {} or unset it", id.path_variable()),
    )
}
