//! The life of a process: it drains when asked to, and says what went wrong when not.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use gauntlet_services::health::Health;
use gauntlet_services::serve::{Background, Process, bind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::Api;

const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

fn process(router: Router, background: Vec<Background>) -> Process {
    Process {
        router,
        health: Health::new("api", Vec::new()),
        background,
        stop_consuming: CancellationToken::new(),
        stop_relaying: CancellationToken::new(),
    }
}

async fn local() -> TcpListener {
    bind("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_port_in_use_names_itself_and_the_mend() {
    let taken = local().await;
    let address = taken.local_addr().unwrap();
    let message = format!("{:#}", bind(address).await.unwrap_err());
    assert!(message.contains(&address.to_string()), "{message}");
    assert!(message.contains("HTTP_ADDR"), "{message}");
}

#[tokio::test]
async fn a_drain_lets_open_requests_finish_and_then_ends_the_relay() {
    let (entered, mut was_entered) = mpsc::channel(1);
    let release = CancellationToken::new();
    let wait = release.clone();
    let router = Router::new().route(
        "/slow",
        get(move || async move {
            entered.send(()).await.unwrap();
            wait.cancelled().await;
            "finished"
        }),
    );
    let mut process = process(router, Vec::new());
    let (stop_relaying, stop_consuming) = (
        process.stop_relaying.clone(),
        process.stop_consuming.clone(),
    );
    let stop = stop_relaying.clone();
    process.background.push(Background {
        name: "the relay",
        run: Box::pin(async move {
            stop.cancelled().await;
            Ok(())
        }),
    });
    let listener = local().await;
    let address = listener.local_addr().unwrap();
    let drain = CancellationToken::new();
    let running = tokio::spawn(process.run(listener, drain.clone(), DRAIN_TIMEOUT));

    let mut open = TcpStream::connect(address).await.unwrap();
    let request = "GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    open.write_all(request.as_bytes()).await.unwrap();
    was_entered.recv().await.unwrap();
    drain.cancel();
    stop_consuming.cancelled().await;
    // The open request may still commit something that wants to be published.
    assert!(!stop_relaying.is_cancelled());
    release.cancel();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("finished"), "{answer}");
    running.await.unwrap().unwrap();
    assert!(stop_relaying.is_cancelled());
}

#[tokio::test]
async fn a_background_task_that_ends_by_itself_ends_the_process_with_its_reason() {
    let failing = Background {
        name: "the consumer",
        run: Box::pin(async { anyhow::bail!("the group was fenced") }),
    };
    let process = process(Router::new(), vec![failing]);
    let drain = CancellationToken::new();
    let ended = process.run(local().await, drain, DRAIN_TIMEOUT).await;
    let message = format!("{:#}", ended.unwrap_err());
    assert!(message.contains("the consumer"), "{message}");
    assert!(message.contains("the group was fenced"), "{message}");
}

#[tokio::test]
async fn a_drain_that_takes_too_long_is_given_up() {
    let stuck = Background {
        name: "the relay",
        run: Box::pin(std::future::pending()),
    };
    let process = process(Router::new(), vec![stuck]);
    let drain = CancellationToken::new();
    drain.cancel();
    let ended = process
        .run(local().await, drain, Duration::from_millis(50))
        .await;
    assert!(ended.unwrap_err().to_string().contains("50ms"));
}

#[tokio::test]
async fn health_and_metrics_need_no_token_and_tell_of_a_drain() {
    let api = Api::new();
    for path in [
        "/health",
        "/health/live",
        "/health/ready",
        "/health/dapr",
        "/health/services",
    ] {
        let answer = api.get(path).without_token().send("").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let body: serde_json::Value = answer.json();
        assert_eq!(body["service"], "api", "{path}");
        assert!(body["timestamp"].is_string(), "{path}");
    }
    let metrics = api.get("/metrics").without_token().send("").await;
    assert_eq!(metrics.status, StatusCode::OK);
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );

    api.health.start_draining();
    let live = api.get("/health/live").without_token().send("").await;
    assert_eq!(live.status, StatusCode::OK);
    let ready = api.get("/health/ready").without_token().send("").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json::<serde_json::Value>()["status"], "draining");
}
