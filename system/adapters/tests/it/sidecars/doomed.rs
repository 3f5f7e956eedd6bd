use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gauntlet_harness::component::redis::Redis;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{API, BoxError, Seat, common};
use crate::components::Ground;

/// What an app answers that knows no route. A connection a request, so that none is found dead later.
const UNKNOWN: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The sidecar of an app that dies of the first call.
#[derive(Clone)]
pub(crate) struct Doomed {
    pub(crate) sidecar: String,
    deliveries: Arc<AtomicU32>,
}

impl Doomed {
    pub(crate) async fn start(ground: &Ground, redis: &Redis) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let app = listener.local_addr()?;
        let deliveries = Arc::default();
        tokio::spawn(live_until_called(listener, Arc::clone(&deliveries)));
        let seat = Seat {
            name: "doomed".to_owned(),
            // The one that the resiliency policies are for.
            app_id: API,
            app,
            resources: vec![common()],
            env: vec![("REDIS_HOST".to_owned(), redis.peers().to_owned())],
            home: &ground.site.run.temp_dir("doomed")?,
        };
        Ok(Self {
            sidecar: seat.take(ground).await?,
            deliveries,
        })
    }

    /// How many calls the app had.
    pub(crate) fn deliveries(&self) -> u32 {
        self.deliveries.load(Ordering::SeqCst)
    }
}

/// With the call it ends: connection and listener are closed without an answer.
async fn live_until_called(listener: TcpListener, deliveries: Arc<AtomicU32>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let asked = first_line(&mut stream).await;
        if asked.starts_with("POST ") {
            deliveries.fetch_add(1, Ordering::SeqCst);
            return;
        }
        // A sidecar that only wanted to know whether the port is open has gone already.
        drop(stream.write_all(UNKNOWN.as_bytes()).await);
    }
}

/// Reads a request's head.
async fn first_line(stream: &mut TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next_line().await.ok().flatten().unwrap_or_default();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
    }
    first
}
