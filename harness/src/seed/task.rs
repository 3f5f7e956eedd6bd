use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A task as the service would have stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedTask {
    pub id: Uuid,
    pub user_id: Uuid,
    pub title: String,
    pub description: Option<String>,
    pub status: &'static str,
    /// 0 low, 1 medium, 2 high, 3 urgent.
    pub priority: usize,
    /// With the IANA name of its zone.
    pub due: Option<(Timestamp, &'static str)>,
    pub category_id: Option<Uuid>,
    /// Sorted, without repetitions.
    pub tags: Vec<Uuid>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Exactly if it is completed.
    pub completed_at: Option<Timestamp>,
}

/// At which all of them are: what they went through before, an import does not tell.
pub(crate) const VERSION: u64 = 1;

const PRIORITIES: [&str; 4] = ["low", "medium", "high", "urgent"];

impl SeedTask {
    /// The task in the documented shape of the API.
    pub fn as_answered(&self) -> Value {
        json!({
            "id": self.id,
            "user_id": self.user_id,
            "title": self.title,
            "description": self.description,
            "status": self.status,
            "priority": PRIORITIES[self.priority],
            "due_date": self.due.map(|(at, _)| at),
            "time_zone": self.due.map(|(_, zone)| zone),
            "category_id": self.category_id,
            "tags": self.tags,
            "occurrence": null,
            "version": VERSION,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "completed_at": self.completed_at,
        })
    }
}
