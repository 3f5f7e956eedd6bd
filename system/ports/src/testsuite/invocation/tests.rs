//! The fakes keep the contracts, and callers that break them in one way each are found out.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;

use super::persistence::{persistence_suite, settings};
use super::{InvokerBench, MemoryInvoker, PlantedInCall, invoker_suite};
use crate::error::{PortError, PortErrorKind};
use crate::invocation::{
    Answer, BreakerSettings, BreakerState, CallContext, Callee, Invoker, Persistent,
    PersistentSettings, Target,
};

fn bench(wrap: impl FnOnce(MemoryInvoker) -> Arc<dyn Invoker>) -> InvokerBench {
    let echo = vec![
        Callee::App("echo".to_owned()),
        Callee::Url("http://echo:1/base".to_owned()),
    ];
    let apps = MemoryInvoker::default();
    for callee in &echo {
        apps.run(callee.clone());
    }
    InvokerBench {
        invoker: wrap(apps),
        echo,
        nobody: vec![Callee::App("nobody".to_owned())],
        out_of_sight: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_memory_invoker_keeps_the_contract() {
    invoker_suite(&bench(|apps| Arc::new(apps))).await;
}

/// What is answered 503 comes back as an answer in the end, however persistent the caller is.
#[tokio::test(start_paused = true)]
async fn a_persistent_invoker_keeps_the_contract() {
    let wrap = |apps| -> Arc<dyn Invoker> {
        let mut settings = settings();
        // Silence is asked for more often than the breaker bears.
        settings.breaker.failures = NonZeroU32::MAX;
        Arc::new(Persistent::new(apps, settings))
    };
    invoker_suite(&bench(wrap)).await;
}

#[tokio::test(start_paused = true)]
async fn the_persistent_invoker_keeps_the_contract_of_persistence() {
    persistence_suite(|apps| Arc::new(Persistent::new(apps, settings()))).await;
}

#[tokio::test(start_paused = true)]
async fn the_breakers_of_those_that_were_called_are_told() {
    let apps = MemoryInvoker::default();
    let caller = Persistent::new(apps, PersistentSettings::default());
    assert_eq!(caller.breakers(), []);
    let target = Target::url("http://gone:1/base", axum::http::Method::GET, "x").unwrap();
    let context = CallContext::within(Duration::from_mins(1));
    let refused = caller.invoke(&target, Bytes::new(), &context).await;
    assert_eq!(refused.unwrap_err().kind, PortErrorKind::Unavailable);
    let open = ("http://gone:1".to_owned(), BreakerState::Open);
    assert_eq!(caller.breakers(), [open]);
}

/// What is wrong with a caller.
#[derive(Clone, Copy)]
enum Flaw {
    LosesTheKey,
    TakesAFailureForNoAnswer,
    DeniesADelivery,
}

struct Flawed {
    apps: MemoryInvoker,
    flaw: Flaw,
}

#[async_trait]
impl Invoker for Flawed {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let mut context = context.clone();
        if matches!(self.flaw, Flaw::LosesTheKey) {
            context.idempotency_key = None;
        }
        let outcome = self.apps.invoke(target, body, &context).await;
        let error = |kind| Err(PortError::new(kind, "invoker", "invoke", "flawed"));
        match (self.flaw, &outcome) {
            (Flaw::TakesAFailureForNoAnswer, Ok(answer)) if answer.status.is_server_error() => {
                error(PortErrorKind::Timeout)
            }
            (Flaw::DeniesADelivery, Err(lost)) if lost.kind == PortErrorKind::Timeout => {
                error(PortErrorKind::Unavailable)
            }
            _ => outcome,
        }
    }
}

fn flawed(flaw: Flaw) -> InvokerBench {
    bench(|apps| Arc::new(Flawed { apps, flaw }))
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "right: \"series-7\"")]
async fn planted_loss_of_the_key_is_found() {
    invoker_suite(&flawed(Flaw::LosesTheKey)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "500 should be an answer")]
async fn planted_failures_for_answers_are_found() {
    invoker_suite(&flawed(Flaw::TakesAFailureForNoAnswer)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "left: Unavailable")]
async fn planted_denial_of_a_delivery_is_found() {
    invoker_suite(&flawed(Flaw::DeniesADelivery)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "said to be certain")]
async fn planted_certainty_of_a_go_between_is_found() {
    let bench = bench(|apps| Arc::new(apps));
    let out_of_sight = bench.nobody.clone();
    invoker_suite(&InvokerBench {
        out_of_sight,
        ..bench
    })
    .await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "the breaker never opens")]
async fn planted_breaker_that_never_opens_is_found() {
    let breaker = BreakerSettings {
        failures: NonZeroU32::MAX,
        ..settings().breaker
    };
    let settings = PersistentSettings {
        breaker,
        ..settings()
    };
    persistence_suite(|apps| Arc::new(Persistent::new(apps, settings))).await;
}

/// Repeats whatever has failed.
struct Careless(Persistent<MemoryInvoker>);

#[async_trait]
impl Invoker for Careless {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        match self.0.invoke(target, body.clone(), context).await {
            Err(_) => self.0.invoke(target, body, context).await,
            answered => answered,
        }
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "delivered twice without a key")]
async fn planted_carelessness_is_found() {
    persistence_suite(|apps| Arc::new(Careless(Persistent::new(apps, settings())))).await;
}

/// Takes every call for one that changes something.
struct Timid(Persistent<MemoryInvoker>);

#[async_trait]
impl Invoker for Timid {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let Callee::App(app) = target.callee() else {
            panic!("no app");
        };
        let target = Target::app(app, axum::http::Method::POST, target.path()).unwrap();
        self.0.invoke(&target, body, context).await
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "GET was given up")]
async fn planted_timidity_is_found() {
    persistence_suite(|apps| Arc::new(Timid(Persistent::new(apps, settings())))).await;
}

#[tokio::test(start_paused = true)]
async fn planted_defects_come_one_a_call() {
    let apps = MemoryInvoker::default();
    let echo = Callee::App("echo".to_owned());
    apps.run(echo.clone());
    apps.plant(
        &echo,
        [PlantedInCall::Unavailable, PlantedInCall::AnswerLost],
    );
    let target = Target::app("echo", axum::http::Method::GET, "x").unwrap();
    let context = CallContext::within(Duration::from_secs(1));
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let outcome = apps.invoke(&target, Bytes::new(), &context).await;
        kinds.push(
            outcome
                .map_err(|error| error.kind)
                .map(|answer| answer.status.as_u16()),
        );
    }
    let expected = [
        Err(PortErrorKind::Unavailable),
        Err(PortErrorKind::Timeout),
        Ok(200),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        apps.heard().len(),
        2,
        "a lost answer is of a call that was delivered"
    );
}
