use async_trait::async_trait;
use gauntlet_contract::{Series, SeriesId, Task};
use jiff::Timestamp;

use crate::error::PortError;

/// Reading series of recurring tasks. Who may see one is for the caller to check by its user.
#[async_trait]
pub trait SeriesStore: Send + Sync {
    async fn find_series(&self, id: SeriesId) -> Result<Option<Series>, PortError>;

    /// The instance with this number; none when it never was or is deleted.
    async fn instance(&self, id: SeriesId, number: u32) -> Result<Option<Task>, PortError>;

    /// The instance with the highest number that is still there.
    async fn latest_instance(&self, id: SeriesId) -> Result<Option<Task>, PortError>;

    /// `on_schedule` series that have not ended and whose latest instance was due by `now`, in the order
    /// of their ids, behind `after`; at most `limit`. Unlike its due date, the place of a series does not
    /// change with its instances: whoever goes through the pages meets each series once.
    async fn due_series(
        &self,
        now: Timestamp,
        after: Option<SeriesId>,
        limit: u32,
    ) -> Result<Vec<Series>, PortError>;
}
