use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::topology::{Lane, StackKind};
use crate::provider::{Endpoint, Health, Instance, ServiceId};

/// A stack as `up` and `status` show it. Serialises, so that another process can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackDescription {
    pub run_id: String,
    pub kind: StackKind,
    /// Infrastructure first.
    pub services: Vec<ServiceDescription>,
    pub lanes: Vec<LaneDescription>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceDescription {
    pub id: ServiceId,
    /// None when it does not run.
    pub pid: Option<u32>,
    pub endpoints: Vec<Endpoint>,
    pub log: PathBuf,
    pub health: Health,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneDescription {
    pub lane: Lane,
    pub api_url: String,
    pub audit_url: String,
    /// With credentials.
    pub database_url: String,
}

impl ServiceDescription {
    pub(super) async fn of(instance: &dyn Instance) -> Self {
        Self {
            id: instance.id().clone(),
            pid: instance.pid(),
            endpoints: instance.endpoints().to_vec(),
            log: instance.logs(),
            health: instance.health().await,
        }
    }
}
