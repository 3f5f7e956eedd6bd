use std::path::PathBuf;

use gauntlet_reports::Provenance;

use crate::provider::{Limits, Mount, Package};
use crate::store::Artifact;

/// Enough to tell the images of one machine apart.
const IMAGE_DIGITS: usize = 12;

/// A component as a provider can run it: files of this machine, or an image of the engine.
#[derive(Debug, Clone)]
pub struct Runnable {
    pub version: String,
    /// The main program; in an image a name on its `PATH` will do.
    pub entry: PathBuf,
    pub origin: Origin,
    /// Where the main program lies on this machine; None where that is not known, or nobody may look.
    pub on_disk: Option<PathBuf>,
    pub provenance: Provenance,
}

#[derive(Debug, Clone)]
pub enum Origin {
    /// A file that was obtained and verified by the component store.
    File(Box<Artifact>),
    /// The system's own binary.
    Built,
    /// An image, as the engine knows it.
    Image(String),
}

impl Runnable {
    pub fn of_artifact(artifact: &Artifact) -> Self {
        Self {
            version: artifact.version.clone(),
            entry: artifact.entry.clone(),
            origin: Origin::File(Box::new(artifact.clone())),
            on_disk: Some(artifact.entry.clone()),
            provenance: artifact.provenance.clone(),
        }
    }

    /// A program that lies beside the main one.
    pub(crate) fn beside(&self, program: &str) -> PathBuf {
        self.entry.with_file_name(program)
    }

    /// What a container of it needs; none where it runs as a process.
    pub(crate) fn package(
        &self,
        mounts: Vec<Mount>,
        ports: Vec<u16>,
        limits: Limits,
    ) -> Option<Package> {
        match &self.origin {
            Origin::Image(image) => Some(Package {
                image: image.clone(),
                mounts,
                ports,
                limits,
            }),
            Origin::File(_) | Origin::Built => None,
        }
    }

    /// Tells prepared data of one origin from that of another: a tag may be moved to another build.
    pub(crate) fn stem(&self) -> String {
        match &self.origin {
            Origin::Image(id) => {
                let digits = id.strip_prefix("sha256:").unwrap_or(id).chars();
                let digits: String = digits.take(IMAGE_DIGITS).collect();
                format!("image-{digits}")
            }
            Origin::File(_) | Origin::Built => "file".to_owned(),
        }
    }
}
