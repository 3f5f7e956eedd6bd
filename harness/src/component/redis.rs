//! Redis or Valkey, whichever the store found.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::runnable::Runnable;
use super::site::{Listener, Site};
use crate::error::StackError;
use crate::provider::{Endpoint, Limits, Mount, Probe, ServiceId, ServiceSpec, StopSignal};

/// It answers in 0.1 s.
const READY_WITHIN: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Streams of a whole run, some 1 kB an event, stay far below.
const LIMITS: Limits = Limits::memory_mib(512);

/// A planned server.
#[derive(Debug, Clone)]
pub struct Redis {
    listener: Listener,
    spec: ServiceSpec,
}

impl Redis {
    /// Keeps everything in memory: no scenario restarts it and asks for what it held before.
    pub fn plan(redis: &Runnable, site: &Site) -> Result<Self, StackError> {
        let id = ServiceId::shared("redis");
        let listener = site.listener(&id, "redis")?;
        let address = listener.harness;
        let home = site.writable_dir("redis")?;
        let (bind, port) = (listener.bind.ip().to_string(), listener.port().to_string());
        // It would refuse whoever is not on its own loopback interface. Who can reach it at all is decided
        // by the address that it listens on, and by the network of the run.
        let protected = if listener.bind.ip().is_loopback() {
            "yes"
        } else {
            "no"
        };
        let args = [
            "--bind",
            &bind,
            "--port",
            &port,
            "--protected-mode",
            protected,
            "--save",
            "",
            "--appendonly",
            "no",
            "--maxmemory-policy",
            "noeviction",
            "--daemonize",
            "no",
        ];
        let spec = ServiceSpec {
            id,
            program: redis.entry.clone(),
            package: redis.package(vec![Mount::writable(&home)], vec![listener.port()], LIMITS),
            args: args.map(str::to_owned).to_vec(),
            env: Vec::new(),
            working_dir: home,
            run_as: site.provider.run_as(),
            endpoints: vec![Endpoint::new("redis", format!("redis://{address}"))],
            readiness: Arc::new(RedisProbe { address }),
            ready_within: READY_WITHIN,
            stop_signal: StopSignal::Term,
            provenance: Some(redis.provenance.clone()),
        };
        Ok(Self { listener, spec })
    }

    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// Where the other services find it, `host:port`.
    pub fn peers(&self) -> &str {
        &self.listener.peers
    }

    /// The harness's way to it.
    pub fn url(&self) -> String {
        format!("redis://{}", self.listener.harness)
    }
}

/// Ready when PING is answered.
#[derive(Debug)]
struct RedisProbe {
    address: SocketAddr,
}

#[async_trait]
impl Probe for RedisProbe {
    fn target(&self) -> String {
        self.address.to_string()
    }

    async fn ask(&self) -> Result<(), String> {
        let asking = async {
            let client = redis::Client::open(format!("redis://{}", self.address))?;
            let mut connection = client.get_multiplexed_async_connection().await?;
            redis::cmd("PING")
                .query_async::<String>(&mut connection)
                .await
        };
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(answer)) if answer == "PONG" => Ok(()),
            Ok(Ok(answer)) => Err(format!("PING was answered '{answer}'")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
        }
    }
}
