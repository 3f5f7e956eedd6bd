//! Parts that this test binary plays as a program of its own, where a shell has no means.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_harness::provider::Probe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

/// Where to listen, or whom to call: `host:port`.
pub(crate) const ADDRESS: &str = "GAUNTLET_TEST_ADDRESS";
pub(crate) const LISTENER: &str = "parts::a_listener";
#[cfg(feature = "engine")]
pub(crate) const CALLER: &str = "parts::a_caller";

/// Who does not answer in this time does not listen, or cannot be reached.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const GREETING: &str = "good day";

/// The program and the arguments that play a part.
pub(crate) fn command(part: &str) -> (PathBuf, Vec<String>) {
    let args = ["--exact", part, "--ignored", "--nocapture"];
    let program = std::env::current_exe().unwrap();
    (program, args.map(str::to_owned).to_vec())
}

/// Connects, and hears the greeting to its end.
pub(crate) async fn call(address: &str) -> Result<(), String> {
    let calling = async {
        let mut line = TcpStream::connect(address).await?;
        let mut heard = String::new();
        line.read_to_string(&mut heard).await?;
        std::io::Result::Ok(heard)
    };
    match tokio::time::timeout(ANSWER_WITHIN, calling).await {
        Ok(Ok(heard)) if heard == GREETING => Ok(()),
        Ok(Ok(heard)) => Err(format!("heard {heard:?}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// Ready when it greets. That somebody accepts a connection shows too little: an engine's proxy does so before
/// the service listens.
#[derive(Debug)]
pub(crate) struct Greeting(String);

impl Greeting {
    pub(crate) fn at(port: u16) -> Self {
        Self(format!("127.0.0.1:{port}"))
    }
}

#[async_trait]
impl Probe for Greeting {
    fn target(&self) -> String {
        self.0.clone()
    }

    async fn ask(&self) -> Result<(), String> {
        call(&self.0).await
    }
}

/// Greets everybody who connects, until it is asked to end.
#[tokio::test]
#[ignore = "run by other tests, as a process of its own"]
async fn a_listener() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let mut term = signal(SignalKind::terminate()).unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        tokio::select! {
            caller = listener.accept() => {
                // A probe hangs up without listening.
                let _ = caller.unwrap().0.write_all(GREETING.as_bytes()).await;
            }
            _ = term.recv() => return,
        }
    }
}

/// Is greeted, or fails.
#[cfg(feature = "engine")]
#[tokio::test]
#[ignore = "run by other tests, as a process of its own"]
async fn a_caller() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    call(&address).await.unwrap();
}
