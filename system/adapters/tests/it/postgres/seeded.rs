//! What the harness puts into a database past the service is what the service would have put there.

use std::sync::Arc;

use gauntlet_contract::{Task, TaskId, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_harness::component::seeding;
use gauntlet_harness::seed::{People, SeedTask};
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{CommitStore as _, TaskStore as _};
use jiff::Timestamp;
use libtest_mimic::Trial;
use sqlx::PgConnection;

use super::fresh::Fresh;
use crate::components::Components;
use crate::trials::trials;

/// Whole rows but for their version, which each change of one raises.
const ROWS: &str =
    "SELECT (to_jsonb(t) - 'version' - 'text_version')::text FROM tasks t ORDER BY id";
const TEXT_IS_OF_ANOTHER_VERSION: &str =
    "SELECT count(*) FROM tasks WHERE text_version IS DISTINCT FROM version";

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        what_the_harness_seeds_is_what_the_store_writes,
        planted_words_that_the_store_would_not_have_written_are_seen,
    )
}

async fn what_the_harness_seeds_is_what_the_store_writes(server: Postgres) {
    let (fresh, tasks) = seeded(&server).await;
    let mut raw = fresh.raw().await;
    let before = rows(&mut raw).await;
    assert_eq!(before.len(), tasks.len());
    let of_another = sqlx::query_scalar::<_, i64>(TEXT_IS_OF_ANOTHER_VERSION);
    assert_eq!(of_another.fetch_one(&mut raw).await.unwrap(), 0);
    rewrite(&fresh, &tasks).await;
    assert_eq!(rows(&mut raw).await, before);
}

async fn planted_words_that_the_store_would_not_have_written_are_seen(server: Postgres) {
    let (fresh, tasks) = seeded(&server).await;
    let mut raw = fresh.raw().await;
    sqlx::raw_sql("UPDATE tasks SET search = strip(search)")
        .execute(&mut raw)
        .await
        .unwrap();
    let before = rows(&mut raw).await;
    rewrite(&fresh, &tasks).await;
    assert_ne!(rows(&mut raw).await, before);
}

async fn seeded(server: &Postgres) -> (Fresh, Vec<SeedTask>) {
    let fresh = Fresh::on(server).await;
    let users = [(); 2].map(|()| UserId::generate().0).to_vec();
    let people = People::new(1, Timestamp::now(), users, 60);
    let tasks: Vec<_> = people.tasks().collect();
    seeding::seed(&fresh.url, &people.labels(), &tasks)
        .await
        .expect("seeded");
    (fresh, tasks)
}

async fn rows(raw: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(ROWS).fetch_all(raw).await.unwrap()
}

/// Has the store write each task once more, as it stands.
async fn rewrite(fresh: &Fresh, tasks: &[SeedTask]) {
    let store = fresh.store();
    for task in tasks {
        let found = store.find(UserId(task.user_id), TaskId(task.id)).await;
        let old = found.expect("find").expect("it was seeded");
        let new = Task {
            version: old.version + 1,
            ..old.clone()
        };
        store
            .commit(&sample::update(&old, &new))
            .await
            .expect("commit");
        let found = store.find(new.user_id, new.id).await.expect("find");
        assert_eq!(found, Some(new));
    }
}
