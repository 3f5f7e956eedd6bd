//! `todo health`, run as a container's health check runs it.

use std::net::SocketAddr;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::process::Command;

/// The question gives up after 3 s; a busy machine may take a moment to start it.
const AT_MOST: Duration = Duration::from_secs(8);

/// Asks in an environment that holds nothing but what is given.
async fn ask(args: &[&str], env: &[(&str, &str)]) -> Output {
    let asking = Command::new(env!("CARGO_BIN_EXE_todo"))
        .arg("health")
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(AT_MOST, asking)
        .await
        .unwrap()
        .unwrap()
}

async fn ask_address(address: SocketAddr) -> Output {
    ask(&[], &[("HTTP_ADDR", &address.to_string())]).await
}

fn complaint(output: &Output) -> &str {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let complaint = str::from_utf8(&output.stderr).unwrap();
    assert!(complaint.starts_with("error: failed to "), "{complaint}");
    complaint
}

/// A process that answers its readiness with this, on every address of the machine.
async fn process(status: StatusCode, body: &'static str) -> SocketAddr {
    let router = Router::new().route("/health/ready", get(move || async move { (status, body) }));
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

#[tokio::test]
async fn a_ready_process_is_told_by_silence() {
    let address = process(StatusCode::OK, "{}").await;
    let output = ask_address(address).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}

#[tokio::test]
async fn an_unready_process_says_why() {
    let address = process(StatusCode::SERVICE_UNAVAILABLE, "the database is gone").await;
    let output = ask_address(address).await;
    let complaint = complaint(&output);
    assert!(complaint.contains("503"), "{complaint}");
    assert!(complaint.contains("the database is gone"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1);
}

#[tokio::test]
async fn where_nobody_listens_the_address_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let output = ask_address(address).await;
    let complaint = complaint(&output);
    assert!(complaint.contains(&address.to_string()), "{complaint}");
}

#[tokio::test]
async fn a_process_that_hangs_is_given_up_on() {
    // Accepted by the kernel, and never answered.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let began = Instant::now();
    let output = ask_address(hanging.local_addr().unwrap()).await;
    assert!(complaint(&output).contains("within 3s"), "{output:?}");
    assert!(began.elapsed() >= Duration::from_secs(3));
}

#[tokio::test]
async fn another_url_can_be_asked() {
    let address = process(StatusCode::OK, "{}").await;
    let elsewhere = format!("http://localhost:{}/elsewhere", address.port());
    let output = ask(&["--url", &elsewhere], &[]).await;
    assert!(complaint(&output).contains("404"), "{output:?}");
    let ready = format!("http://localhost:{}/health/ready", address.port());
    let output = ask(&["--url", &ready], &[]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn variables_for_serving_are_not_in_the_way() {
    let address = process(StatusCode::OK, "{}").await.to_string();
    let some = [
        ("HTTP_ADDR", address.as_str()),
        ("ROLE", "api"),
        ("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/todo"),
    ];
    let output = ask(&[], &some).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn help_names_the_question_and_explains_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_todo"))
        .arg("--help")
        .output()
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("health"));
    let output = ask(&["--help"], &[]).await;
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for said in ["exit code", "HTTP_ADDR", "--url", "3 s"] {
        assert!(help.contains(said), "{said} is missing in: {help}");
    }
}
