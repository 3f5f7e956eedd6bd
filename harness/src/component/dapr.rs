//! Dapr: scheduler and placement for the stack, one sidecar an app.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::site::Site;
use crate::error::StackError;
use crate::provider::{Endpoint, HttpProbe, ServiceId, ServiceSpec, StopSignal};
use crate::store::Artifact;

/// Ready in 0.1 s; its embedded etcd writes 64 MB first, which a busy disk draws out.
const CONTROL_READY_WITHIN: Duration = Duration::from_secs(20);
/// Ready in 0.4 s, once the app's port answers; the app is started at the same time.
const SIDECAR_READY_WITHIN: Duration = Duration::from_secs(40);

/// 1.16 takes this flag of the control plane's and listens on every interface all the same: it never
/// passes it on to the server. Health cannot be switched off, so README and report say it.
const HEALTH_ON_LOOPBACK: &str = "--healthz-listen-address=127.0.0.1";
/// The same is true of the address for metrics. Nothing here reads those of the control plane, so that
/// port is not opened at all.
const NO_METRICS: &str = "--enable-metrics=false";

/// A planned service of Dapr's control plane, and where sidecars find it.
#[derive(Debug, Clone)]
pub struct ControlService {
    pub address: SocketAddr,
    pub spec: ServiceSpec,
}

/// Keeps jobs, in an etcd of its own.
pub fn scheduler(artifact: &Artifact, site: &Site) -> Result<ControlService, StackError> {
    let address = site.address("scheduler")?;
    let health = site.address("scheduler's health")?;
    let client = site.address("scheduler's etcd client")?;
    let peer = site.address("scheduler's etcd peer")?;
    let home = site.temp_dir("scheduler")?;
    let id = "scheduler-0";
    let args = vec![
        format!("--port={}", address.port()),
        "--listen-address=127.0.0.1".to_owned(),
        format!("--override-broadcast-host-port={address}"),
        format!("--healthz-port={}", health.port()),
        HEALTH_ON_LOOPBACK.to_owned(),
        NO_METRICS.to_owned(),
        format!("--id={id}"),
        format!("--etcd-data-dir={}", home.join("etcd").display()),
        format!("--etcd-client-port={}", client.port()),
        format!("--etcd-initial-cluster={id}=http://{peer}"),
    ];
    Ok(control("scheduler", artifact, address, health, home, args))
}

/// Tells sidecars where actors are. Nothing here uses actors, but a sidecar expects to find it.
pub fn placement(artifact: &Artifact, site: &Site) -> Result<ControlService, StackError> {
    let address = site.address("placement")?;
    let health = site.address("placement's health")?;
    let raft = site.address("placement's raft")?;
    let home = site.temp_dir("placement")?;
    let id = "placement-0";
    let args = vec![
        format!("--port={}", address.port()),
        "--listen-address=127.0.0.1".to_owned(),
        format!("--healthz-port={}", health.port()),
        HEALTH_ON_LOOPBACK.to_owned(),
        NO_METRICS.to_owned(),
        format!("--id={id}"),
        format!("--initial-cluster={id}={raft}"),
    ];
    Ok(control("placement", artifact, address, health, home, args))
}

fn control(
    name: &str,
    artifact: &Artifact,
    address: SocketAddr,
    health: SocketAddr,
    home: PathBuf,
    args: Vec<String>,
) -> ControlService {
    let spec = ServiceSpec {
        id: ServiceId::shared(name),
        program: artifact.entry.clone(),
        args,
        env: Vec::new(),
        working_dir: home,
        run_as: None,
        endpoints: vec![Endpoint::new("grpc", address.to_string())],
        readiness: Arc::new(HttpProbe::new(format!("http://{health}/healthz"))),
        ready_within: CONTROL_READY_WITHIN,
        stop_signal: StopSignal::Term,
        provenance: Some(artifact.provenance.clone()),
    };
    ControlService { address, spec }
}

/// What a sidecar is told.
#[derive(Debug, Clone)]
pub struct SidecarPlan {
    pub id: ServiceId,
    pub app_id: String,
    pub app: SocketAddr,
    /// Where the app expects its sidecar.
    pub http: SocketAddr,
    pub resources: Vec<PathBuf>,
    pub config: PathBuf,
    /// What the component files refer to.
    pub env: Vec<(String, String)>,
    /// Shared by the sidecars of a lane: the name resolution's file is named relative to it.
    pub working_dir: PathBuf,
    pub scheduler: SocketAddr,
    pub placement: SocketAddr,
}

/// The plan of one sidecar.
///
/// Deliveries to the app go one at a time. Two that fail in the same instant are confused with one
/// another in 1.16.5: one of the errors is counted twice, and the other delivery passes for done, so
/// that its event is lost (docs/decisions, "One delivery at a time").
///
/// The app health check is off. It closes the subscription of an app that is down and opens it again
/// later, and deliveries that were under way in between can be lost to the group or leave it standing
/// still (1.16.5). Deliveries to a dead app are retried without bound by the resiliency policy instead.
pub fn sidecar(
    artifact: &Artifact,
    plan: SidecarPlan,
    site: &Site,
) -> Result<ServiceSpec, StackError> {
    let grpc = site.address("sidecar's gRPC")?;
    let internal = site.address("sidecar's internal gRPC")?;
    let metrics = site.address("sidecar's metrics")?;
    let mut args = vec![
        format!("--app-id={}", plan.app_id),
        format!("--app-port={}", plan.app.port()),
        format!("--app-channel-address={}", plan.app.ip()),
        "--app-protocol=http".to_owned(),
        format!("--dapr-http-port={}", plan.http.port()),
        format!("--dapr-grpc-port={}", grpc.port()),
        format!("--dapr-internal-grpc-port={}", internal.port()),
        "--dapr-listen-addresses=127.0.0.1".to_owned(),
        "--dapr-internal-grpc-listen-address=127.0.0.1".to_owned(),
        format!("--metrics-port={}", metrics.port()),
        "--metrics-listen-address=127.0.0.1".to_owned(),
        format!("--config={}", plan.config.display()),
        format!("--placement-host-address={}", plan.placement),
        format!("--scheduler-host-address={}", plan.scheduler),
        "--app-max-concurrency=1".to_owned(),
    ];
    args.extend(
        plan.resources
            .iter()
            .map(|dir| format!("--resources-path={}", dir.display())),
    );
    Ok(ServiceSpec {
        id: plan.id,
        program: artifact.entry.clone(),
        args,
        env: plan.env,
        working_dir: plan.working_dir,
        run_as: None,
        endpoints: vec![
            Endpoint::new("http", format!("http://{}", plan.http)),
            Endpoint::new("grpc", grpc.to_string()),
            Endpoint::new("metrics", format!("http://{metrics}/metrics")),
        ],
        readiness: Arc::new(HttpProbe::new(format!("http://{}/v1.0/healthz", plan.http))),
        ready_within: SIDECAR_READY_WITHIN,
        stop_signal: StopSignal::Term,
        provenance: Some(artifact.provenance.clone()),
    })
}
