//! What is recorded is published, to the last byte.

use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::{LabelKind, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::{Recording, audit_outbox_suite, outbox_suite, sample};
use gauntlet_ports::{AuditLog as _, OutboxQueue as _};
use libtest_mimic::Trial;

use super::{every, log, outbox};
use crate::components::Components;
use crate::postgres::Fresh;
use crate::trials::trials;

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        keeps_the_contract_of_what_it_publishes,
        what_it_publishes_keeps_the_outbox_contract,
        the_two_outboxes_share_neither_rows_nor_leases,
        times_are_published_to_their_last_digit,
    )
}

async fn keeps_the_contract_of_what_it_publishes(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    audit_outbox_suite(&log(&fresh), &outbox(&fresh)).await;
}

async fn what_it_publishes_keeps_the_outbox_contract(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let source = Recording(log(&fresh));
    outbox_suite(&source, &outbox(&fresh), &outbox(&fresh)).await;
}

/// A table has one owning role: a relay of one must not keep that of the other from its work.
async fn the_two_outboxes_share_neither_rows_nor_leases(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (of_api, of_audit) = (fresh.outbox(), outbox(&fresh));
    let lease = Duration::from_mins(1);
    let all = of_api.renew(lease).await.expect("renew");
    assert_eq!(of_audit.renew(lease).await.expect("renew"), all);
    let label = sample::label(UserId::generate(), LabelKind::Tag, "errands");
    let event = sample::label_event(None, Some(&label));
    log(&fresh)
        .record(&[event])
        .await
        .remove(0)
        .expect("record");
    assert_eq!(of_api.depth().await.expect("depth"), 0);
    assert_eq!(of_audit.depth().await.expect("depth"), 1);
    assert_eq!(of_api.unsent(10, &[]).await.expect("unsent"), []);
    assert_eq!(of_audit.unsent(10, &[]).await.expect("unsent").len(), 1);
}

/// Many times, so that numbers of microseconds with and without zeros at their end come up.
async fn times_are_published_to_their_last_digit(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let (log, outbox) = (log(&fresh), outbox(&fresh));
    outbox.renew(Duration::from_mins(1)).await.expect("renew");
    let user_id = UserId::generate();
    let mut occurred_at = sample::now();
    let events: Vec<_> = (0..500)
        .map(|number| {
            let mut event = sample::event(None, Some(&sample::task(user_id, "timed")));
            occurred_at += Duration::from_micros(number * 9_973);
            event.time = occurred_at;
            event
        })
        .collect();
    for answer in log.record(&events).await {
        answer.expect("record");
    }
    let mut query = every(user_id);
    query.limit = 500;
    let lines = log.query(&query).await.expect("query");
    let mut entries = outbox.unsent(500, &[]).await.expect("unsent");
    entries.sort_by_key(|entry| entry.seq);
    assert_eq!(entries.len(), events.len());
    for ((entry, line), event) in entries.iter().zip(&lines).zip(&events) {
        assert_eq!(line.occurred_at, event.time);
        let published = serde_json::to_string(&entry.envelope.data).expect("encode");
        let answered = serde_json::to_string(line).expect("encode");
        assert_eq!(published, answered);
    }
}
