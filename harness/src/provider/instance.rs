use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_reports::Provenance;
use serde::{Deserialize, Serialize};

use super::{Endpoint, Exit, OneShot, RunAs, RunContext, ServiceId, ServiceSpec, Signal};
use crate::error::StackError;

/// Whether a provider can run a service here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    Available,
    /// Reported as *not run*, never faked.
    Unavailable {
        reason: String,
    },
}

/// What one question to a service showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "health", content = "detail", rename_all = "snake_case")]
pub enum Health {
    Healthy,
    /// It runs and does not answer as it should; the text is its last answer.
    Unhealthy(String),
    Exited(Exit),
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It had ended before it was asked.
    AlreadyGone,
    InGoodOrder,
    /// The grace ran out and it was killed.
    ByForce,
}

/// A place where services can run.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// The name in reports: `process`, `containers` or `cluster`.
    fn name(&self) -> &'static str;

    /// Where a service has to listen, so that whoever needs it can connect.
    fn bind_ip(&self) -> Ipv4Addr;

    /// The name under which other services find this one.
    fn host_of(&self, service: &ServiceId) -> String;

    /// The user that services run as, who has to own what they write. None: the harness's own.
    fn run_as(&self) -> Option<RunAs>;

    async fn probe(&self, spec: &ServiceSpec) -> Support;

    /// Runs a program to its end. Anything but exit code 0 is an error with its last output.
    async fn run_once(&self, shot: OneShot, run: &Arc<RunContext>) -> Result<(), StackError>;

    /// Starts the service. It runs, but it need not answer yet: [`Instance::ready`] waits for that.
    async fn start(
        &self,
        spec: ServiceSpec,
        run: &Arc<RunContext>,
    ) -> Result<Arc<dyn Instance>, StackError>;

    /// Gives back what the provider holds besides its services, when all of them are stopped.
    async fn close(&self) -> Result<(), StackError>;
}

/// A started service.
#[async_trait]
pub trait Instance: Send + Sync + fmt::Debug {
    fn id(&self) -> &ServiceId;

    fn endpoints(&self) -> &[Endpoint];

    fn provenance(&self) -> Option<&Provenance>;

    /// The file that takes the service's output, over all its restarts.
    fn logs(&self) -> PathBuf;

    /// The process id while it lives.
    fn pid(&self) -> Option<u32>;

    /// How it ended, when it has ended and was not restarted.
    fn exit(&self) -> Option<Exit>;

    /// How long a start may take, by its plan.
    fn ready_within(&self) -> Duration;

    /// Waits until the service itself says that it is ready, and returns how long that took.
    async fn ready(&self, within: Duration) -> Result<Duration, StackError>;

    /// Asks once.
    async fn health(&self) -> Health;

    /// Delivers a signal to the whole service. Sending one to a service that has ended is no error.
    async fn signal(&self, signal: Signal) -> Result<(), StackError>;

    /// Returns when the running process has ended.
    async fn ended(&self) -> Exit;

    /// Stops it if it still runs, and starts it again with the same plan.
    async fn restart(&self) -> Result<(), StackError>;

    /// Ends it for good: asks, waits for `grace`, then kills. Returns when nothing of it is left.
    async fn stop(&self, grace: Duration) -> Result<Stopped, StackError>;

    /// Kills without waiting: the last resort of a `Drop`.
    fn abandon(&self);
}
