use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::fixture::{Fixture, Heard, executable};
use crate::store::{ComponentId, Silent, Store, StoreErrorKind};

const REDIS: ComponentId = ComponentId::Redis;
/// The user "nobody"; any user that is not the test's own serves.
const STRANGER: u32 = 65_534;

#[test]
fn a_fit_version_on_path_is_used() {
    let fixture = Fixture::new();
    fixture.tool("valkey-server", "echo 'Valkey server v=8.1.0 sha=0'\n");
    let artifact = fixture.store().obtain(REDIS, &Silent).expect("found");
    assert_eq!(
        (
            artifact.provenance.source.as_str(),
            artifact.version.as_str()
        ),
        ("PATH", "8.1.0")
    );
    assert_eq!(fixture.calls(), 0);
}

#[test]
fn an_old_version_on_path_is_passed_over_and_said_so() {
    let fixture = Fixture::new();
    fixture.tool("redis-server", "echo 'Redis server v=5.0.14 sha=0'\n");
    let heard = Heard::default();
    let artifact = fixture.store().obtain(REDIS, &heard).expect("fetched");
    assert_eq!(artifact.provenance.source, "pip");
    assert!(
        heard.text().contains("redis-server is version 5.0.14"),
        "{}",
        heard.text()
    );
}

#[test]
fn a_configured_path_comes_first_and_tells_its_version() {
    let fixture = Fixture::new();
    let server = fixture.path("my-redis");
    executable(&server, "#!/bin/sh\necho 'Redis server v=5.0.14 sha=0'\n");
    let mut config = fixture.config();
    config.given.insert(REDIS, server.clone());
    let artifact = Store::open(config)
        .expect("the store")
        .obtain(REDIS, &Silent)
        .expect("used");
    assert_eq!(artifact.entry, server);
    assert_eq!(artifact.version, "5.0.14");
    assert_eq!(artifact.provenance.source, "configured path");
    assert_eq!(fixture.calls(), 0);
}

#[test]
fn a_configured_path_that_is_wrong_is_an_error_not_a_fallback() {
    let fixture = Fixture::new();
    for (id, wanted) in [
        (REDIS, "the executable"),
        (ComponentId::Postgres, "bin/initdb"),
        (ComponentId::Kafka, "libs"),
    ] {
        let mut config = fixture.config();
        config.given.insert(id, fixture.path("nothing-here"));
        let error = Store::open(config)
            .expect("the store")
            .obtain(id, &Silent)
            .expect_err("wrong path");
        assert_eq!(error.kind(), StoreErrorKind::Config);
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(error.mend().contains(id.path_variable()), "{error}");
    }
}

#[test]
fn a_kafka_directory_tells_its_version_by_its_jars() {
    let fixture = Fixture::new();
    let libs = fixture.path("kafka/libs");
    fs::create_dir_all(&libs).expect("libs");
    for jar in ["kafka_2.13-4.2.0.jar", "a.jar"] {
        fs::write(libs.join(jar), "jar").expect("jar");
    }
    // Good enough to be asked, and of no use for a recording.
    fixture.tool(
        "java",
        "echo 'openjdk version \"17.0.1\"'; [ $1 = -version ]\n",
    );
    let mut config = fixture.config();
    config
        .given
        .insert(ComponentId::Kafka, fixture.path("kafka"));
    let kafka = Store::open(config)
        .expect("the store")
        .obtain(ComponentId::Kafka, &Silent)
        .expect("used");
    assert_eq!((kafka.version.as_str(), &kafka.entry), ("4.2.0", &libs));
    let classpath = format!("{0}/a.jar:{0}/kafka_2.13-4.2.0.jar", libs.display());
    assert_eq!(kafka.kafka_classpath(), classpath);
    assert_eq!(
        kafka.kafka_class_archive(),
        None,
        "no recording: noted, not fatal"
    );
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
}

#[test]
fn another_user_gets_links_where_the_cache_is_closed() {
    let fixture = Fixture::new();
    // As tempfile makes it: closed to others, like /root.
    set_mode(fixture.root.path(), 0o700);
    let artifact = fixture.store().obtain(REDIS, &Silent).expect("fetched");

    let error = artifact
        .reachable_by(STRANGER, &fixture.path("run"))
        .expect_err("closed as well");
    assert_eq!(error.kind(), StoreErrorKind::NotReachable);
    assert!(error.to_string().contains("user 65534"), "{error}");
    assert!(error.mend().contains("TMPDIR"), "{error}");

    let open = tempfile::tempdir().expect("a run's folder");
    set_mode(open.path(), 0o755);
    let linked = artifact
        .reachable_by(STRANGER, open.path())
        .expect("linked");
    assert_eq!(linked.entry, open.path().join("redis/server"));
    assert_eq!(
        fs::read(&linked.entry).expect("readable"),
        fs::read(&artifact.entry).expect("readable")
    );
    // A second call finds the links in place.
    assert_eq!(
        artifact
            .reachable_by(STRANGER, open.path())
            .expect("again")
            .entry,
        linked.entry
    );

    set_mode(fixture.root.path(), 0o755);
    let in_place = artifact
        .reachable_by(STRANGER, open.path())
        .expect("open now");
    assert_eq!(in_place.entry, artifact.entry);
}
