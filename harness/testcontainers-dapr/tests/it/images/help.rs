//! Every flag is one that the executable's own help lists.

use testcontainers::core::WaitFor;
use testcontainers::core::wait::ExitWaitStrategy;
use testcontainers::{GenericImage, Image, ImageExt};
use testcontainers_dapr::flags::{self, AppProtocol, Metrics};
use testcontainers_dapr::{Daprd, Placement, Scheduler};

use crate::engine::{Bench, Outcome};

fn somewhere() -> String {
    "127.0.0.1:1".to_owned()
}

fn metrics() -> Metrics {
    Metrics::At {
        port: 1,
        listen_address: Some(somewhere()),
    }
}

/// Those of `args` that `help` does not list.
fn unknown(args: &[String], help: &str) -> Vec<String> {
    let names = args.iter().map(|arg| arg.split('=').next().unwrap_or(arg));
    let listed = |name: &str| help.split_whitespace().any(|word| word == name);
    names
        .filter(|name| !listed(name))
        .map(str::to_owned)
        .collect()
}

async fn all_are_known<I: Image>(part: &str, image: I, mut args: Vec<String>) -> Outcome {
    let bench = Bench::new().await?;
    let program = image.entrypoint().ok_or("no entry point")?;
    let request = GenericImage::new(image.name(), image.tag())
        .with_entrypoint(program)
        .with_cmd(["--help"])
        .with_ready_conditions(vec![WaitFor::exit(ExitWaitStrategy::new())]);
    let container = bench.start(part, request).await?;
    let mut help = container.stdout_to_vec().await?;
    help.extend(container.stderr_to_vec().await?);
    let help = String::from_utf8(help)?;
    args.push("--enable-metrics=false".to_owned());
    assert_eq!(unknown(&args, &help), [""; 0], "{help}");

    let planted = ["--no-such-flag=1".to_owned()];
    assert_eq!(unknown(&planted, &help), ["--no-such-flag"]);
    Ok(())
}

#[tokio::test]
async fn daprd_knows_every_flag() -> Outcome {
    let flags = flags::Sidecar {
        app_id: "orders".to_owned(),
        app_port: Some(1),
        app_channel_address: Some(somewhere()),
        app_protocol: Some(AppProtocol::Http),
        http_port: Some(1),
        grpc_port: Some(1),
        internal_grpc_port: Some(1),
        listen_addresses: vec![somewhere()],
        internal_grpc_listen_address: Some(somewhere()),
        metrics: metrics(),
        config: Some("config.yaml".into()),
        placement_host_addresses: vec![somewhere()],
        scheduler_host_addresses: vec![somewhere()],
        app_max_concurrency: Some(1),
        resources_paths: vec!["resources".into()],
        extra: Vec::new(),
    };
    all_are_known("daprd", Daprd::default(), flags.args()).await
}

#[tokio::test]
async fn scheduler_knows_every_flag() -> Outcome {
    let flags = flags::Scheduler {
        port: Some(1),
        listen_address: Some(somewhere()),
        override_broadcast_host_port: Some(somewhere()),
        healthz_port: Some(1),
        healthz_listen_address: Some(somewhere()),
        metrics: metrics(),
        id: Some("scheduler-0".to_owned()),
        etcd_data_dir: Some("etcd".into()),
        etcd_client_port: Some(1),
        etcd_peer_address: Some(somewhere()),
        extra: Vec::new(),
    };
    all_are_known("scheduler", Scheduler::default(), flags.args()).await
}

#[tokio::test]
async fn placement_knows_every_flag() -> Outcome {
    let flags = flags::Placement {
        port: Some(1),
        listen_address: Some(somewhere()),
        healthz_port: Some(1),
        healthz_listen_address: Some(somewhere()),
        metrics: metrics(),
        id: Some("placement-0".to_owned()),
        raft_address: Some(somewhere()),
        extra: Vec::new(),
    };
    all_are_known("placement", Placement::default(), flags.args()).await
}
