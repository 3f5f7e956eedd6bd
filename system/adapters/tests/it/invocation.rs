use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Method;
use gauntlet_adapters::dapr::DaprInvoker;
use gauntlet_ports::invocation::{CallContext, Callee, Target};
use gauntlet_ports::testsuite::invocation::{InvokerBench, invoker_suite};
use gauntlet_ports::{Invoker as _, PortErrorKind};
use libtest_mimic::Trial;

use crate::components::Components;
use crate::sidecars::{API, AUDIT, Doomed, Sidecars};
use crate::trials::trials;

/// Callers at a time, and how many times each calls and stays, and calls and goes away.
const CALLERS: u32 = 3;
const CALLS: u32 = 1500;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut all = trials!(components, Components::sidecars =>
        dapr_keeps_the_invoker_contract_by_app,
        dapr_keeps_the_invoker_contract_by_url,
        a_call_to_no_sidecar_is_certainly_not_delivered,
        a_sidecar_outlives_callers_that_go_away_within_an_answer,
    );
    all.extend(trials!(components, Components::doomed =>
        a_call_that_its_callee_died_of_may_have_been_delivered,
    ));
    all
}

fn bench(sidecars: &Sidecars, echo: Vec<Callee>, out_of_sight: Vec<Callee>) -> InvokerBench {
    InvokerBench {
        invoker: Arc::new(DaprInvoker::new(&sidecars.api).unwrap()),
        echo,
        nobody: Vec::new(),
        out_of_sight,
    }
}

/// By way of another sidecar, and by way of its own alone.
async fn dapr_keeps_the_invoker_contract_by_app(sidecars: Sidecars) {
    let app = |name: &str| Callee::App(name.to_owned());
    let echo = vec![app(AUDIT), app(API)];
    invoker_suite(&bench(&sidecars, echo, vec![app("nobody")])).await;
}

async fn dapr_keeps_the_invoker_contract_by_url(sidecars: Sidecars) {
    let echo = vec![Callee::Url(sidecars.echo.clone())];
    let nobody = vec![Callee::Url(sidecars.nobody.clone())];
    invoker_suite(&bench(&sidecars, echo, nobody)).await;
}

async fn a_call_to_no_sidecar_is_certainly_not_delivered(sidecars: Sidecars) {
    invoker_suite(&InvokerBench {
        invoker: Arc::new(DaprInvoker::new(&sidecars.nobody).unwrap()),
        echo: Vec::new(),
        nobody: vec![
            Callee::App(API.to_owned()),
            Callee::Url(sidecars.echo.clone()),
        ],
        out_of_sight: Vec::new(),
    })
    .await;
}

/// The sidecar tries again, as its policy says, and tells of the last attempt: that nobody listens.
async fn a_call_that_its_callee_died_of_may_have_been_delivered(doomed: Doomed) {
    let invoker = DaprInvoker::new(&doomed.sidecar).unwrap();
    let target = Target::app(API, Method::POST, "next").unwrap();
    let context = CallContext::within(Duration::from_secs(30));
    let called = invoker.invoke(&target, Bytes::from("{}"), &context).await;
    let error = called.unwrap_err();
    let told = error.source.to_string();
    assert_eq!(doomed.deliveries(), 1);
    assert!(told.contains("connection refused"), "{told}");
    assert_eq!(error.kind, PortErrorKind::Timeout, "{told}");
}

/// The policies have no time limit for calls to an app. With one, 1.16.5 lets an answer be passed on after its
/// caller has gone, and ends of it (decision 0022).
async fn a_sidecar_outlives_callers_that_go_away_within_an_answer(sidecars: Sidecars) {
    let address = sidecars.api.trim_start_matches("http://").to_owned();
    // The app says it back. Less than 512 bytes never go the way that is looked at.
    let long = "x".repeat(2000);
    let head = format!("GET /v1.0/invoke/{API}/method/long?{long} HTTP/1.1");
    let request = format!("{head}\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let callers = (0..CALLERS).map(|caller| {
        let (address, request) = (address.clone(), request.clone());
        tokio::task::spawn_blocking(move || stay_and_go(caller, &address, request.as_bytes()))
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap();
    }
}

/// One call that stays before each that goes, so that no circuit breaker opens, and to know how long an answer
/// takes: the other goes after half of that to a little more than all of it.
fn stay_and_go(caller: u32, address: &str, request: &[u8]) -> io::Result<()> {
    for call in 0..CALLS {
        let began = Instant::now();
        let mut answer = String::new();
        asked(address, request)?.read_to_string(&mut answer)?;
        assert!(answer.starts_with("HTTP/1.1 200"), "call {call}: {answer}");
        let takes = began.elapsed();
        let gone = asked(address, request)?;
        let share = 50 + (caller * 17 + call * 7) % 60;
        // Below a millisecond, which no timer of the runtime is.
        thread::park_timeout(takes * share / 100);
        drop(gone);
    }
    Ok(())
}

fn asked(address: &str, request: &[u8]) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(request)?;
    Ok(stream)
}
