//! Dapr: scheduler and placement for the stack, one sidecar an app.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use testcontainers_dapr::flags::{AppProtocol, Metrics, Placement, Scheduler, Sidecar};

use super::runnable::Runnable;
use super::site::{Listener, Site};
use crate::error::StackError;
use crate::provider::{Endpoint, HttpProbe, Limits, Mount, ServiceId, ServiceSpec, StopSignal};

/// Ready in 0.1 s; its embedded etcd writes 64 MB first, which a busy disk draws out.
const CONTROL_READY_WITHIN: Duration = Duration::from_secs(20);
/// Ready in 0.4 s, once the app's port answers; the app is started at the same time.
const SIDECAR_READY_WITHIN: Duration = Duration::from_secs(40);

/// Its etcd maps what it writes.
const SCHEDULER_LIMITS: Limits = Limits::memory_mib(512);
const PLACEMENT_LIMITS: Limits = Limits::memory_mib(256);
/// Twice what it is asked to stay below (SC-007): the claim is judged by what is measured, not by a kill.
const SIDECAR_LIMITS: Limits = Limits::memory_mib(256);

/// A planned service of Dapr's control plane, and where sidecars find it.
#[derive(Debug, Clone)]
pub struct ControlService {
    /// `host:port`
    pub address: String,
    pub spec: ServiceSpec,
}

/// The ports of a service of the control plane.
struct Doors {
    id: ServiceId,
    grpc: Listener,
    health: Listener,
}

impl Doors {
    fn of(name: &str, site: &Site) -> Result<Self, StackError> {
        let id = ServiceId::shared(name);
        Ok(Self {
            grpc: site.listener(&id, name)?,
            health: site.listener(&id, &format!("{name}'s health"))?,
            id,
        })
    }
}

/// Keeps jobs, in an etcd of its own.
///
/// 1.16 takes addresses for its health and metrics and listens on every interface all the same: it never
/// passes them on to the server. Health cannot be switched off, so README and report say it; nothing here
/// reads the metrics of the control plane, so that port is not opened at all.
pub fn scheduler(scheduler: &Runnable, site: &Site) -> Result<ControlService, StackError> {
    let doors = Doors::of("scheduler", site)?;
    let client = site.private_address("scheduler's etcd client")?;
    let peer = site.private_address("scheduler's etcd peer")?;
    let home = site.writable_dir("scheduler")?;
    let flags = Scheduler {
        port: Some(doors.grpc.port()),
        listen_address: Some(doors.grpc.bind.ip().to_string()),
        override_broadcast_host_port: Some(doors.grpc.peers.clone()),
        healthz_port: Some(doors.health.port()),
        healthz_listen_address: Some(doors.health.bind.ip().to_string()),
        metrics: Metrics::Off,
        id: Some("scheduler-0".to_owned()),
        etcd_data_dir: Some(home.join("etcd")),
        etcd_client_port: Some(client.port()),
        etcd_peer_address: Some(peer.to_string()),
        extra: Vec::new(),
    };
    Ok(control(
        scheduler,
        doors,
        home,
        flags.args(),
        SCHEDULER_LIMITS,
        site,
    ))
}

/// Tells sidecars where actors are. Nothing here uses actors, but a sidecar expects to find it. Of its
/// health and metrics the same is true as of the scheduler's.
pub fn placement(placement: &Runnable, site: &Site) -> Result<ControlService, StackError> {
    let doors = Doors::of("placement", site)?;
    let raft = site.private_address("placement's raft")?;
    let home = site.writable_dir("placement")?;
    let flags = Placement {
        port: Some(doors.grpc.port()),
        listen_address: Some(doors.grpc.bind.ip().to_string()),
        healthz_port: Some(doors.health.port()),
        healthz_listen_address: Some(doors.health.bind.ip().to_string()),
        metrics: Metrics::Off,
        id: Some("placement-0".to_owned()),
        raft_address: Some(raft.to_string()),
        extra: Vec::new(),
    };
    Ok(control(
        placement,
        doors,
        home,
        flags.args(),
        PLACEMENT_LIMITS,
        site,
    ))
}

fn control(
    program: &Runnable,
    doors: Doors,
    home: PathBuf,
    args: Vec<String>,
    limits: Limits,
    site: &Site,
) -> ControlService {
    let ports = vec![doors.grpc.port(), doors.health.port()];
    let health = doors.health.harness;
    let spec = ServiceSpec {
        id: doors.id,
        program: program.entry.clone(),
        package: program.package(vec![Mount::writable(&home)], ports, limits),
        args,
        env: Vec::new(),
        working_dir: home,
        run_as: site.provider.run_as(),
        endpoints: vec![Endpoint::new("grpc", doors.grpc.harness.to_string())],
        readiness: Arc::new(HttpProbe::new(format!("http://{health}/healthz"))),
        ready_within: CONTROL_READY_WITHIN,
        stop_signal: StopSignal::Term,
        provenance: Some(program.provenance.clone()),
    };
    ControlService {
        address: doors.grpc.peers,
        spec,
    }
}

/// What a sidecar is told.
#[derive(Debug, Clone)]
pub struct SidecarPlan {
    pub id: ServiceId,
    pub app_id: String,
    pub app: Listener,
    /// Where the app expects its sidecar.
    pub http: Listener,
    pub resources: Vec<PathBuf>,
    pub config: PathBuf,
    /// What the component files refer to, the secrets that the app asks for, and the token that it is shown.
    /// Not for display.
    pub env: Vec<(String, String)>,
    /// Shared by the sidecars of a lane: the name resolution's file is named relative to it.
    pub working_dir: PathBuf,
    /// `host:port`
    pub scheduler: String,
    /// `host:port`
    pub placement: String,
}

/// What a sidecar without an app is told: the fields are those of [`SidecarPlan`].
#[derive(Debug, Clone)]
pub struct ClientPlan {
    pub id: ServiceId,
    pub app_id: String,
    pub http: Listener,
    pub resources: Vec<PathBuf>,
    pub config: PathBuf,
    pub env: Vec<(String, String)>,
    pub working_dir: PathBuf,
    /// `host:port`
    pub scheduler: String,
    /// `host:port`
    pub placement: String,
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
    daprd: &Runnable,
    plan: SidecarPlan,
    site: &Site,
) -> Result<ServiceSpec, StackError> {
    let client = ClientPlan {
        id: plan.id,
        app_id: plan.app_id,
        http: plan.http,
        resources: plan.resources,
        config: plan.config,
        env: plan.env,
        working_dir: plan.working_dir,
        scheduler: plan.scheduler,
        placement: plan.placement,
    };
    spec(daprd, Some(&plan.app), client, site)
}

/// The plan of a sidecar that nobody's app stands behind: it subscribes to nothing, and serves whoever calls it.
pub fn client_sidecar(
    daprd: &Runnable,
    plan: ClientPlan,
    site: &Site,
) -> Result<ServiceSpec, StackError> {
    spec(daprd, None, plan, site)
}

fn spec(
    daprd: &Runnable,
    app: Option<&Listener>,
    plan: ClientPlan,
    site: &Site,
) -> Result<ServiceSpec, StackError> {
    let grpc = site.listener(&plan.id, "sidecar's gRPC")?;
    let internal = site.listener(&plan.id, "sidecar's internal gRPC")?;
    let metrics = site.listener(&plan.id, "sidecar's metrics")?;
    let bind = site.provider.bind_ip().to_string();
    let flags = Sidecar {
        app_port: app.map(Listener::port),
        app_channel_address: app.map(|app| app.peer_host().to_owned()),
        app_protocol: app.map(|_| AppProtocol::Http),
        http_port: Some(plan.http.port()),
        grpc_port: Some(grpc.port()),
        internal_grpc_port: Some(internal.port()),
        listen_addresses: vec![bind.clone()],
        internal_grpc_listen_address: Some(bind.clone()),
        metrics: Metrics::At {
            port: metrics.port(),
            listen_address: Some(bind),
        },
        config: Some(plan.config.clone()),
        placement_host_addresses: vec![plan.placement],
        scheduler_host_addresses: vec![plan.scheduler],
        app_max_concurrency: app.map(|_| 1),
        resources_paths: plan.resources.clone(),
        ..Sidecar::new(plan.app_id)
    };
    let mut mounts: Vec<Mount> = plan.resources.iter().map(Mount::read_only).collect();
    mounts.push(Mount::read_only(&plan.config));
    mounts.push(Mount::writable(&plan.working_dir));
    let ports = vec![plan.http.port(), grpc.port(), metrics.port()];
    let http = plan.http.harness;
    Ok(ServiceSpec {
        id: plan.id,
        program: daprd.entry.clone(),
        package: daprd.package(mounts, ports, SIDECAR_LIMITS),
        args: flags.args(),
        env: plan.env,
        working_dir: plan.working_dir,
        run_as: site.provider.run_as(),
        endpoints: vec![
            Endpoint::new("http", format!("http://{http}")),
            Endpoint::new("grpc", grpc.harness.to_string()),
            Endpoint::new("metrics", format!("http://{}/metrics", metrics.harness)),
        ],
        readiness: Arc::new(HttpProbe::new(format!("http://{http}/v1.0/healthz"))),
        ready_within: SIDECAR_READY_WITHIN,
        stop_signal: StopSignal::Term,
        provenance: Some(daprd.provenance.clone()),
    })
}
