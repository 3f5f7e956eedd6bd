//! Asking the sources of one component, in their order.

use std::time::Instant;

use gauntlet_reports::evidence::Provenance;
use nix::sys::statvfs::statvfs;

use super::artifact::Artifact;
use super::error::{StoreError, StoreErrorKind};
use super::key;
use super::manifest::{Pinned, Source};
use super::obtain::Store;
use super::progress::Reporter;
use super::source::go::Workshop;
use super::source::{package, release};

pub(super) const MB: u64 = 1_000_000;

impl Store {
    /// Asks the sources in order. The caller holds the component's lock.
    pub(super) fn fetch(
        &self,
        report: Reporter<'_>,
        pinned: &Pinned,
        workshop: &Workshop<'_>,
    ) -> Result<Artifact, StoreError> {
        let id = report.id;
        let mut attempts = Vec::new();
        for source in &pinned.sources {
            let since = Instant::now();
            match self.fetch_from(source, report, pinned, workshop) {
                Ok(artifact) => {
                    let what =
                        format!("{id} {} ({})", artifact.version, artifact.provenance.source);
                    report.finished(&what, artifact.provenance.size_bytes, since.elapsed());
                    return Ok(artifact);
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    report.note(&format!("{}: failed to {error}", source.label()));
                    attempts.push((source.label().to_owned(), error));
                }
            }
        }
        Err(StoreError::no_source(id, &pinned.version, &attempts))
    }

    fn fetch_from(
        &self,
        source: &Source,
        report: Reporter<'_>,
        pinned: &Pinned,
        workshop: &Workshop<'_>,
    ) -> Result<Artifact, StoreError> {
        let id = report.id;
        fits_machine(source)?;
        self.has_space(source.needs_mb())?;
        let scratch = self.cache.scratch(id.as_str())?;
        let work = scratch.subdirectory("work")?;
        let files = scratch.path().join("files");
        let mut key = key::of_source(pinned, source)?;
        let how = match source {
            Source::Release(release) => release::fetch(release, &work, &files, report)?,
            Source::Maven(package) => package::maven(&self.config, package, &work, &files, report)?,
            Source::Pip(package) => package::pip(&self.config, package, &work, &files, report)?,
            Source::Go(build) => {
                let target = files.join(&pinned.entry);
                let made = workshop.build(build, &pinned.version, &target, report)?;
                key = key::of_build(&key, &made.toolchain);
                made.how
            }
        };
        let (name, version) = product(source, pinned);
        let provenance = Provenance {
            name,
            version,
            source: source.label().to_owned(),
            how,
            sha256: String::new(),
            size_bytes: 0,
            path: String::new(),
        };
        let record = self.cache.publish(&scratch, &files, id, &key, provenance)?;
        Ok(self.artifact(id, &key, pinned, record))
    }

    /// Asked beforehand: a build that fills the disk after minutes disturbs everything else on it.
    fn has_space(&self, needs_mb: u64) -> Result<(), StoreError> {
        let tmp = self.cache.subdirectory("tmp")?;
        let Ok(disk) = statvfs(&tmp) else {
            return Ok(());
        };
        let free_mb = disk.blocks_available().saturating_mul(disk.fragment_size()) / MB;
        if free_mb >= needs_mb {
            return Ok(());
        }
        let what = format!("find {needs_mb} MB of free space, {free_mb} MB are left");
        Err(StoreError::disk_full(what, self.cache.home()))
    }
}

/// Whether the source has anything for this architecture.
pub(super) fn fits_machine(source: &Source) -> Result<(), StoreError> {
    match source.arch() {
        Some(arch) if arch != std::env::consts::ARCH => Err(StoreError::new(
            StoreErrorKind::Unsupported,
            format!("use a package for {arch} on {}", std::env::consts::ARCH),
            "install the component with the system's packages",
        )),
        _ => Ok(()),
    }
}

fn product(source: &Source, pinned: &Pinned) -> (String, String) {
    let (name, version) = match source {
        Source::Maven(package) | Source::Pip(package) => {
            (package.name.clone(), package.version.clone())
        }
        Source::Release(_) | Source::Go(_) => (None, None),
    };
    (
        name.unwrap_or_else(|| pinned.name.clone()),
        version.unwrap_or_else(|| pinned.version.clone()),
    )
}
