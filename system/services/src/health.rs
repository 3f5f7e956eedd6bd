//! Whether the process is alive, and whether it can do its work.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A part that does not answer within this is as bad as absent. Shorter than a usual probe's own
/// timeout, so that the probe hears the reason.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// What a probe answers: nothing, or why the part is of no use.
pub type ProbeResult = Result<(), String>;

/// Asks one part of the process's surroundings.
#[derive(Clone)]
pub struct Probe {
    pub component: Component,
    /// What is asked, by the name that an operator knows.
    pub name: Arc<str>,
    pub ask: Arc<dyn Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync>,
}

impl Probe {
    pub fn new<F>(
        component: Component,
        name: &str,
        ask: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ProbeResult> + Send + 'static,
    {
        Self {
            component,
            name: name.into(),
            ask: Arc::new(move || Box::pin(ask())),
        }
    }

    /// The same, with each answer given again for as long as this. Of several who ask at the same time one
    /// asks, and the others are told; one who gives up waiting leaves nothing behind.
    #[must_use]
    pub fn remembering(self, validity: Duration) -> Self {
        let last: Arc<Mutex<Option<(Instant, ProbeResult)>>> = Arc::default();
        let ask = self.ask;
        let remembered = move || -> BoxFuture<'static, ProbeResult> {
            let (last, ask) = (Arc::clone(&last), Arc::clone(&ask));
            Box::pin(async move {
                let mut last = last.lock().await;
                if let Some((asked_at, answer)) = &*last
                    && asked_at.elapsed() < validity
                {
                    return answer.clone();
                }
                let answer = ask().await;
                *last = Some((Instant::now(), answer.clone()));
                answer
            })
        };
        Self {
            ask: Arc::new(remembered),
            ..self
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("component", &self.component)
            .finish_non_exhaustive()
    }
}

/// The parts that health is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    Database,
    /// The sidecar. Asked only in Dapr mode.
    Dapr,
    /// Publishing, as the relay last saw it. Not needed to serve: the outbox keeps the events.
    Publishing,
    /// Consuming: subscribed and assigned.
    Consuming,
    /// That what the sidecar delivers is let in. Not needed: whoever reaches the port can have himself
    /// refused, and must not take the process out of service by that.
    Deliveries,
    /// The store of state that is no truth.
    State,
    /// Where secrets are looked for. They were found at the start, and are not needed again.
    Secrets,
    /// Calls to other roles. What needs them tries again until they come through.
    Invocation,
    /// The passes over due series.
    Schedule,
}

impl Component {
    /// Whether the process is of no use without it. Taking an api out of service because a broker is
    /// away would turn an outage of the bus into one of the API.
    fn is_needed(self) -> bool {
        match self {
            Component::Database | Component::Dapr | Component::Consuming => true,
            Component::Publishing
            | Component::Deliveries
            | Component::State
            | Component::Secrets
            | Component::Invocation
            | Component::Schedule => false,
        }
    }
}

/// How a component or the whole is. The first three are ordered from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Healthy,
    /// Works, but something that it can bear is amiss.
    Degraded,
    Unhealthy,
    /// On its way out: takes no new work.
    Draining,
    /// Not in use in this process.
    Disabled,
}

#[derive(Clone, Debug, Serialize)]
pub struct ComponentReport {
    pub status: Status,
    /// What is behind it, such as `kafka` or the name of a sidecar's component; none where not in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    pub reachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct DaprReport {
    /// Degraded where it is reachable, and what it delivers is refused.
    pub status: Status,
    pub sidecar_reachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What each part answered.
#[derive(Clone, Debug, Serialize)]
pub struct Components {
    pub dapr: DaprReport,
    pub database: ComponentReport,
    /// The worse of publishing and consuming.
    pub pubsub: ComponentReport,
    pub statestore: ComponentReport,
    pub secrets: ComponentReport,
    /// The worse of calls to other roles and what depends on them alone.
    pub invocation: ComponentReport,
}

/// The body of every health endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub status: Status,
    pub timestamp: Timestamp,
    pub service: String,
    pub components: Components,
}

impl Report {
    /// Whether new work may be sent here.
    pub fn is_ready(&self) -> bool {
        matches!(self.status, Status::Healthy | Status::Degraded)
    }
}

/// The process's health. Clones share their state.
#[derive(Clone, Debug)]
pub struct Health {
    service: Arc<str>,
    probes: Arc<[Probe]>,
    is_draining: Arc<AtomicBool>,
}

impl Health {
    pub fn new(service: &str, probes: Vec<Probe>) -> Self {
        Self {
            service: service.into(),
            probes: probes.into(),
            is_draining: Arc::default(),
        }
    }

    /// From now on the process is not ready.
    pub fn start_draining(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    /// Asks every part, all at once: the slowest decides how long a probe waits, not their sum.
    pub async fn report(&self) -> Report {
        let answers = join_all(self.probes.iter().map(ask)).await;
        let worst = answers
            .iter()
            .map(|answer| match &answer.result {
                Ok(()) => Status::Healthy,
                Err(_) if answer.component.is_needed() => Status::Unhealthy,
                Err(_) => Status::Degraded,
            })
            .max()
            .unwrap_or(Status::Healthy);
        let status = if self.is_draining.load(Ordering::Acquire) {
            Status::Draining
        } else {
            worst
        };
        Report {
            status,
            timestamp: Timestamp::now(),
            service: self.service.to_string(),
            components: components(&answers),
        }
    }
}

async fn ask(probe: &Probe) -> Answer {
    let answer = tokio::time::timeout(PROBE_TIMEOUT, (probe.ask)())
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {PROBE_TIMEOUT:?}")));
    Answer {
        component: probe.component,
        name: Arc::clone(&probe.name),
        result: answer,
    }
}

struct Answer {
    component: Component,
    name: Arc<str>,
    result: ProbeResult,
}

/// A part that no probe asks for is not in use in this process.
fn components(answers: &[Answer]) -> Components {
    let of = |wanted: &[Component]| {
        let asked = || {
            answers
                .iter()
                .filter(|answer| wanted.contains(&answer.component))
        };
        let name = asked().next().map(|answer| answer.name.to_string());
        let failed = asked().find_map(|answer| answer.result.as_ref().err());
        let status = match (&name, failed) {
            (None, _) => Status::Disabled,
            (Some(_), None) => Status::Healthy,
            (Some(_), Some(_)) => Status::Unhealthy,
        };
        ComponentReport {
            status,
            component: name,
            reachable: status == Status::Healthy,
            detail: failed.cloned(),
        }
    };
    Components {
        dapr: sidecar(of(&[Component::Dapr]), of(&[Component::Deliveries])),
        database: of(&[Component::Database]),
        pubsub: of(&[Component::Publishing, Component::Consuming]),
        statestore: of(&[Component::State]),
        secrets: of(&[Component::Secrets]),
        invocation: of(&[Component::Invocation, Component::Schedule]),
    }
}

/// Of a sidecar that is not reachable its deliveries tell nothing more.
fn sidecar(dapr: ComponentReport, deliveries: ComponentReport) -> DaprReport {
    let refused = deliveries.detail.filter(|_| dapr.reachable);
    DaprReport {
        status: match refused {
            Some(_) => Status::Degraded,
            None => dapr.status,
        },
        sidecar_reachable: dapr.reachable,
        detail: dapr.detail.or(refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(component: Component, answer: ProbeResult) -> Probe {
        Probe::new(component, "planted", move || {
            std::future::ready(answer.clone())
        })
    }

    fn failed() -> ProbeResult {
        Err("gone".to_owned())
    }

    #[tokio::test]
    async fn a_needed_part_that_fails_makes_the_process_unready() {
        let probes = vec![
            probe(Component::Publishing, Ok(())),
            probe(Component::Database, failed()),
        ];
        let report = Health::new("api", probes).report().await;
        assert_eq!(report.status, Status::Unhealthy);
        assert!(!report.is_ready());
        assert_eq!(report.components.database.detail.as_deref(), Some("gone"));
        assert_eq!(report.components.dapr.status, Status::Disabled);
        assert_eq!(report.components.statestore.status, Status::Disabled);
        assert_eq!(report.components.statestore.component, None);
    }

    #[tokio::test]
    async fn what_has_done_its_work_or_is_tried_again_does_not_make_the_process_unready() {
        for component in [
            Component::State,
            Component::Secrets,
            Component::Invocation,
            Component::Schedule,
        ] {
            let report = Health::new("recurring", vec![probe(component, failed())])
                .report()
                .await;
            assert_eq!(report.status, Status::Degraded, "{component:?}");
            assert!(report.is_ready());
        }
    }

    #[tokio::test]
    async fn a_sidecar_that_is_refused_shows_and_leaves_the_process_ready() {
        let probes = |sidecar, deliveries| {
            vec![
                probe(Component::Dapr, sidecar),
                probe(Component::Deliveries, deliveries),
            ]
        };
        let refused = Err("refused".to_owned());
        let health = Health::new("audit", probes(Ok(()), refused.clone()));
        let report = health.report().await;
        assert_eq!(report.status, Status::Degraded);
        assert!(report.is_ready());
        let dapr = report.components.dapr;
        assert_eq!(dapr.status, Status::Degraded);
        assert!(dapr.sidecar_reachable);
        assert_eq!(dapr.detail.as_deref(), Some("refused"));

        let health = Health::new("audit", probes(failed(), refused));
        let dapr = health.report().await.components.dapr;
        assert_eq!(dapr.status, Status::Unhealthy);
        assert_eq!(dapr.detail.as_deref(), Some("gone"));

        let health = Health::new("audit", probes(Ok(()), Ok(())));
        let dapr = health.report().await.components.dapr;
        assert_eq!(dapr.status, Status::Healthy);
        assert_eq!(dapr.detail, None);
    }

    #[tokio::test]
    async fn publishing_that_fails_degrades_but_the_outbox_bears_it() {
        let probes = vec![
            probe(Component::Database, Ok(())),
            probe(Component::Publishing, failed()),
        ];
        let report = Health::new("api", probes).report().await;
        assert_eq!(report.status, Status::Degraded);
        assert!(report.is_ready());
        assert_eq!(report.components.pubsub.status, Status::Unhealthy);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_does_not_answer_counts_as_failed() {
        let silent = Probe::new(Component::Database, "silent", std::future::pending);
        let report = Health::new("api", vec![silent]).report().await;
        assert!(!report.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_remembered_answer_is_given_again_until_it_is_too_old() {
        let validity = Duration::from_secs(10);
        let answers = Arc::new(std::sync::Mutex::new(vec![failed(), Ok(())]));
        let probe = Probe::new(Component::Secrets, "planted", move || {
            let next = answers.lock().unwrap().pop();
            std::future::ready(next.expect("asked too often"))
        });
        let health = Health::new("api", vec![probe.remembering(validity)]);
        let status = async || health.report().await.components.secrets.status;
        for _ in 0..3 {
            assert_eq!(status().await, Status::Healthy);
        }
        tokio::time::advance(validity).await;
        for _ in 0..3 {
            assert_eq!(status().await, Status::Unhealthy);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_was_given_up_is_asked_again() {
        let is_silent = Arc::new(AtomicBool::new(true));
        let silent = Arc::clone(&is_silent);
        let probe = Probe::new(Component::Secrets, "planted", move || {
            let silent = silent.load(Ordering::Acquire);
            async move {
                if silent {
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        });
        let probe = probe.remembering(Duration::from_hours(1));
        let health = Health::new("api", vec![probe]);
        let status = async || health.report().await.components.secrets.status;
        assert_eq!(status().await, Status::Unhealthy);
        is_silent.store(false, Ordering::Release);
        assert_eq!(status().await, Status::Healthy);
    }

    #[tokio::test]
    async fn a_draining_process_is_not_ready() {
        let health = Health::new("api", vec![probe(Component::Database, Ok(()))]);
        assert!(health.report().await.is_ready());
        health.start_draining();
        assert!(!health.report().await.is_ready());
    }
}
