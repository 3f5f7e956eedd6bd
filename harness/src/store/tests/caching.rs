use std::fs::{self, File};
use std::thread;
use std::time::{Duration, SystemTime};

use super::fixture::{Fixture, Heard, SERVER, overwrite, sha256};
use crate::store::{ComponentId, Silent, Store, StoreErrorKind};

const REDIS: ComponentId = ComponentId::Redis;

#[test]
fn a_filled_cache_is_used_without_any_client() {
    let fixture = Fixture::new();
    let first = fixture.store().obtain(REDIS, &Silent).expect("fetched");
    assert_eq!(first.provenance.source, "pip");
    assert_eq!(first.provenance.sha256, sha256(SERVER.as_bytes()));
    assert_eq!(first.provenance.size_bytes, SERVER.len() as u64);
    fs::remove_dir_all(fixture.path("bin")).expect("no client is left");

    let store = fixture.store();
    let second = store.obtain(REDIS, &Silent).expect("from the cache");
    assert_eq!(second.entry, first.entry);
    assert_eq!(second.provenance, first.provenance);
    assert!(store.is_ready(REDIS));
    assert!(store.verify(REDIS).expect("intact"));
    assert_eq!(fixture.calls(), 1);
    fixture.assert_no_scratch();
}

#[test]
fn two_at_once_fetch_once() {
    let fixture = Fixture::new();
    fixture.fake_pip("sleep 0.3");
    let stores = [fixture.store(), fixture.store()];
    thread::scope(|scope| {
        let both = stores
            .each_ref()
            .map(|store| scope.spawn(|| store.obtain(REDIS, &Silent).expect("obtained")));
        let [one, other] = both.map(|handle| handle.join().expect("no panic"));
        assert_eq!(one.entry, other.entry);
    });
    assert_eq!(fixture.calls(), 1);
    fixture.assert_no_scratch();
}

#[test]
fn a_truncated_entry_is_replaced_and_said_so() {
    let fixture = Fixture::new();
    fixture.store().obtain(REDIS, &Silent).expect("fetched");
    overwrite(&fixture.cached_file(), b"#!/bin");

    assert!(!fixture.store().is_ready(REDIS));
    let heard = Heard::default();
    let artifact = fixture
        .store()
        .obtain(REDIS, &heard)
        .expect("fetched again");
    assert_eq!(
        fs::read_to_string(artifact.entry).expect("readable"),
        SERVER
    );
    assert!(
        heard.text().contains("it has 6 bytes where"),
        "{}",
        heard.text()
    );
    assert_eq!(fixture.calls(), 2);
}

#[test]
fn an_altered_entry_of_the_same_size_is_replaced() {
    let fixture = Fixture::new();
    fixture.store().obtain(REDIS, &Silent).expect("fetched");
    overwrite(
        &fixture.cached_file(),
        SERVER.replace("9.1.2", "6.6.6").as_bytes(),
    );

    let heard = Heard::default();
    fixture
        .store()
        .obtain(REDIS, &heard)
        .expect("fetched again");
    assert!(
        heard.text().contains("its checksum is wrong"),
        "{}",
        heard.text()
    );
    assert_eq!(fixture.calls(), 2);
}

/// Alters the cached file so that its size and its time stay.
fn alter_behind_the_stamp(fixture: &Fixture) {
    let file = fixture.cached_file();
    let stored: SystemTime = file
        .metadata()
        .expect("metadata")
        .modified()
        .expect("mtime");
    overwrite(&file, SERVER.replace("9.1.2", "6.6.6").as_bytes());
    File::options()
        .write(true)
        .open(&file)
        .expect("open")
        .set_modified(stored)
        .expect("mtime");
}

#[test]
fn planted_alteration_behind_the_stamp_is_replaced_at_the_first_use_of_a_store() {
    let fixture = Fixture::new();
    let used = fixture.store();
    used.obtain(REDIS, &Silent).expect("fetched");
    used.obtain(REDIS, &Silent).expect("read whole");
    alter_behind_the_stamp(&fixture);
    used.obtain(REDIS, &Silent).expect("once is enough");
    assert_eq!(fixture.calls(), 1);

    let heard = Heard::default();
    let artifact = fixture.store().obtain(REDIS, &heard).expect("replaced");
    assert_eq!(
        fs::read_to_string(artifact.entry).expect("readable"),
        SERVER
    );
    assert!(
        heard.text().contains("its checksum is wrong"),
        "{}",
        heard.text()
    );
    assert_eq!(fixture.calls(), 2);
}

#[test]
fn verify_finds_what_the_stamp_hides() {
    let fixture = Fixture::new();
    fixture.store().obtain(REDIS, &Silent).expect("fetched");
    alter_behind_the_stamp(&fixture);

    let store = fixture.store();
    assert!(
        store.is_ready(REDIS),
        "the cheap check trusts size and time"
    );
    let error = store.verify(REDIS).expect_err("the full one reads");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
}

#[test]
fn a_touched_but_equal_file_stays_valid() {
    let fixture = Fixture::new();
    fixture.store().obtain(REDIS, &Silent).expect("fetched");
    let file = fixture.cached_file();
    overwrite(&file, SERVER.as_bytes());
    let later = SystemTime::now() + Duration::from_mins(1);
    File::options()
        .write(true)
        .open(&file)
        .expect("open")
        .set_modified(later)
        .expect("mtime");
    fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect("from the cache");
    assert_eq!(fixture.calls(), 1);
}

#[test]
fn an_unreadable_record_is_replaced() {
    let fixture = Fixture::new();
    fixture.store().obtain(REDIS, &Silent).expect("fetched");
    fs::write(fixture.entries()[0].join("entry.json"), "{ not json").expect("spoiled");
    fixture
        .store()
        .obtain(REDIS, &Silent)
        .expect("fetched again");
    assert_eq!(fixture.calls(), 2);
}

#[test]
fn only_scratch_space_without_an_owner_is_swept() {
    let fixture = Fixture::new();
    let tmp = fixture.home().join("tmp");
    for name in ["kafka-dead", "kafka-alive", "kafka-unlocked"] {
        fs::create_dir_all(tmp.join(name)).expect("scratch");
    }
    let alive = File::create(tmp.join("kafka-alive.lock")).expect("lock file");
    alive.lock().expect("locked");
    drop(File::create(tmp.join("kafka-dead.lock")).expect("lock file"));

    Store::open(fixture.config()).expect("the store");
    assert!(tmp.join("kafka-alive").is_dir());
    assert!(!tmp.join("kafka-dead").exists());
    assert!(!tmp.join("kafka-dead.lock").exists());
    assert!(!tmp.join("kafka-unlocked").exists());
}

#[test]
fn a_go_build_is_keyed_by_its_compiler_and_outlives_it() {
    let fixture = Fixture::new();
    fixture.fake_go("go1.26.8", "local");

    let built = fixture
        .store()
        .obtain(ComponentId::Scheduler, &Silent)
        .expect("built");
    assert_eq!(built.provenance.source, "go module");
    assert!(
        built.provenance.how.contains("go1.26.8"),
        "{}",
        built.provenance.how
    );
    assert!(
        built.dir.to_string_lossy().contains("-go1.26.8"),
        "{}",
        built.dir.display()
    );
    fixture.assert_no_scratch();

    fs::write(fixture.path("go/VERSION"), "go1.27.0\n").expect("VERSION");
    fixture
        .store()
        .obtain(ComponentId::Scheduler, &Silent)
        .expect("another Go: the old build serves");
    fs::remove_dir_all(fixture.path("bin")).expect("no Go at all");
    fixture
        .store()
        .obtain(ComponentId::Scheduler, &Silent)
        .expect("the old build serves");
    assert_eq!(fixture.calls(), 1);
}
