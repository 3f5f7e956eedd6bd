//! `/health` of a process that runs, whose sidecar was given another token than its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use uuid::Uuid;

/// The start takes a second at most; this is for a busy machine.
const AT_MOST: Duration = Duration::from_secs(20);
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const REFUSED: &str = "deliveries without the sidecar's token refused";

/// Answers that it is well, and nothing else.
async fn sidecar() -> SocketAddr {
    let well = get(|| std::future::ready(StatusCode::NO_CONTENT));
    let router = Router::new().route("/v1.0/healthz/outbound", well);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

struct Running {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    url: String,
    client: Client,
}

impl Running {
    async fn start(secrets: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_todo"))
            .env_clear()
            .envs([
                ("ROLE", "recurring"),
                ("HTTP_ADDR", "127.0.0.1:0"),
                ("USE_DAPR", "true"),
                ("LOG_FORMAT", "json"),
            ])
            .env("DAPR_HTTP_URL", format!("http://{}", sidecar().await))
            .env("SECRET_STORES", format!("json:{}", secrets.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let serving = tokio::time::timeout(AT_MOST, async {
            while let Some(line) = log.next_line().await.unwrap() {
                let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                if let Some(address) = entry["address"].as_str() {
                    return format!("http://{address}");
                }
            }
            panic!("it ended without having served");
        });
        Self {
            url: serving.await.unwrap(),
            child,
            log,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn deliver(&self, token: &str) -> StatusCode {
        let url = format!("{}/events/task-recurrence", self.url);
        let request = self.client.post(url).header("dapr-api-token", token);
        request.body("{not json").send().await.unwrap().status()
    }

    async fn dapr(&self) -> Value {
        let url = format!("{}/health", self.url);
        let report = self.client.get(url).send().await.unwrap();
        let report: Value = serde_json::from_slice(&report.bytes().await.unwrap()).unwrap();
        report["components"]["dapr"].clone()
    }

    /// How often its log tells of refusals.
    async fn complaints(mut self) -> usize {
        self.child.start_kill().unwrap();
        let mut complaints = 0;
        while let Some(line) = self.log.next_line().await.unwrap() {
            complaints += usize::from(line.contains(REFUSED));
        }
        complaints
    }
}

fn secrets() -> PathBuf {
    let secrets = json!({ "SERVICE_TOKEN": TOKEN, "APP_API_TOKEN": TOKEN });
    let name = format!("secrets-{}.json", Uuid::now_v7());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, secrets.to_string()).unwrap();
    path
}

#[tokio::test]
async fn a_sidecar_with_another_token_shows_and_fills_no_log() {
    let file = secrets();
    let running = Running::start(&file).await;
    let dapr = running.dapr().await;
    assert_eq!(dapr["status"], "healthy", "{dapr}");
    for _ in 0..50 {
        let answer = running.deliver("another token").await;
        assert_eq!(answer, StatusCode::UNAUTHORIZED);
    }
    let dapr = running.dapr().await;
    assert_eq!(dapr["status"], "degraded", "{dapr}");
    assert_eq!(dapr["sidecar_reachable"], true);
    let detail = dapr["detail"].as_str().unwrap();
    assert!(detail.contains("APP_API_TOKEN"), "{detail}");
    assert_eq!(running.deliver(TOKEN).await, StatusCode::OK);
    let dapr = running.dapr().await;
    assert_eq!(dapr["status"], "healthy", "{dapr}");
    assert_eq!(running.complaints().await, 1);
    fs::remove_file(file).unwrap();
}
