use std::fs;
use std::net::TcpListener;
use std::path::Path;

use super::fixture::{
    Fixture, Heard, manifest, pip_source, release_source, serve, sha256, tarball,
};
use crate::store::error::StoreError;
use crate::store::{Availability, ComponentId, Manifest, Silent, StoreErrorKind};

const REDIS: ComponentId = ComponentId::Redis;

/// A closed port: connecting is refused at once.
fn nowhere() -> String {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port")
        .port();
    format!("http://127.0.0.1:{port}/dist.tar.gz")
}

#[test]
fn the_embedded_manifest_is_sound() {
    let manifest = Manifest::embedded().expect("sound");
    for id in ComponentId::ALL {
        assert!(!manifest.pinned(id).expect("pinned").sources.is_empty());
        assert_eq!(
            id.as_str().parse::<ComponentId>().expect("its own name"),
            id
        );
    }
    let error = "rabbit".parse::<ComponentId>().expect_err("unknown");
    assert!(
        error
            .to_string()
            .contains("'rabbit'; to mend: name one of redis"),
        "{error}"
    );
}

#[test]
fn a_source_that_nothing_verifies_is_refused() {
    let text = manifest(&pip_source("", 1)).replace("archive_sha256 = \"\"\n", "");
    let error = Manifest::parse(&text).expect_err("refused");
    assert_eq!(error.kind(), StoreErrorKind::Config);
    assert!(
        error
            .to_string()
            .contains("nothing verifies its source pip"),
        "{error}"
    );
}

#[test]
fn a_wrong_checksum_ends_it_and_leaves_nothing() {
    let mut fixture = Fixture::new();
    fixture.redis_sources = pip_source(&"0".repeat(64), 1);
    let error = fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect_err("not trusted");
    assert_eq!(error.kind(), StoreErrorKind::WrongChecksum);
    assert!(error.to_string().contains(&"0".repeat(64)), "{error}");
    assert!(error.to_string().contains("; to mend: "), "{error}");
    fixture.assert_nothing_left();
}

#[test]
fn a_missing_tool_is_named_with_its_package() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path("bin/pip3")).expect("no pip");
    let error = fixture.store().obtain(REDIS, &Silent).expect_err("no tool");
    assert_eq!(error.kind(), StoreErrorKind::MissingTool);
    let text = error.to_string();
    assert!(text.contains("find pip3 or pip on PATH"), "{text}");
    assert!(text.contains("apt-get install python3-pip"), "{text}");
    assert!(text.contains("GAUNTLET_REDIS_PATH"), "{text}");
    fixture.assert_nothing_left();
}

#[test]
fn a_failing_tool_is_quoted() {
    let fixture = Fixture::new();
    fixture.fake_pip("echo 'ERROR: cannot reach the index' >&2; exit 3");
    let error = fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect_err("no source");
    assert!(
        error.to_string().contains("cannot reach the index"),
        "{error}"
    );
    fixture.assert_nothing_left();
}

#[test]
fn a_full_disk_ends_it_wherever_it_shows() {
    let fixture = Fixture::new();
    fixture.fake_pip("echo 'OSError: [Errno 28] No space left on device' >&2; exit 1");
    let error = fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect_err("disk full");
    assert_eq!(error.kind(), StoreErrorKind::DiskFull);
    fixture.assert_nothing_left();

    let full = Path::new("/dev/full");
    let cause = fs::write(full, "x").expect_err("it is always full");
    assert_eq!(
        StoreError::io("write", full, cause).kind(),
        StoreErrorKind::DiskFull
    );
}

#[test]
fn too_little_space_is_told_before_anything_runs() {
    let mut fixture = Fixture::new();
    fixture.redis_sources = fixture
        .redis_sources
        .replace("needs_mb = 1", "needs_mb = 1000000000");
    let error = fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect_err("no space");
    assert_eq!(error.kind(), StoreErrorKind::DiskFull);
    assert!(
        error.mend().contains("set GAUNTLET_HOME to another disk"),
        "{error}"
    );
    assert_eq!(fixture.calls(), 0);
}

#[test]
fn a_release_is_verified_against_its_published_checksum() {
    let mut fixture = Fixture::new();
    let archive = tarball("dist/server");
    let sum = format!("{}  dist.tar.gz\n", sha256(&archive));
    let base = serve(
        vec![
            ("/dist.tar.gz", archive),
            ("/dist.tar.gz.sha256", sum.into_bytes()),
        ],
        0,
    );
    fixture.redis_sources = release_source(
        &format!("{base}/dist.tar.gz"),
        &format!("{base}/dist.tar.gz.sha256"),
    );
    let artifact = fixture.store().obtain(REDIS, &Silent).expect("downloaded");
    assert_eq!(artifact.provenance.source, "official release");
    assert!(
        artifact
            .provenance
            .how
            .contains("checksum that the project publishes"),
        "{}",
        artifact.provenance.how
    );
    assert_eq!(fixture.calls(), 0);
}

#[test]
fn a_release_unlike_its_checksum_is_not_passed_over_in_silence() {
    let mut fixture = Fixture::new();
    let sum = format!("{}  dist.tar.gz\n", "1".repeat(64));
    let base = serve(
        vec![
            ("/dist.tar.gz", tarball("dist/server")),
            ("/sum", sum.into_bytes()),
        ],
        0,
    );
    let pip = fixture.redis_sources.clone();
    fixture.redis_sources =
        release_source(&format!("{base}/dist.tar.gz"), &format!("{base}/sum")) + &pip;
    let error = fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect_err("not trusted");
    assert_eq!(error.kind(), StoreErrorKind::WrongChecksum);
    fixture.assert_nothing_left();
}

#[test]
fn a_broken_download_is_tried_again_and_then_left_for_the_next_source() {
    let mut fixture = Fixture::new();
    let archive = tarball("dist/server");
    let sum = sha256(&archive).into_bytes();
    let base = serve(vec![("/dist.tar.gz", archive), ("/sum", sum)], 1000);
    let pip = fixture.redis_sources.clone();
    fixture.redis_sources =
        release_source(&format!("{base}/dist.tar.gz"), &format!("{base}/sum")) + &pip;
    let heard = Heard::default();
    let artifact = fixture.store().obtain(REDIS, &heard).expect("from pip");
    assert_eq!(artifact.provenance.source, "pip");
    assert!(
        heard.text().contains("trying once more"),
        "{}",
        heard.text()
    );
    assert!(
        heard
            .text()
            .contains("official release: failed to download all of"),
        "{}",
        heard.text()
    );
    fixture.assert_no_scratch();
}

#[test]
fn no_network_names_every_attempt_once() {
    let mut fixture = Fixture::new();
    fixture.redis_sources = release_source(&nowhere(), &nowhere());
    let store = fixture.store();
    let error = store.obtain(REDIS, &Silent).expect_err("no source");
    assert_eq!(error.kind(), StoreErrorKind::NoSource);
    assert!(
        error
            .to_string()
            .contains("[official release: failed to download"),
        "{error}"
    );
    assert!(error.to_string().contains("check the network"), "{error}");
    fixture.assert_nothing_left();
    let status = store.status();
    let redis = status
        .iter()
        .find(|status| status.id == REDIS)
        .expect("listed");
    assert!(
        matches!(&redis.availability, Availability::Missing { sources } if sources == &["official release (checksum published by the project)"])
    );
}

#[test]
fn an_archive_that_leads_out_of_its_tree_is_refused() {
    let mut fixture = Fixture::new();
    let archive = tarball("dist/../../escaped");
    let sum = sha256(&archive).into_bytes();
    let base = serve(vec![("/dist.tar.gz", archive), ("/sum", sum)], 0);
    fixture.redis_sources = release_source(&format!("{base}/dist.tar.gz"), &format!("{base}/sum"));
    let error = fixture.store().obtain(REDIS, &Silent).expect_err("refused");
    assert!(
        error.to_string().contains("leads out of its tree"),
        "{error}"
    );
    fixture.assert_nothing_left();
}
