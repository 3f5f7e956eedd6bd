//! A component that is ready to run.

use std::fs;
use std::path::{Path, PathBuf};

use gauntlet_reports::evidence::Provenance;

use super::cache::Record;
use super::error::StoreError;
use super::id::ComponentId;
use super::reach;

/// One component on this machine's disk, verified when it was handed out.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub id: ComponentId,
    /// The version really found, which a configured path may make another than the pinned one.
    pub version: String,
    /// The directory that holds all of it.
    pub dir: PathBuf,
    /// The executable; for Kafka the directory of jars.
    pub entry: PathBuf,
    pub provenance: Provenance,
    pub(super) class_archive: Option<PathBuf>,
}

impl Artifact {
    pub(super) fn from_record(id: ComponentId, dir: PathBuf, entry: &str, record: Record) -> Self {
        let entry = dir.join(entry);
        let mut provenance = record.provenance;
        // The home may have moved since the record was written.
        provenance.path = entry.display().to_string();
        Self {
            id,
            version: provenance.version.clone(),
            dir,
            entry,
            provenance,
            class_archive: None,
        }
    }

    /// Kafka's class path: its jars, sorted, joined by `:`. The class archive is valid for exactly this
    /// text; `libs/*` would give whatever order the directory has. Empty for other components.
    pub fn kafka_classpath(&self) -> String {
        if self.id != ComponentId::Kafka {
            return String::new();
        }
        let mut jars: Vec<String> = fs::read_dir(&self.entry)
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "jar"))
            .map(|path| path.display().to_string())
            .collect();
        jars.sort();
        jars.join(":")
    }

    /// Kafka's `AppCDS` archive for this machine's JVM, for `-XX:SharedArchiveFile=`; halves the start.
    /// `None` where making one failed: the broker then starts without.
    pub fn kafka_class_archive(&self) -> Option<&Path> {
        self.class_archive.as_deref()
    }

    /// The directory of `postgres` and `initdb` (for other components: of the executable).
    pub fn bin_dir(&self) -> &Path {
        self.entry.parent().unwrap_or(&self.dir)
    }

    /// The same component at a place that user `uid` can read and execute.
    ///
    /// Postgres refuses root, and root's cache is usually closed to other users. Where every
    /// directory on the way lets `uid` in, `self` is returned as it is; otherwise the files are
    /// hard-linked (copied across file systems) below `run_dir/<id>`, read-only and owned as in the
    /// cache. The caller removes `run_dir` when the run ends; `run_dir` itself must let `uid` in.
    pub fn reachable_by(&self, uid: u32, run_dir: &Path) -> Result<Self, StoreError> {
        if reach::can_use(uid, &self.dir) && reach::can_use(uid, &self.entry) {
            return Ok(self.clone());
        }
        let dir = run_dir.join(self.id.as_str());
        reach::link_tree(&self.dir, &dir)?;
        let entry = match self.entry.strip_prefix(&self.dir) {
            Ok(relative) => dir.join(relative),
            Err(_) => self.entry.clone(),
        };
        if !reach::can_use(uid, &entry) {
            return Err(reach::not_reachable(uid, &entry));
        }
        Ok(Self {
            dir,
            entry,
            ..self.clone()
        })
    }
}
