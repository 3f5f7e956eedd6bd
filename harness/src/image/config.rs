//! What is told about images from outside. The one place of this module that reads the environment.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::part::Part;
use super::reference;
use crate::error::{StackError, StackErrorKind};
use crate::store::{ComponentId, Manifest};

/// Which images are wanted.
#[derive(Debug, Clone)]
pub struct ImageConfig {
    /// References that somebody named; they win over everything else.
    pub given: BTreeMap<Part, String>,
    /// Official references and versions.
    pub manifest: Manifest,
    /// The executable that answers to `exec-child`. `ldd` is run through it.
    pub shim: PathBuf,
}

impl ImageConfig {
    /// Reads `GAUNTLET_<NAME>_IMAGE` for each part; an empty one counts as unset. The shim is the running
    /// program, which therefore has to answer to `exec-child`.
    pub fn from_env() -> Result<Self, StackError> {
        let shim = env::current_exe().map_err(|error| {
            StackError::io("find", Path::new("the harness's own executable"), error)
        })?;
        Self::read(|name| env::var_os(name), shim)
    }

    fn read(
        variable: impl Fn(&str) -> Option<OsString>,
        shim: PathBuf,
    ) -> Result<Self, StackError> {
        let mut given = BTreeMap::new();
        for part in Part::ALL {
            let name = part.variable();
            let value = variable(name).filter(|value| !value.is_empty());
            if let Some(value) = value {
                let reference = reference::named(name, &value.to_string_lossy())?;
                given.insert(part, reference);
            }
        }
        let manifest = Manifest::embedded().map_err(|error| {
            let mend = error.mend().to_owned();
            StackError::new(StackErrorKind::Config, "read the official references", mend)
                .because(error)
        })?;
        Ok(Self {
            given,
            manifest,
            shim,
        })
    }

    /// The project's own image in the pinned version; the system has none.
    pub(super) fn official(&self, part: Part) -> Option<&str> {
        self.manifest.image(component(part)?)
    }
}

const fn component(part: Part) -> Option<ComponentId> {
    match part {
        Part::Component(id) => Some(id),
        Part::System => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[(&str, &str)]) -> Result<ImageConfig, StackError> {
        let lookup = |name: &str| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        ImageConfig::read(lookup, PathBuf::from("/shim"))
    }

    #[test]
    fn a_named_image_wins_and_an_empty_name_is_none() {
        let config = config(&[
            ("GAUNTLET_KAFKA_IMAGE", "mirror/kafka"),
            ("GAUNTLET_TODO_IMAGE", "todo:mine"),
            ("GAUNTLET_REDIS_IMAGE", ""),
        ])
        .unwrap();
        let kafka = Part::Component(ComponentId::Kafka);
        assert_eq!(config.given[&kafka], "mirror/kafka:latest");
        assert_eq!(config.given[&Part::System], "todo:mine");
        assert_eq!(config.given.len(), 2);
    }

    #[test]
    fn planted_name_that_is_no_reference_is_refused() {
        let error = config(&[("GAUNTLET_DAPRD_IMAGE", "dapr d")]).unwrap_err();
        assert_eq!(error.kind(), StackErrorKind::Config);
        assert!(error.to_string().contains("GAUNTLET_DAPRD_IMAGE"));
    }

    #[test]
    fn official_references_name_no_registry_and_agree_with_the_pinned_versions() {
        let config = config(&[]).unwrap();
        for part in Part::ALL {
            let Some(official) = config.official(part) else {
                assert_eq!(part, Part::System);
                continue;
            };
            let pinned = component(part).and_then(|id| config.manifest.version(id));
            assert_eq!(Some(reference::tag(official)), pinned, "{official}");
            let first = official.split('/').next().unwrap_or_default();
            let is_host = official.contains('/') && first.contains(['.', ':']);
            assert!(!is_host, "{official} names a registry");
            assert!(
                !official.starts_with("gauntlet/"),
                "{official} is a local name"
            );
        }
    }
}
