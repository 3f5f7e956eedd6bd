//! The audit trail as clients and the topic `audit-logs` see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::envelope::Entity;
use crate::ids::{EntityId, EventId, UserId};
#[cfg(feature = "openapi")]
use crate::schema;

/// One line of the audit trail, as `GET /api/audit` returns it. `old` and `new` are the whole states, as
/// the event told them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub seq: i64,
    pub event_id: EventId,
    pub entity: Entity,
    pub entity_id: EntityId,
    pub user_id: UserId,
    pub action: String,
    /// The entity's version after the change.
    pub version: u64,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::state, required = true))]
    pub old: Option<Value>,
    #[cfg_attr(feature = "openapi", schema(schema_with = schema::state, required = true))]
    pub new: Option<Value>,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
}
