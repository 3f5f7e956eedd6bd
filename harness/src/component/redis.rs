//! Redis or Valkey, whichever the store found.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::site::Site;
use crate::error::StackError;
use crate::provider::{Endpoint, Probe, ServiceId, ServiceSpec, StopSignal};
use crate::store::Artifact;

/// It answers in 0.1 s.
const READY_WITHIN: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A planned server.
#[derive(Debug, Clone)]
pub struct Redis {
    address: SocketAddr,
    spec: ServiceSpec,
}

impl Redis {
    /// Keeps everything in memory: no scenario restarts it and asks for what it held before.
    pub fn plan(artifact: &Artifact, site: &Site) -> Result<Self, StackError> {
        let address = site.address("redis")?;
        let home = site.temp_dir("redis")?;
        let port = address.port().to_string();
        let args = [
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
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
            id: ServiceId::shared("redis"),
            program: artifact.entry.clone(),
            args: args.map(str::to_owned).to_vec(),
            env: Vec::new(),
            working_dir: home,
            run_as: None,
            endpoints: vec![Endpoint::new("redis", format!("redis://{address}"))],
            readiness: Arc::new(RedisProbe { address }),
            ready_within: READY_WITHIN,
            stop_signal: StopSignal::Term,
            provenance: Some(artifact.provenance.clone()),
        };
        Ok(Self { address, spec })
    }

    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
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
