//! The audit log on Postgres: what only a real server can show of it.

mod append_only;
mod gate;
mod plans;
mod publication;
mod versions;

use std::sync::Arc;

use gauntlet_adapters::postgres::{PostgresAuditLog, PostgresOutbox};
use gauntlet_contract::{Topic, TopicName, UserId};
use gauntlet_ports::{AuditQuery, Direction};
use libtest_mimic::Trial;

use crate::components::Components;
use crate::postgres::Fresh;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    let mut trials = append_only::trials(components);
    trials.extend(gate::trials(components));
    trials.extend(plans::trials(components));
    trials.extend(publication::trials(components));
    trials.extend(versions::trials(components));
    trials
}

fn log(fresh: &Fresh) -> PostgresAuditLog {
    let topic = TopicName::new("", Topic::AuditLogs);
    PostgresAuditLog::new(fresh.database.clone(), "audit", topic)
}

fn outbox(fresh: &Fresh) -> PostgresOutbox {
    PostgresOutbox::of_audit(fresh.database.clone())
}

/// All lines of a user, in the order of the trail.
pub(crate) fn every(user_id: UserId) -> AuditQuery {
    AuditQuery {
        user_id,
        entity: None,
        entity_id: None,
        action: None,
        from: None,
        to: None,
        order: Direction::Ascending,
        after: None,
        limit: 50,
    }
}
