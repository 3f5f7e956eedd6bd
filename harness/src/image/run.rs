//! How the containers provider runs an image.

use std::path::Path;

use super::images::{Image, Images};
use super::part::Part;
use crate::component::system::SystemSource;
use crate::component::{Origin, Runnable};
use crate::error::StackError;
use crate::provider::containers::Engine;
use crate::store::ComponentId;

impl Images {
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether somebody named an image of this part.
    pub fn has_given(&self, part: Part) -> bool {
        self.config.given.contains_key(&part)
    }

    /// The system's image: the named one where somebody named one, else made of the binary that `source`
    /// gives, which may have to be built first.
    pub async fn system_of(
        &self,
        source: &SystemSource,
        shim: &Path,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Image, StackError> {
        if self.has_given(Part::System) {
            return self.obtain(Part::System).await;
        }
        let binary = source.obtain(shim, progress).await?;
        self.system(&binary, progress).await
    }
}

impl Image {
    /// The image by its id, which no later build or pull can move, and its main program.
    pub fn runnable(&self) -> Runnable {
        Runnable {
            version: self.version.clone(),
            entry: program(self.part).into(),
            origin: Origin::Image(self.id.clone()),
            provenance: self.provenance(),
        }
    }
}

/// The main program of each image: a path in it, or a name on its `PATH` (`images/README.md`).
const fn program(part: Part) -> &'static str {
    match part {
        Part::Component(ComponentId::Redis) => "redis-server",
        Part::Component(ComponentId::Postgres) => "postgres",
        Part::Component(ComponentId::Kafka) => "java",
        Part::Component(ComponentId::Daprd) => "/daprd",
        Part::Component(ComponentId::Scheduler) => "/scheduler",
        Part::Component(ComponentId::Placement) => "/placement",
        Part::System => "/todo",
    }
}
