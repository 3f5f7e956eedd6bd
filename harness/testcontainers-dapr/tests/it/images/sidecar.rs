use std::error::Error;

use reqwest::StatusCode;
use serde_json::{Value, json};
use testcontainers::core::IntoContainerPort;
use testcontainers::{ContainerAsync, Image};
use testcontainers_dapr::{Daprd, ports};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::engine::{Bench, Outcome, REDIS_PORT, url};

fn component(name: &str, kind: &str, redis: &str) -> String {
    format!(
        "apiVersion: dapr.io/v1alpha1\n\
         kind: Component\n\
         metadata:\n  name: {name}\n\
         spec:\n  type: {kind}\n  version: v1\n  metadata:\n    - name: redisHost\n      value: {redis}:{REDIS_PORT}\n"
    )
}

#[tokio::test]
async fn state_comes_back_and_an_event_reaches_the_broker() -> Outcome {
    let bench = Bench::new().await?;
    let redis = bench.redis().await?;
    let host = bench.host("redis");
    let image = Daprd::new("orders")
        .with_component("store", component("store", "state.redis", &host))
        .with_component("events", component("events", "pubsub.redis", &host));
    let sidecar = bench.start("daprd", image).await?;
    let api = url(&sidecar, ports::HTTP).await?;

    let state = format!("{api}/v1.0/state/store");
    let entry = json!([{ "key": "1", "value": { "paid": true } }]);
    let saved = bench.http.post(&state).json(&entry).send().await?;
    assert_eq!(saved.status(), StatusCode::NO_CONTENT);
    let read = bench.http.get(format!("{state}/1")).send().await?;
    assert_eq!(read.json::<Value>().await?, json!({ "paid": true }));

    let topic = format!("{api}/v1.0/publish/events/orders");
    let published = bench.http.post(topic).json(&json!({ "id": 1 })).send();
    assert_eq!(published.await?.status(), StatusCode::NO_CONTENT);
    assert_eq!(stream_length(&redis, "orders").await?, ":1");
    Ok(())
}

#[tokio::test]
async fn a_sidecar_is_up_before_its_app_and_says_so() -> Outcome {
    let bench = Bench::new().await?;
    let image = Daprd::new("orders").with_app("localhost", 8080);
    let sidecar = bench.start("daprd", image).await?;
    let health = format!("{}/v1.0/healthz", url(&sidecar, ports::HTTP).await?);
    let without_app = bench.http.get(format!("{health}/outbound")).send().await?;
    assert_eq!(without_app.status(), StatusCode::NO_CONTENT);
    let with_app = bench.http.get(health).send().await?;
    assert_eq!(with_app.status(), StatusCode::INTERNAL_SERVER_ERROR);
    Ok(())
}

#[tokio::test]
async fn planted_component_that_cannot_be_loaded_fails_the_start() -> Outcome {
    let bench = Bench::new().await?;
    let image = Daprd::new("orders").with_component(
        "store",
        component("store", "state.no-such-store", "localhost"),
    );
    let started = bench.start("daprd", image).await;
    assert!(started.is_err(), "started all the same");
    Ok(())
}

#[tokio::test]
async fn planted_port_that_was_not_named_is_not_published() -> Outcome {
    let bench = Bench::new().await?;
    let sidecar = bench.start("daprd", Daprd::new("orders")).await?;
    let never_named = sidecar.get_host_port_ipv4(50_002.tcp()).await;
    assert!(never_named.is_err());
    for port in sidecar.image().expose_ports() {
        sidecar.get_host_port_ipv4(*port).await?;
        let on_ipv6 = sidecar.get_host_port_ipv6(*port).await;
        assert!(on_ipv6.is_err(), "{port} is published on IPv6 as well");
    }
    Ok(())
}

/// Redis' own answer: a colon, then how many entries the stream has.
async fn stream_length<I: Image>(
    redis: &ContainerAsync<I>,
    stream: &str,
) -> Result<String, Box<dyn Error>> {
    let port = redis.get_host_port_ipv4(REDIS_PORT.tcp()).await?;
    let mut socket = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
    let question = format!("XLEN {stream}\r\n");
    socket.write_all(question.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_line(&mut answer).await?;
    Ok(answer.trim_end().to_owned())
}
