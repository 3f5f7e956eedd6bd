use std::fs;
use std::path::{Path, PathBuf};

use gauntlet_contract::config::Broker;

use super::site::write;
use crate::error::StackError;
use crate::stack::StateBackend;

/// Where the files lie within a checkout, seen from this package.
const IN_CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../components/local");
const CONFIG: &str = "config.yaml";
/// Calls to an app from others are denied.
const GUARDED: &str = "guarded/config.yaml";

macro_rules! embedded {
    ($($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../../components/local/", $path)))),+]
    };
}

/// The same files for an installed harness, which has no checkout beside it.
const EMBEDDED: [(&str, &str); 9] = embedded![
    "common/resiliency.yaml",
    "common/secrets.yaml",
    "config.yaml",
    "guarded/config.yaml",
    "kafka/pubsub.yaml",
    "redis/pubsub.yaml",
    "state/postgres.yaml",
    "state/redis.yaml",
    "state-redis/statestore.yaml",
];

/// Which Dapr component files sidecars are given. By default those of the checkout that the harness was
/// built from, else those that were compiled into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentFiles {
    At(PathBuf),
    Embedded,
}

impl Default for ComponentFiles {
    fn default() -> Self {
        let checkout = Path::new(IN_CHECKOUT);
        if checkout.join(CONFIG).is_file() {
            Self::At(checkout.to_owned())
        } else {
            Self::Embedded
        }
    }
}

impl ComponentFiles {
    /// Makes sure that the files are on disk; embedded ones go below `temp`.
    pub(crate) fn mount(&self, temp: &Path) -> Result<MountedFiles, StackError> {
        let dir = match self {
            Self::At(dir) => fs::canonicalize(dir)
                .map_err(|error| StackError::io("find the component files in", dir, error))?,
            Self::Embedded => {
                let dir = temp.join("components");
                unpack(&dir)?;
                dir
            }
        };
        Ok(MountedFiles { dir })
    }
}

fn unpack(dir: &Path) -> Result<(), StackError> {
    for (path, text) in EMBEDDED {
        let file = dir.join(path);
        let folder = file.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(|error| StackError::io("make", folder, error))?;
        write(&file, text)?;
    }
    Ok(())
}

/// Component files as a sidecar can read them.
#[derive(Debug, Clone)]
pub(crate) struct MountedFiles {
    dir: PathBuf,
}

impl MountedFiles {
    /// One folder for each `--resources-path`: Dapr does not look into subfolders. The same component
    /// name in another folder is how a broker is swapped.
    pub(crate) fn resources(&self, broker: Broker) -> Vec<PathBuf> {
        let broker = match broker {
            Broker::Kafka => "kafka",
            Broker::Redis => "redis",
        };
        ["common", broker, "state"]
            .map(|folder| self.dir.join(folder))
            .to_vec()
    }

    /// The folders of a sidecar that reaches a state store and secrets, and no broker.
    pub(crate) fn without_broker(&self, state: StateBackend) -> Vec<PathBuf> {
        let state = match state {
            StateBackend::Postgres => "state",
            StateBackend::Redis => "state-redis",
        };
        ["common", state]
            .map(|folder| self.dir.join(folder))
            .to_vec()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join(CONFIG)
    }

    /// Of a sidecar that lets nobody call its app.
    pub(crate) fn guarded_config(&self) -> PathBuf {
        self.dir.join(GUARDED)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn files_below(dir: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().display());
            if path.is_dir() {
                files_below(&path, &format!("{name}/"), found);
            } else {
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn an_installed_harness_gives_sidecars_the_very_files_of_the_checkout() {
        let temp = tempfile::tempdir().unwrap();
        let mounted = ComponentFiles::Embedded.mount(temp.path()).unwrap();
        let (mut unpacked, mut checkout) = (BTreeMap::new(), BTreeMap::new());
        files_below(&mounted.dir, "", &mut unpacked);
        files_below(Path::new(IN_CHECKOUT), "", &mut checkout);
        assert_eq!(unpacked, checkout);
    }

    #[test]
    fn every_folder_that_a_sidecar_is_given_exists() {
        let mounted = ComponentFiles::default()
            .mount(Path::new("/unused"))
            .unwrap();
        for broker in [Broker::Kafka, Broker::Redis] {
            for folder in mounted.resources(broker) {
                assert!(folder.is_dir(), "{}", folder.display());
            }
        }
        for state in [StateBackend::Postgres, StateBackend::Redis] {
            for folder in mounted.without_broker(state) {
                assert!(folder.is_dir(), "{}", folder.display());
            }
        }
        assert!(mounted.config().is_file());
        assert!(mounted.guarded_config().is_file());
    }
}
