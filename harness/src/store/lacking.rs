//! What has to be installed first. Asked before anything is fetched, so that nobody waits for a build
//! only to read at its end that something else is missing.

use std::collections::BTreeSet;

use super::error::{StoreError, StoreErrorKind};
use super::fetch::fits_machine;
use super::id::ComponentId;
use super::java;
use super::manifest::Source;
use super::obtain::Store;
use super::source::{package, release, toolchain};
use super::status::Availability;

/// What one component wants and the machine has not.
struct Lack {
    id: ComponentId,
    /// Any one of them serves.
    either: Vec<StoreError>,
}

impl Store {
    /// One error for everything that `ids` lack on this machine: the tools of what is yet to be
    /// fetched, and the JVM for Kafka.
    pub(super) fn check_tools(&self, ids: &[ComponentId]) -> Result<(), StoreError> {
        let mut lacks = Vec::new();
        for &id in ids {
            lacks.extend(self.lacking_source(id)?);
            if id == ComponentId::Kafka {
                lacks.extend(java::find(&self.config).err().map(|error| Lack {
                    id,
                    either: vec![error],
                }));
            }
        }
        if lacks.is_empty() {
            Ok(())
        } else {
            Err(all_of(&lacks))
        }
    }

    /// Nothing where the component is here, or where one of its sources can be asked.
    fn lacking_source(&self, id: ComponentId) -> Result<Option<Lack>, StoreError> {
        if let Availability::Ready(_) = self.availability(id)? {
            return Ok(None);
        }
        let mut either = Vec::new();
        let mut releases = Vec::new();
        for source in &self.config.manifest.pinned(id)?.sources {
            let asked = match source {
                _ if fits_machine(source).is_err() => continue,
                Source::Release(release) => {
                    releases.push(release);
                    continue;
                }
                Source::Maven(_) => package::maven_client(&self.config),
                Source::Pip(_) => package::pip_client(&self.config),
                Source::Go(build) => toolchain::find(&self.config, build),
            };
            match asked {
                Ok(_) => return Ok(None),
                Err(error) => either.push(error),
            }
        }
        // Where no tool would help, the fetch itself tells what is wrong.
        if either.is_empty() {
            return Ok(None);
        }
        // Last, because it goes through the network.
        let downloads = releases.into_iter().any(release::answers);
        Ok((!downloads).then_some(Lack { id, either }))
    }
}

fn all_of(lacks: &[Lack]) -> StoreError {
    // Several components often want the same tool.
    let mut whats: Vec<(Vec<&str>, String)> = Vec::new();
    let mut mends: Vec<String> = Vec::new();
    for lack in lacks {
        let what: Vec<_> = lack.either.iter().map(StoreError::without_mend).collect();
        let what = what.join(", and to ");
        match whats.iter_mut().find(|(_, known)| *known == what) {
            Some((ids, _)) => ids.push(lack.id.as_str()),
            None => whats.push((vec![lack.id.as_str()], what)),
        }
        let mend: Vec<_> = lack.either.iter().map(StoreError::mend).collect();
        let mend = mend.join(", or ");
        if !mends.contains(&mend) {
            mends.push(mend);
        }
    }
    let whats: Vec<_> = whats
        .into_iter()
        .map(|(ids, what)| format!("[{}: failed to {what}]", ids.join(", ")))
        .collect();
    let variables: BTreeSet<_> = lacks.iter().map(|lack| lack.id.path_variable()).collect();
    let variables: Vec<_> = variables.into_iter().collect();
    mends.push(format!(
        "or set {} to what is installed",
        variables.join(", ")
    ));
    StoreError::new(
        StoreErrorKind::MissingTool,
        format!("find what has to be installed first {}", whats.join(" ")),
        mends.join("; "),
    )
}
