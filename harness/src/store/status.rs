//! Where each component stands, without fetching anything.

use gauntlet_reports::evidence::Provenance;

use super::cache::Depth;
use super::error::StoreError;
use super::id::ComponentId;
use super::obtain::{Cached, Store};
use super::source::installed::{self, OnPath};

/// What `gauntlet fetch --list` shows of one component.
#[derive(Debug, Clone)]
pub struct ComponentStatus {
    pub id: ComponentId,
    pub name: String,
    /// The pinned version.
    pub version: String,
    pub availability: Availability,
}

#[derive(Debug, Clone)]
pub enum Availability {
    /// Usable now, without network; the provenance says what, from where and how large.
    Ready(Box<Provenance>),
    /// To be fetched; the sources that will be asked, in order, and what a fetch from each is held to.
    Missing { sources: Vec<String> },
    /// Not usable: a configured path that is wrong, or a cached entry that will be replaced.
    Broken { why: String },
}

impl Store {
    /// Whether `id` can be handed out now, with no network and no build.
    pub fn is_ready(&self, id: ComponentId) -> bool {
        matches!(self.availability(id), Ok(Availability::Ready(_)))
    }

    /// Where each component stands, without fetching anything.
    pub fn status(&self) -> Vec<ComponentStatus> {
        ComponentId::ALL
            .into_iter()
            .filter_map(|id| {
                let pinned = self.config.manifest.pinned(id).ok()?;
                let availability =
                    self.availability(id)
                        .unwrap_or_else(|error| Availability::Broken {
                            why: format!("failed to {error}"),
                        });
                Some(ComponentStatus {
                    id,
                    name: pinned.name.clone(),
                    version: pinned.version.clone(),
                    availability,
                })
            })
            .collect()
    }

    /// Reads every cached file of `id` again. `Ok(false)`: it is not in the cache.
    pub fn verify(&self, id: ComponentId) -> Result<bool, StoreError> {
        match self.cached(id, Depth::Full)? {
            Cached::Hit(_) => Ok(true),
            Cached::Missing => Ok(false),
            Cached::Corrupt { error, .. } => Err(error),
        }
    }

    pub(super) fn availability(&self, id: ComponentId) -> Result<Availability, StoreError> {
        let pinned = self.config.manifest.pinned(id)?;
        if let Some(path) = self.config.given.get(&id) {
            let artifact = installed::given(&self.config, id, pinned, path)?;
            return Ok(Availability::Ready(Box::new(artifact.provenance)));
        }
        if let OnPath::Fit(artifact) = installed::on_path(&self.config, id, pinned)? {
            return Ok(Availability::Ready(Box::new(artifact.provenance)));
        }
        Ok(match self.cached(id, Depth::Stamp)? {
            Cached::Hit(artifact) => Availability::Ready(Box::new(artifact.provenance)),
            Cached::Corrupt { error, .. } => Availability::Broken {
                why: format!("failed to {error}"),
            },
            Cached::Missing => {
                let sources = pinned
                    .sources
                    .iter()
                    .map(|source| format!("{} ({})", source.label(), source.held_to()))
                    .collect();
                Availability::Missing { sources }
            }
        })
    }
}
