use std::fmt;
use std::thread;

use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::arrival::Arrival;
use crate::client::Client;
use crate::engine::{Due, Engine};
use crate::error::{LoadError, LoadErrorKind};
use crate::limits::allow_open_sockets;
use crate::load::Load;
use crate::pacer::Pacer;
use crate::priority::Priority;
use crate::progress::Progress;
use crate::record::LoadRecord;
use crate::workload::Workload;

/// What to offer, and when.
pub struct Plan {
    arrival: Arrival,
    workload: Box<dyn Workload>,
    connections: usize,
}

impl Plan {
    pub fn new(arrival: Arrival, workload: impl Workload) -> Plan {
        Plan {
            arrival,
            workload: Box::new(workload),
            connections: 0,
        }
    }

    /// Opens this many connections before the first operation, up to what may be in flight. Meant
    /// for bursts; the default is none, and connections are opened as they are needed.
    #[must_use]
    pub fn connected_by(mut self, connections: usize) -> Plan {
        self.connections = connections;
        self
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("arrival", &self.arrival)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// An open-loop load that has not started.
///
/// It runs on a thread and a runtime of its own, so that nothing else that the caller does shows up
/// as lateness, and at real-time priority where that is permitted, see [`Priority`].
#[derive(Debug)]
pub struct Generator {
    client: Client,
    plan: Plan,
}

impl Generator {
    pub fn new(client: Client, plan: Plan) -> Generator {
        Generator { client, plan }
    }

    /// Starts the load. Dropping the returned handle stops it.
    ///
    /// Errors: too few open files allowed, no thread. That connections could not be opened ahead
    /// is told by [`Load::finish`].
    pub fn start(self) -> Result<Load, LoadError> {
        let Generator { client, plan } = self;
        let planned = plan.arrival.count();
        let sockets = usize::try_from(planned).unwrap_or(usize::MAX);
        allow_open_sockets(client.max_in_flight().min(sockets))?;

        let client = client.with_own_pool()?;
        let (snapshots, progress) = watch::channel(Progress {
            planned,
            ..Progress::default()
        });
        let (result, finished) = oneshot::channel();
        let cancel = CancellationToken::new();
        let cancelled = cancel.clone();
        thread::Builder::new()
            .name("loadgen".to_owned())
            .spawn(move || {
                let record = offer(client, plan, &cancelled, snapshots.clone());
                // On every way out, so that nobody waits for a load that has failed.
                snapshots.send_modify(|progress| progress.ended = true);
                // Nobody to receive it: the handle was dropped, which is how a load is abandoned.
                let _unclaimed = result.send(record);
            })
            .map_err(|error| LoadError::caused(LoadErrorKind::Start, error))?;
        Ok(Load::new(progress, finished, cancel))
    }

    /// Runs the whole load; `cancel` ends the offering early, and what is under way is waited for.
    pub async fn run(self, cancel: CancellationToken) -> Result<LoadRecord, LoadError> {
        let load = self.start()?;
        let stopper = load.stopper();
        let mut finish = std::pin::pin!(load.finish());
        tokio::select! {
            record = &mut finish => record,
            () = cancel.cancelled() => {
                stopper.cancel();
                finish.await
            }
        }
    }
}

/// The body of the load's thread. One thread is enough for the rates in use and takes no second core
/// from the target.
fn offer(
    client: Client,
    plan: Plan,
    cancel: &CancellationToken,
    snapshots: watch::Sender<Progress>,
) -> Result<LoadRecord, LoadError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| LoadError::caused(LoadErrorKind::Start, error))?;
    runtime.block_on(async {
        let Plan {
            arrival,
            mut workload,
            connections,
        } = plan;
        client
            .warm_up(connections.min(client.max_in_flight()))
            .await?;
        // Only now: opening connections may take its time, and gives way to the target.
        let priority = Priority::raise();
        let engine = Engine::new(client.clone(), arrival, priority, snapshots)?;
        let due = (0..)
            .zip(arrival.offsets())
            .map_while(move |(index, offset)| {
                let operation = workload.operation(index)?;
                Some((offset, Due::prepare(&client, operation)))
            });
        engine.drive(Pacer::start(due)?, cancel).await
    })
}
