//! `/health` of a process that runs, with its secrets in a file and no sidecar there yet.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use uuid::Uuid;

/// The start, and each answer of health, takes a second at most; this is for a busy machine.
const AT_MOST: Duration = Duration::from_secs(20);

struct Running {
    /// Killed when it is dropped.
    _child: Child,
    /// Kept: who writes its log to nobody ends.
    _log: Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
}

impl Running {
    /// Nothing listens on port 1: a role that has no tables starts without its sidecar.
    async fn start(secrets: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_todo"))
            .env_clear()
            .envs([
                ("ROLE", "recurring"),
                ("HTTP_ADDR", "127.0.0.1:0"),
                ("USE_DAPR", "true"),
                ("DAPR_HTTP_URL", "http://127.0.0.1:1"),
                ("LOG_FORMAT", "json"),
            ])
            .env("SECRET_STORES", format!("json:{}", secrets.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = tokio::time::timeout(AT_MOST, async {
            while let Some(line) = log.next_line().await.unwrap() {
                let entry: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                let address = entry["address"].as_str();
                if let Some(address) = address {
                    return address.parse().unwrap();
                }
            }
            panic!("it ended without having served");
        });
        Self {
            address: address.await.unwrap(),
            _child: child,
            _log: log,
        }
    }

    async fn health(&self) -> Value {
        let mut answer = String::new();
        let asking = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let request = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_to_string(&mut answer).await.unwrap();
        };
        tokio::time::timeout(AT_MOST, asking).await.unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

fn secrets() -> PathBuf {
    let token = "0123456789abcdef0123456789abcdef";
    let secrets = json!({ "SERVICE_TOKEN": token, "APP_API_TOKEN": token });
    let name = format!("secrets-{}.json", Uuid::now_v7());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, secrets.to_string()).unwrap();
    path
}

#[tokio::test]
async fn a_role_that_runs_tells_of_the_store_that_it_had_its_secrets_from() {
    let file = secrets();
    let running = Running::start(&file).await;
    let stores = running.health().await["components"]["secrets"].clone();
    assert_eq!(stores["status"], "healthy", "{stores}");
    assert_eq!(stores["reachable"], true);
    let expected = format!("json:{}, the environment", file.display());
    assert_eq!(stores["component"], json!(expected));
    fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_role_whose_store_went_away_after_its_start_says_so() {
    let file = secrets();
    let running = Running::start(&file).await;
    fs::remove_file(&file).unwrap();
    let stores = running.health().await["components"]["secrets"].clone();
    assert_eq!(stores["status"], "unhealthy", "{stores}");
    assert_eq!(stores["reachable"], false);
    let detail = stores["detail"].as_str().unwrap();
    assert!(detail.contains(&file.display().to_string()), "{detail}");
}
