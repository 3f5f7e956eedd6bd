//! Who can reach a container, and by what name.

use std::io::ErrorKind;

use gauntlet_harness::provider::{Exit, ServiceId, ServiceSpec, Signal};
use tokio::net::TcpStream;

use super::engine::Things;
use crate::bench::{Bench, SOON};
use crate::parts;

/// A service that calls the address once, and ends with 0 if it is greeted.
fn caller(bench: &Bench, address: String) -> ServiceSpec {
    let mut spec = bench.spec("caller", "");
    (spec.program, spec.args) = parts::command(parts::CALLER);
    spec.env = vec![(parts::ADDRESS.into(), address)];
    spec
}

async fn is_greeted(bench: &Bench, address: String) -> bool {
    let caller = bench.start(caller(bench, address)).await.unwrap();
    let exit = caller.ended().await;
    // Its name is for the next one.
    caller.stop(SOON).await.unwrap();
    exit == Exit::Code(0)
}

#[tokio::test]
async fn ports_are_open_on_one_address_alone_and_the_same_after_a_restart() {
    let bench = Bench::on_containers().await;
    let (spec, port) = bench.listener("door");
    let service = bench.start(spec).await.unwrap();
    let things = Things::of_run(bench.run.run_id()).await;
    for life in 1..=2 {
        service.ready(SOON).await.unwrap();
        // Another address of the same interface.
        let error = TcpStream::connect(("127.0.0.2", port)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "life {life}");
        let settings = things.containers().await[0]
            .network_settings
            .clone()
            .unwrap();
        // The image may tell of more ports, which nothing is bound to.
        let published: Vec<_> = (settings.ports.unwrap().into_iter())
            .filter_map(|(name, bindings)| Some((name, bindings?)))
            .collect();
        let [(name, bindings)] = published.as_slice() else {
            panic!("life {life}: {published:?}");
        };
        assert_eq!(name, &format!("{port}/tcp"));
        let [binding] = bindings.as_slice() else {
            panic!("life {life}: {bindings:?}");
        };
        assert_eq!(binding.host_ip.as_deref(), Some("127.0.0.1"));
        assert_eq!(binding.host_port, Some(port.to_string()));
        if life == 1 {
            service.signal(Signal::Kill).await.unwrap();
            service.ended().await;
            service.restart().await.unwrap();
        }
    }
    bench.close().await;
}

#[tokio::test]
async fn services_of_a_run_find_each_other_by_name_also_after_a_restart() {
    let bench = Bench::on_containers().await;
    let (spec, port) = bench.listener("callee");
    let host = bench.provider.host_of(&spec.id);
    let service = bench.start(spec).await.unwrap();
    service.ready(SOON).await.unwrap();
    assert!(is_greeted(&bench, format!("{host}:{port}")).await);
    service.restart().await.unwrap();
    service.ready(SOON).await.unwrap();
    assert!(is_greeted(&bench, format!("{host}:{port}")).await);
    bench.close().await;
}

/// That its address cannot be reached either is the engine's doing, and for moments not so: engines have been
/// seen to take their rules out and put them back while they make yet another network.
#[tokio::test]
async fn a_service_is_on_its_runs_network_alone_and_unknown_on_others() {
    let (bench, other) = (Bench::on_containers().await, Bench::on_containers().await);
    let (spec, port) = bench.listener("private");
    let host = bench.provider.host_of(&spec.id);
    let service = bench.start(spec).await.unwrap();
    service.ready(SOON).await.unwrap();
    let things = Things::of_run(bench.run.run_id()).await;
    let settings = things.containers().await[0]
        .network_settings
        .clone()
        .unwrap();
    let attached: Vec<_> = settings.networks.unwrap().into_keys().collect();
    assert_eq!(attached, [things.networks().await[0].name.clone().unwrap()]);
    assert!(is_greeted(&bench, format!("{host}:{port}")).await);
    assert!(!is_greeted(&other, format!("{host}:{port}")).await);
    other.close().await;
    bench.close().await;
}

#[tokio::test]
async fn two_runs_have_no_name_in_common() {
    let (bench, other) = (Bench::on_containers().await, Bench::on_containers().await);
    let service = ServiceId::shared("kafka");
    assert_ne!(
        bench.provider.host_of(&service),
        other.provider.host_of(&service)
    );
    other.close().await;
    bench.close().await;
}
