use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gauntlet_reports::evidence::Timing;

use super::keys::ServiceToken;
use super::programs::Programs;
use super::roster::{Layer, Roster};
use crate::component::{MountedFiles, Site};
use crate::error::{StackError, StackErrorKind};
use crate::provider::{Instance, ServiceSpec, Support};

/// What every step of the start needs.
#[derive(Debug)]
pub(super) struct Starter {
    pub(super) site: Site,
    pub(super) programs: Programs,
    pub(super) components: MountedFiles,
    pub(super) jwks: PathBuf,
    pub(super) service_token: ServiceToken,
    /// Whether each lane has a collector of its own.
    pub(super) collects_traces: bool,
    pub(super) roster: Arc<Roster>,
    pub(super) timings: Mutex<Vec<Timing>>,
}

impl Starter {
    /// Starts a service and waits until it says that it is ready.
    pub(super) async fn bring_up(
        &self,
        layer: Layer,
        spec: ServiceSpec,
    ) -> Result<Arc<dyn Instance>, StackError> {
        if let Support::Unavailable { reason } = self.site.provider.probe(&spec).await {
            let what = format!("start {}: {reason}", spec.id);
            return Err(StackError::new(
                StackErrorKind::Config,
                what,
                "run `gauntlet fetch`, or `gauntlet images` for containers",
            ));
        }
        let began = Instant::now();
        let (id, within) = (spec.id.clone(), spec.ready_within);
        let instance = self.site.provider.start(spec, &self.site.run).await?;
        // On the roster before it is ready: if it never is, it has to be stopped too.
        self.roster.add(layer, Arc::clone(&instance));
        instance.ready(within).await?;
        self.took(format!("{id}: ready"), began);
        Ok(instance)
    }

    pub(super) fn took(&self, what: impl Into<String>, since: Instant) {
        let timing = Timing {
            what: what.into(),
            seconds: since.elapsed().as_secs_f64(),
        };
        self.timings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(timing);
    }
}
