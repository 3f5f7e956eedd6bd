use std::fs;

use super::fixture::{Fixture, manifest, release_source, serve, sha256, tarball};
use crate::store::{ComponentId, Manifest, Silent, Store, StoreError, StoreErrorKind};

const REDIS: ComponentId = ComponentId::Redis;
const SCHEDULER: ComponentId = ComponentId::Scheduler;
const KAFKA: ComponentId = ComponentId::Kafka;

fn refused(fixture: &Fixture, ids: &[ComponentId]) -> StoreError {
    let error = fixture
        .store()
        .obtain_all(ids, &Silent)
        .expect_err("something is missing");
    assert_eq!(error.kind(), StoreErrorKind::MissingTool, "{error}");
    assert_eq!(fixture.calls(), 0, "nothing may be fetched before");
    error
}

fn assert_says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "'{word}' is not in: {text}");
    }
}

#[test]
fn planted_old_go_is_told_with_what_is_needed_before_anything_is_fetched() {
    let fixture = Fixture::new();
    fixture.fake_go("go1.19.8", "");
    let error = refused(&fixture, &[REDIS, SCHEDULER]);
    assert_says(&error, &["go1.19.8", "Go 1.24.11 or newer", "go.dev/dl"]);
    assert!(!error.to_string().contains("GOTOOLCHAIN"), "{error}");
}

#[test]
fn planted_go_that_may_not_fetch_a_newer_one_is_told_how_to_let_it() {
    let fixture = Fixture::new();
    fixture.fake_go("go1.24.4", "local");
    let error = refused(&fixture, &[SCHEDULER]);
    assert_says(&error, &["go1.24.4", "GOTOOLCHAIN=auto", "1.24.11"]);
}

#[test]
fn a_go_that_fetches_a_newer_one_builds() {
    let fixture = Fixture::new();
    fixture.fake_go("go1.22.1", "auto");
    let built = fixture.store().obtain(SCHEDULER, &Silent).expect("built");
    assert_eq!(built.provenance.source, "go module");
}

#[test]
fn planted_lack_of_everything_is_one_error() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path("bin/pip3")).expect("no pip");
    let error = refused(&fixture, &[REDIS, KAFKA, SCHEDULER]);
    assert_says(
        &error,
        &[
            "[redis: failed to find pip3 or pip on PATH]",
            "[kafka: failed to find java on PATH]",
            "[kafka, scheduler: failed to find go on PATH]",
            "apt-get install python3-pip",
            "apt-get install default-jre-headless",
            "GAUNTLET_SCHEDULER_PATH",
        ],
    );
}

#[test]
fn planted_old_java_is_told_before_anything_is_fetched() {
    let fixture = Fixture::new();
    fixture.fake_go("go1.26.8", "local");
    fixture.tool("java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2\n");
    let error = refused(&fixture, &[REDIS, KAFKA]);
    assert_says(&error, &["Java 11", "17 or newer is needed", "JAVA_HOME"]);
    assert_eq!(
        fixture.store().java().expect_err("too old").kind(),
        StoreErrorKind::MissingTool
    );
}

#[test]
fn nothing_is_lacking_where_a_release_can_be_downloaded() {
    let mut fixture = Fixture::new();
    fs::remove_file(fixture.path("bin/pip3")).expect("no pip");
    let archive = tarball("dist/server");
    let sum = sha256(&archive).into_bytes();
    let base = serve(vec![("/dist.tar.gz", archive), ("/sum", sum)], 0);
    fixture.redis_sources = release_source(&format!("{base}/dist.tar.gz"), &format!("{base}/sum"))
        + &fixture.redis_sources;
    let artifact = fixture.store().obtain(REDIS, &Silent).expect("downloaded");
    assert_eq!(artifact.provenance.source, "official release");
}

#[test]
fn nothing_is_lacking_where_the_component_is_cached() {
    let fixture = Fixture::new();
    fixture.store().obtain(REDIS, &Silent).expect("fetched");
    fs::remove_dir_all(fixture.path("bin")).expect("no client is left");
    fixture.store().obtain(REDIS, &Silent).expect("cached");
}

#[test]
fn either_of_two_clients_serves() {
    let fixture = Fixture::new();
    let maven_first = fixture.redis_sources.replace("\"pip\"", "\"maven\"");
    let mut config = fixture.config();
    config.manifest = Manifest::parse(&manifest(
        &(maven_first.replace("package =", "pom = \"redis\"\npackage =") + &fixture.redis_sources),
    ))
    .expect("the manifest");
    let store = Store::open(config).expect("the store");
    let artifact = store.obtain(REDIS, &Silent).expect("pip is there");
    assert_eq!(artifact.provenance.source, "pip");
}
