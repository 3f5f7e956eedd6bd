//! The life of a process: bind, serve, drain.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::serve::ListenerExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::health::Health;

/// The share of the drain that open requests get; what is behind them, the relay above all, needs
/// the rest.
const REQUESTS_SHARE: f64 = 0.6;

/// A task beside the server. It must go on until its own token is cancelled.
pub struct Background {
    pub name: &'static str,
    pub run: BoxFuture<'static, anyhow::Result<()>>,
}

impl std::fmt::Debug for Background {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Background")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a process runs, and the tokens that end its parts in their order.
#[derive(Debug)]
pub struct Process {
    pub router: Router,
    pub health: Health,
    pub background: Vec<Background>,
    /// Ends consuming: cancelled when a drain begins.
    pub stop_consuming: CancellationToken,
    /// Ends the relay: cancelled when no request can commit any more.
    pub stop_relaying: CancellationToken,
}

/// Takes a port, or says who may have it.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let mend = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another process listens there: stop it, or set HTTP_ADDR to a free port"
            }
            io::ErrorKind::PermissionDenied => "set HTTP_ADDR to a port above 1023",
            _ => "set HTTP_ADDR to an address of this machine",
        };
        anyhow::Error::new(error).context(format!("failed to listen on {address}: {mend}"))
    })
}

impl Process {
    /// Serves until `drain` is cancelled or a background task ends by itself, which is an error;
    /// then drains within the bound.
    pub async fn run(
        self,
        listener: TcpListener,
        drain: CancellationToken,
        drain_timeout: Duration,
    ) -> anyhow::Result<()> {
        let stop_accepting = CancellationToken::new();
        let listener = listener.tap_io(|stream| {
            // An answer is one small write: waiting to fill a packet only costs time.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was not set");
            }
        });
        let stop = stop_accepting.clone();
        let server = axum::serve(listener, self.router)
            .with_graceful_shutdown(async move { stop.cancelled().await });
        let mut server = tokio::spawn(server.into_future());
        let mut tasks = JoinSet::new();
        for background in self.background {
            tasks.spawn(async move { (background.name, background.run.await) });
        }

        // Each way out leads through the same drain, a failure included: open requests and events
        // in flight are not to blame for it.
        let cause = tokio::select! {
            () = drain.cancelled() => Ok(()),
            Some(ended) = tasks.join_next() => Err(ended_early(ended)),
            ended = &mut server => Err(server_ended(ended)),
        };
        self.health.start_draining();
        stop_accepting.cancel();
        self.stop_consuming.cancel();
        let drained = tokio::time::timeout(drain_timeout, async {
            if !server.is_finished() {
                let share = drain_timeout.mul_f64(REQUESTS_SHARE);
                if tokio::time::timeout(share, &mut server).await.is_err() {
                    tracing::warn!("open requests are cut off: they took too long for the drain");
                    server.abort();
                }
            }
            self.stop_relaying.cancel();
            while let Some(ended) = tasks.join_next().await {
                if let (name, Err(error)) = ended.context("a task broke off")? {
                    return Err(error.context(format!("failed to end {name} in order")));
                }
            }
            Ok(())
        })
        .await;
        // What ended the process matters more than what its drain ran into.
        cause?;
        match drained {
            Ok(result) => result,
            Err(_) => anyhow::bail!("failed to drain within {drain_timeout:?}"),
        }
    }
}

type Ended = Result<(&'static str, anyhow::Result<()>), tokio::task::JoinError>;

/// A process that lost its relay or consumer looks alive and does nothing; whoever supervises it
/// must get the chance to start it anew.
fn ended_early(ended: Ended) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow::anyhow!("{name} ended although nobody asked it to"),
        Ok((name, Err(error))) => error.context(format!("failed to keep {name} running")),
        Err(error) => anyhow::Error::new(error).context("a task broke off"),
    }
}

fn server_ended(ended: Result<io::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow::anyhow!("the server ended although nobody asked it to"),
        Ok(Err(error)) => anyhow::Error::new(error).context("failed to keep the server running"),
        Err(error) => anyhow::Error::new(error).context("the server broke off"),
    }
}
