use std::time::Duration;

use gauntlet_harness::error::StackErrorKind;
use gauntlet_harness::provider::{Exit, Health};

use super::trials::on_every_provider;
use crate::bench::{Bench, OBEDIENT, SOON};

on_every_provider! {
    #[test] fn a_service_that_dies_at_start_tells_how_and_with_which_words;
    #[test] fn a_program_that_is_missing_is_named;
    #[test] fn a_start_that_failed_can_be_tried_again;
    #[test] fn a_wait_in_vain_carries_the_last_answer;
    #[test] fn an_exit_that_nobody_asked_for_is_noticed;
}

async fn a_service_that_dies_at_start_tells_how_and_with_which_words(bench: &Bench) {
    let service = bench
        .shell("doomed", "echo looking; echo no space left >&2; exit 3")
        .await;
    let error = service.ready(SOON).await.unwrap_err();
    assert_eq!(error.kind(), StackErrorKind::Died);
    assert_eq!(error.exit(), Some(Exit::Code(3)));
    // Nobody promises the order of what is written to two files.
    let mut words = error.last_output().to_vec();
    words.sort();
    assert_eq!(words, ["looking", "no space left"]);
    assert!(
        error
            .to_string()
            .contains("doomed, it ended with exit code 3"),
        "{error}"
    );
    assert_eq!(service.health().await, Health::Exited(Exit::Code(3)));
    assert_eq!(service.exit(), Some(Exit::Code(3)));
    assert_eq!(service.pid(), None);
}

/// By the start, or by the wait for it: a provider may learn of it only then.
async fn a_program_that_is_missing_is_named(bench: &Bench) {
    let mut spec = bench.spec("missing", "");
    spec.program = "/nonexistent/server".into();
    let error = match bench.start(spec).await {
        Ok(service) => service.ready(SOON).await.unwrap_err(),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(text.contains("/nonexistent/server"), "{text}");
    assert!(text.to_lowercase().contains("no such file"), "{text}");
    assert!(text.contains("missing"), "{text}");
}

async fn a_start_that_failed_can_be_tried_again(bench: &Bench) {
    let mut spec = bench.spec("second", "");
    spec.program = "/nonexistent/server".into();
    if let Ok(service) = bench.start(spec).await {
        service.ready(SOON).await.unwrap_err();
        service.stop(SOON).await.unwrap();
    }
    let service = bench.ready_shell("second", OBEDIENT).await;
    service.stop(SOON).await.unwrap();
    // And so can one that went well.
    let service = bench.ready_shell("second", OBEDIENT).await;
    service.stop(SOON).await.unwrap();
}

async fn a_wait_in_vain_carries_the_last_answer(bench: &Bench) {
    let service = bench.shell("slow", "exec sleep 1000").await;
    let error = service.ready(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), StackErrorKind::NotReady);
    assert!(
        error.to_string().contains("last answer: no such file yet"),
        "{error}"
    );
    assert_eq!(
        service.health().await,
        Health::Unhealthy("no such file yet".to_owned())
    );
    service.stop(Duration::ZERO).await.unwrap();
}

async fn an_exit_that_nobody_asked_for_is_noticed(bench: &Bench) {
    let service = bench
        .shell("fickle", "touch $READY; echo farewell; exit 4")
        .await;
    let seen = tokio::time::timeout(SOON, bench.run.until_unexpected_exit())
        .await
        .unwrap();
    assert_eq!(&seen.service, service.id());
    assert_eq!(
        (seen.exit, seen.last_output),
        (Exit::Code(4), vec!["farewell".to_owned()])
    );
    assert_eq!(bench.run.unexpected_exits().len(), 1);
}
