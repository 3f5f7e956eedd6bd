use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use gauntlet_contract::config::Role;

use crate::error::StackError;
use crate::provider::{Instance, Provider, RunContext, ServiceId, Stopped};

/// In the order in which they are stopped: nobody loses what it needs while it drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    /// Processes of the system that no other one calls.
    Consumer,
    /// The process that consumers call while they finish what they have begun.
    Api,
    Sidecar,
    Infrastructure,
}

impl Layer {
    const ALL: [Layer; 4] = [
        Layer::Consumer,
        Layer::Api,
        Layer::Sidecar,
        Layer::Infrastructure,
    ];

    /// Where a role's process belongs.
    pub(super) fn of(role: Role) -> Self {
        match role {
            Role::Api => Self::Api,
            Role::Recurring | Role::Audit => Self::Consumer,
        }
    }
}

/// How a stack ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Services that did not end within the grace and were killed.
    pub forced: Vec<ServiceId>,
    /// Services that were gone before they were asked.
    pub gone_before: Vec<ServiceId>,
}

/// Everything of a run that was started, from the moment of its start.
#[derive(Debug)]
pub(super) struct Roster {
    run: Arc<RunContext>,
    provider: Arc<dyn Provider>,
    members: Mutex<Vec<(Layer, Arc<dyn Instance>)>>,
    stopped: AtomicBool,
}

impl Roster {
    pub(super) fn new(run: Arc<RunContext>, provider: Arc<dyn Provider>) -> Self {
        Self {
            run,
            provider,
            members: Mutex::new(Vec::new()),
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn add(&self, layer: Layer, instance: Arc<dyn Instance>) {
        self.members
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((layer, instance));
    }

    /// All instances, infrastructure first.
    pub(super) fn all(&self) -> Vec<Arc<dyn Instance>> {
        let mut members = self
            .members
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        members.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.id().cmp(right.id())));
        members.into_iter().map(|(_, instance)| instance).collect()
    }

    pub(super) fn find(&self, id: &ServiceId) -> Option<Arc<dyn Instance>> {
        self.all().into_iter().find(|instance| instance.id() == id)
    }

    /// Leaves out what was stopped for good, so that another may stand in its place.
    pub(super) fn remove(&self, id: &ServiceId) {
        self.members
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(_, instance)| instance.id() != id);
    }

    /// Stops layer after layer, each one's members at once, and removes the run's temporary files.
    ///
    /// One that cannot be stopped keeps the others from nothing: its error comes at the end.
    pub(super) async fn stop(&self, grace: Duration) -> Result<StopReport, StackError> {
        let mut report = StopReport::default();
        let mut failure = None;
        for layer in Layer::ALL {
            let members: Vec<_> = self
                .members
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let of_layer = members.into_iter().filter(|(of, _)| *of == layer);
            let stops = of_layer.map(|(_, instance)| async move {
                (instance.id().clone(), instance.stop(grace).await)
            });
            for (id, outcome) in join_all(stops).await {
                match outcome {
                    Ok(Stopped::InGoodOrder) => {}
                    Ok(Stopped::ByForce) => report.forced.push(id),
                    Ok(Stopped::AlreadyGone) => report.gone_before.push(id),
                    Err(error) => failure = Some(error),
                }
            }
        }
        self.stopped.store(true, Ordering::Release);
        if let Err(error) = self.provider.close().await {
            self.run.give_up()?;
            return Err(error);
        }
        self.run.close()?;
        failure.map_or(Ok(report), Err)
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        if self.stopped.load(Ordering::Acquire) {
            return;
        }
        let members = self.all();
        if !members.is_empty() {
            tracing::error!(
                run_id = self.run.run_id(),
                "stack dropped without having been stopped, killing it"
            );
        }
        for instance in members {
            instance.abandon();
        }
        if let Err(error) = self.run.give_up() {
            tracing::error!(%error, "failed to clean up after the stack; the next start will");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use async_trait::async_trait;
    use gauntlet_reports::Provenance;

    use super::*;
    use crate::error::StackErrorKind;
    use crate::provider::process::{Launcher, ProcessProvider};
    use crate::provider::{Endpoint, Exit, Health, Signal, StateDir};

    /// Writes its name down when it is stopped, and does as it is told.
    #[derive(Debug)]
    struct Dummy {
        id: ServiceId,
        stops: Arc<Mutex<Vec<String>>>,
        outcome: Option<Stopped>,
    }

    #[async_trait]
    impl Instance for Dummy {
        fn id(&self) -> &ServiceId {
            &self.id
        }

        fn endpoints(&self) -> &[Endpoint] {
            &[]
        }

        fn provenance(&self) -> Option<&Provenance> {
            None
        }

        fn logs(&self) -> PathBuf {
            PathBuf::new()
        }

        fn pid(&self) -> Option<u32> {
            None
        }

        fn exit(&self) -> Option<Exit> {
            None
        }

        fn ready_within(&self) -> Duration {
            Duration::ZERO
        }

        async fn ready(&self, _: Duration) -> Result<Duration, StackError> {
            Ok(Duration::ZERO)
        }

        async fn health(&self) -> Health {
            Health::Healthy
        }

        async fn signal(&self, _: Signal) -> Result<(), StackError> {
            Ok(())
        }

        async fn ended(&self) -> Exit {
            Exit::Code(0)
        }

        async fn restart(&self) -> Result<(), StackError> {
            Ok(())
        }

        async fn stop(&self, _: Duration) -> Result<Stopped, StackError> {
            self.stops.lock().unwrap().push(self.id.to_string());
            self.outcome
                .ok_or_else(|| StackError::new(StackErrorKind::NotReady, "end it", "wait"))
        }

        fn abandon(&self) {
            self.stops
                .lock()
                .unwrap()
                .push(format!("{} by force", self.id));
        }
    }

    struct Party {
        roster: Roster,
        stops: Arc<Mutex<Vec<String>>>,
    }

    fn party(dir: &Path, members: &[(Layer, &str, Option<Stopped>)]) -> Party {
        let run_id = uuid::Uuid::new_v4().simple().to_string();
        let run = RunContext::open(&StateDir::at(dir.join("state")), &run_id, dir).unwrap();
        let provider = Arc::new(ProcessProvider::new(Launcher {
            shim: PathBuf::new(),
        }));
        let (roster, stops) = (Roster::new(Arc::new(run), provider), Arc::default());
        for (layer, name, outcome) in members {
            let (id, stops, outcome) = (ServiceId::shared(name), Arc::clone(&stops), *outcome);
            roster.add(*layer, Arc::new(Dummy { id, stops, outcome }));
        }
        Party { roster, stops }
    }

    const FINE: Option<Stopped> = Some(Stopped::InGoodOrder);

    #[tokio::test]
    async fn consumers_end_before_the_api_then_sidecars_and_infrastructure_last() {
        let dir = tempfile::tempdir().unwrap();
        let members = [
            (Layer::Infrastructure, "kafka", Some(Stopped::ByForce)),
            (Layer::of(Role::Api), "api", FINE),
            (Layer::Sidecar, "api-sidecar", Some(Stopped::AlreadyGone)),
            (Layer::of(Role::Recurring), "recurring", FINE),
            (Layer::of(Role::Audit), "audit", FINE),
        ];
        let Party { roster, stops } = party(dir.path(), &members);
        let report = roster.stop(Duration::from_secs(1)).await.unwrap();
        assert_eq!(
            *stops.lock().unwrap(),
            ["recurring", "audit", "api", "api-sidecar", "kafka"]
        );
        assert_eq!(report.forced, [ServiceId::shared("kafka")]);
        assert_eq!(report.gone_before, [ServiceId::shared("api-sidecar")]);
        drop(roster);
        assert_eq!(
            stops.lock().unwrap().len(),
            5,
            "a stopped stack is not killed again"
        );
    }

    #[tokio::test]
    async fn one_that_does_not_end_keeps_no_other_from_ending() {
        let dir = tempfile::tempdir().unwrap();
        let members = [
            (Layer::Consumer, "stuck", None),
            (Layer::Infrastructure, "kafka", FINE),
        ];
        let Party { roster, stops } = party(dir.path(), &members);
        let error = roster.stop(Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.kind(), StackErrorKind::NotReady);
        assert_eq!(*stops.lock().unwrap(), ["stuck", "kafka"]);
    }

    #[tokio::test]
    async fn a_roster_that_is_dropped_kills_and_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let Party { roster, stops } = party(dir.path(), &[(Layer::Api, "api", FINE)]);
        let temp = roster.run.temp().to_owned();
        assert!(temp.is_dir());
        drop(roster);
        assert_eq!(*stops.lock().unwrap(), ["api by force"]);
        assert!(!temp.exists());
    }
}
