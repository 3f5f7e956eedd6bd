//! The store itself: what is looked at before anything is fetched, and under which lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::artifact::Artifact;
use super::cache::{Cache, Depth, Record};
use super::cancel::Cancel;
use super::class_archive;
use super::config::StoreConfig;
use super::error::{StoreError, StoreErrorKind};
use super::fetch;
use super::id::ComponentId;
use super::java;
use super::key;
use super::manifest::{Pinned, Source};
use super::progress::{Progress, Reporter};
use super::source::go::{self, Workshop};
use super::source::installed::{self, OnPath};

/// Finds, fetches, verifies and keeps components. Synchronous; safe from several threads and processes.
#[derive(Debug)]
pub struct Store {
    pub(super) config: StoreConfig,
    pub(super) cache: Cache,
    /// What this store has read whole: once for each of them is enough in one command.
    verified: Mutex<BTreeSet<ComponentId>>,
}

/// What the cache has of a component.
pub(super) enum Cached {
    Hit(Box<Artifact>),
    Corrupt { key: String, error: StoreError },
    Missing,
}

impl Store {
    /// Opens the store and removes what killed runs left in its scratch space.
    pub fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let cache = Cache::new(config.home.clone());
        // A filled store that cannot be written to still serves.
        let _ = cache.sweep();
        Ok(Self {
            config,
            cache,
            verified: Mutex::default(),
        })
    }

    /// [`Self::open`] with [`StoreConfig::from_env`].
    pub fn from_env() -> Result<Self, StoreError> {
        Self::open(StoreConfig::from_env()?)
    }

    /// Lets another thread end what this store is doing.
    pub fn canceller(&self) -> Cancel {
        self.config.cancel.clone()
    }

    /// The `java` that runs Kafka: of `JAVA_HOME` if set, else on `PATH`. One that is too old is an error.
    pub fn java(&self) -> Result<PathBuf, StoreError> {
        java::find(&self.config).map(|tool| tool.path)
    }

    /// Hands out one component, fetching or building it first where needed. Blocks.
    pub fn obtain(&self, id: ComponentId, progress: &dyn Progress) -> Result<Artifact, StoreError> {
        let found = self.obtain_all(&[id], progress)?.remove(&id);
        found.ok_or_else(|| StoreError::unknown_component(id.as_str()))
    }

    /// Hands out several. Small ones come first, beside the Go builds, which share their caches.
    ///
    /// What has to be installed for that is looked for first, all of it. Whatever comes from the cache
    /// is read whole and compared with its checksums once in the life of this store; what is not intact
    /// is replaced, with a note.
    pub fn obtain_all(
        &self,
        ids: &[ComponentId],
        progress: &dyn Progress,
    ) -> Result<BTreeMap<ComponentId, Artifact>, StoreError> {
        let wanted: BTreeSet<ComponentId> = ids.iter().copied().collect();
        let ordered: Vec<_> = ComponentId::ALL
            .into_iter()
            .filter(|id| wanted.contains(id))
            .collect();
        self.check_tools(&ordered)?;
        let (built, packaged): (Vec<_>, Vec<_>) =
            ordered.into_iter().partition(|id| self.may_be_built(*id));
        let failed = AtomicBool::new(false);
        let (packaged, built) = thread::scope(|scope| {
            let packaged = scope.spawn(|| self.lane(&packaged, progress, &failed));
            let built = self.lane(&built, progress, &failed);
            (packaged.join().unwrap_or_else(|_| Err(panicked())), built)
        });
        let mut found = packaged?;
        found.extend(built?);
        Ok(found)
    }

    /// One after the other. Where another lane has failed, what runs is finished, so that the next try
    /// need not do it again, and nothing more is begun.
    fn lane(
        &self,
        ids: &[ComponentId],
        progress: &dyn Progress,
        failed: &AtomicBool,
    ) -> Result<BTreeMap<ComponentId, Artifact>, StoreError> {
        let workshop = Workshop::new(&self.config, &self.cache);
        let mut found = BTreeMap::new();
        let mut outcome = Ok(());
        for &id in ids {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let report = Reporter { id, progress };
            match self.obtain_one(report, &workshop) {
                Ok(artifact) => {
                    found.insert(id, artifact);
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    report.note(&format!("failed to {error}"));
                    outcome = Err(error);
                }
            }
        }
        let last = ids.last().copied();
        if let (Some(bytes), Some(id)) = (workshop.clear(), last) {
            Reporter { id, progress }
                .note(&format!("removed {} MB of build caches", bytes / fetch::MB));
        }
        outcome.map(|()| found)
    }

    fn may_be_built(&self, id: ComponentId) -> bool {
        let pinned = self.config.manifest.pinned(id);
        pinned.is_ok_and(|pinned| {
            pinned
                .sources
                .iter()
                .any(|source| matches!(source, Source::Go(_)))
        })
    }

    fn obtain_one(
        &self,
        report: Reporter<'_>,
        workshop: &Workshop<'_>,
    ) -> Result<Artifact, StoreError> {
        let depth = self.depth(report.id);
        let mut artifact = self.locate(report, workshop)?;
        if report.id == ComponentId::Kafka {
            artifact.class_archive =
                class_archive::prepare(&self.config, &self.cache, &artifact, depth, report);
        }
        Ok(artifact)
    }

    fn locate(
        &self,
        report: Reporter<'_>,
        workshop: &Workshop<'_>,
    ) -> Result<Artifact, StoreError> {
        let id = report.id;
        let pinned = self.config.manifest.pinned(id)?;
        if let Some(path) = self.config.given.get(&id) {
            return installed::given(&self.config, id, pinned, path);
        }
        let unfit = match installed::on_path(&self.config, id, pinned)? {
            OnPath::Fit(artifact) => return Ok(*artifact),
            OnPath::Unfit { path, version } => Some((path, version)),
            OnPath::Absent => None,
        };
        if let Cached::Hit(artifact) = self.cached_and_verified(id)? {
            return Ok(*artifact);
        }
        if let Some((path, version)) = unfit {
            report.note(&format!(
                "{} is version {version}, {} is wanted",
                path.display(),
                pinned.wanted()
            ));
        }
        let _guard = self.cache.lock(report)?;
        // Whoever held the lock before may have done the work.
        match self.cached_and_verified(id)? {
            Cached::Hit(artifact) => return Ok(*artifact),
            Cached::Corrupt { key, error } => {
                report.note(&format!("failed to {error}; replacing it now"));
                self.cache
                    .discard(&self.cache.scratch(id.as_str())?, id, &key)?;
            }
            Cached::Missing => {}
        }
        self.fetch(report, pinned, workshop)
    }

    /// Looks in the cache, at every byte when it is the first time.
    fn cached_and_verified(&self, id: ComponentId) -> Result<Cached, StoreError> {
        let cached = self.cached(id, self.depth(id))?;
        if matches!(cached, Cached::Hit(_)) {
            self.verified().insert(id);
        }
        Ok(cached)
    }

    fn depth(&self, id: ComponentId) -> Depth {
        if self.verified().contains(&id) {
            Depth::Stamp
        } else {
            Depth::Full
        }
    }

    fn verified(&self) -> MutexGuard<'_, BTreeSet<ComponentId>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks in the cache, for an entry of this machine's Go first.
    pub(super) fn cached(&self, id: ComponentId, depth: Depth) -> Result<Cached, StoreError> {
        let pinned = self.config.manifest.pinned(id)?;
        for source in &pinned.sources {
            let Some(key) = self.key_in_cache(id, pinned, source)? else {
                continue;
            };
            match self.cache.load(id, &key, depth) {
                Ok(Some(record)) => {
                    return Ok(Cached::Hit(Box::new(
                        self.artifact(id, &key, pinned, record),
                    )));
                }
                Ok(None) => {}
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                    return Ok(Cached::Corrupt { key, error });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Cached::Missing)
    }

    fn key_in_cache(
        &self,
        id: ComponentId,
        pinned: &Pinned,
        source: &Source,
    ) -> Result<Option<String>, StoreError> {
        let source_key = key::of_source(pinned, source)?;
        let mut keys = self.cache.keys(id, &source_key);
        if let (Source::Go(_), Some(toolchain)) = (source, go::installed(&self.config)) {
            let preferred = key::of_build(&source_key, &toolchain);
            keys.sort_by_key(|key| *key != preferred);
        }
        Ok(keys.into_iter().next())
    }

    pub(super) fn artifact(
        &self,
        id: ComponentId,
        key: &str,
        pinned: &Pinned,
        record: Record,
    ) -> Artifact {
        Artifact::from_record(id, self.cache.files_dir(id, key), &pinned.entry, record)
    }
}

fn panicked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Io,
        "fetch: a worker panicked",
        "report this with the output above it",
    )
}
