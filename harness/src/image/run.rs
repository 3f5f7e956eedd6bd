//! How the containers provider runs an image.

use std::path::{Path, PathBuf};

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
            on_disk: self.on_disk(),
            provenance: self.provenance(),
        }
    }

    /// The main program's file in the uppermost layer that has it. A name on `PATH` is not looked for.
    fn on_disk(&self) -> Option<PathBuf> {
        let within = Path::new(program(self.part)).strip_prefix("/").ok()?;
        let files = self.layers.iter().map(|layer| layer.join(within));
        files.into_iter().find(|file| file.is_file())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_the_uppermost_layer_that_has_it() {
        let home = tempfile::tempdir().unwrap();
        let layers = ["top", "middle", "bottom"].map(|layer| home.path().join(layer));
        for layer in &layers {
            std::fs::create_dir(layer).unwrap();
        }
        let mut image = Image {
            part: Part::Component(ComponentId::Daprd),
            reference: "a/daprd:1".to_owned(),
            id: "sha256:00".to_owned(),
            version: "1".to_owned(),
            size_bytes: 0,
            how: String::new(),
            layers: layers.to_vec(),
        };
        assert_eq!(image.runnable().on_disk, None);
        std::fs::write(layers[2].join("daprd"), "old").unwrap();
        std::fs::write(layers[1].join("daprd"), "new").unwrap();
        assert_eq!(image.runnable().on_disk, Some(layers[1].join("daprd")));
        image.part = Part::Component(ComponentId::Kafka);
        assert_eq!(image.runnable().on_disk, None);
    }
}
