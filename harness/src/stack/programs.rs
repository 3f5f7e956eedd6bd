//! What a stack's services are executed from: files of this machine, or images of an engine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use gauntlet_reports::Provenance;

use super::context::StackContext;
use super::obtain::obtain;
use super::runs_on::RunsOn;
use super::topology::StackKind;
use crate::component::Runnable;
use crate::error::{StackError, StackErrorKind};
use crate::image::{Images, Part};
use crate::store::ComponentId;

/// Said of a sidecar's image whose files the harness may not look at, because its memory depends on it.
const PAGES_LEFT: &str = "; its pages stay in the page cache as they are, see decision 0013 on what that does to its memory";

/// Everything that a stack executes.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) redis: Runnable,
    pub(super) postgres: Runnable,
    pub(super) system: Runnable,
    /// None on the light stack.
    pub(super) beyond_light: Option<BeyondLight>,
}

#[derive(Debug, Clone)]
pub(super) struct BeyondLight {
    pub(super) kafka: Runnable,
    /// The JVM that runs it as a process; an image has its own.
    pub(super) java: PathBuf,
    pub(super) scheduler: Runnable,
    pub(super) placement: Runnable,
    pub(super) daprd: Runnable,
}

impl Programs {
    /// Gets all of them, however long that takes.
    pub(super) async fn obtain(
        kind: StackKind,
        context: &StackContext,
    ) -> Result<Self, StackError> {
        match &context.runs_on {
            RunsOn::Processes => Self::of_store(kind, context).await,
            RunsOn::Containers(images) => Self::of_images(kind, images, context).await,
        }
    }

    async fn of_store(kind: StackKind, context: &StackContext) -> Result<Self, StackError> {
        let artifacts = obtain(
            Arc::clone(&context.store),
            kind.components(),
            Arc::clone(&context.progress),
        )
        .await?;
        let system = context
            .system
            .obtain(&context.shim, &*context.notes)
            .await?;
        let runnables = artifacts
            .iter()
            .map(|(id, artifact)| (*id, Runnable::of_artifact(artifact)))
            .collect();
        let java = match kind {
            StackKind::Light => PathBuf::new(),
            StackKind::Full => context.store.java().map_err(|error| {
                let mend = error.mend().to_owned();
                StackError::new(StackErrorKind::Obtain, "find the JVM for kafka", mend)
                    .because(error)
            })?,
        };
        Self::assemble(kind, &runnables, java, system.runnable())
    }

    async fn of_images(
        kind: StackKind,
        images: &Images,
        context: &StackContext,
    ) -> Result<Self, StackError> {
        let mut runnables = BTreeMap::new();
        for id in kind.components() {
            let mut runnable = images.obtain(Part::Component(*id)).await?.runnable();
            if *id == ComponentId::Daprd && runnable.on_disk.is_none() {
                runnable.provenance.how.push_str(PAGES_LEFT);
            }
            runnables.insert(*id, runnable);
        }
        let system = images.system_of(&context.system, &context.shim, &*context.notes);
        Self::assemble(kind, &runnables, PathBuf::new(), system.await?.runnable())
    }

    fn assemble(
        kind: StackKind,
        runnables: &BTreeMap<ComponentId, Runnable>,
        java: PathBuf,
        system: Runnable,
    ) -> Result<Self, StackError> {
        let part = |id| {
            runnables.get(&id).cloned().ok_or_else(|| {
                let what = format!("find {id} among what was obtained");
                StackError::new(StackErrorKind::Obtain, what, "report this as a defect")
            })
        };
        let beyond_light = match kind {
            StackKind::Light => None,
            StackKind::Full => Some(BeyondLight {
                kafka: part(ComponentId::Kafka)?,
                java,
                scheduler: part(ComponentId::Scheduler)?,
                placement: part(ComponentId::Placement)?,
                daprd: part(ComponentId::Daprd)?,
            }),
        };
        Ok(Self {
            redis: part(ComponentId::Redis)?,
            postgres: part(ComponentId::Postgres)?,
            system,
            beyond_light,
        })
    }

    /// Where each of them came from, the system last.
    pub(super) fn provenance(&self) -> Vec<Provenance> {
        let beyond = self.beyond_light.iter();
        let beyond =
            beyond.flat_map(|full| [&full.kafka, &full.daprd, &full.scheduler, &full.placement]);
        [&self.redis, &self.postgres]
            .into_iter()
            .chain(beyond)
            .chain([&self.system])
            .map(|runnable| runnable.provenance.clone())
            .collect()
    }
}
