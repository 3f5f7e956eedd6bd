//! What the trail's gate keeps outlives a process, and is not lost on the way back.

use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::UserId;
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{AuditLog as _, PortErrorKind, Recorded};
use libtest_mimic::Trial;

use super::{every, log};
use crate::components::Components;
use crate::postgres::Fresh;
use crate::trials::trials;

/// The last version without a gate.
const UNGATED: i64 = 6;

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        the_way_back_is_refused_while_an_event_is_kept,
    )
}

async fn the_way_back_is_refused_while_an_event_is_kept(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let task = sample::task(UserId::generate(), "first");
    let renamed = sample::renamed(&task, "second");
    let early = sample::event(Some(&task), Some(&renamed));
    let kept = log(&fresh).record(&[early]).await.remove(0);
    assert_eq!(kept.expect("record"), Recorded::Kept);
    let refused = fresh.database.migrate_back_to(UNGATED).await;
    let refused = refused.expect_err("something is kept").kind;
    assert_eq!(refused, PortErrorKind::Unavailable);

    // Another process goes on with it.
    let heir = log(&fresh);
    let created = sample::event(None, Some(&task));
    let fresh_line = heir.record(&[created]).await.remove(0);
    assert_eq!(fresh_line.expect("record"), Recorded::Fresh);
    assert_eq!(heir.release(Duration::MAX).await.expect("release"), []);
    fresh
        .database
        .migrate_back_to(UNGATED)
        .await
        .expect("nothing is kept");
    fresh.database.migrate().await.expect("forward");
    let lines = heir.query(&every(task.user_id)).await.expect("query");
    let versions: Vec<u64> = lines.iter().map(|line| line.version).collect();
    assert_eq!(versions, [1, 2]);
}
