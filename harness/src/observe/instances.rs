use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::rows::{read_table, snapshot};
use super::{Answer, ObserveError, PostgresObserver, until};
use crate::provider::Waited;

/// Series that are over have none that anybody waits for.
const LATEST: &str = "SELECT DISTINCT ON (task.series_id) task.id, task.user_id, \
     task.status = 'completed' AS completed \
     FROM tasks task JOIN series ON series.id = task.series_id AND series.ended_at IS NULL \
     ORDER BY task.series_id, task.occurrence DESC";

/// The latest instance of a series that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestInstance {
    pub task_id: Uuid,
    pub user_id: Uuid,
    /// Then the next one is on its way.
    pub is_completed: bool,
}

impl PostgresObserver {
    /// The latest instance of each series that goes on, in the order of the series' ids.
    pub async fn latest_instances(&self) -> Result<Vec<LatestInstance>, ObserveError> {
        let mut snapshot = snapshot(self.pool()).await?;
        let mut latest = Vec::new();
        read_table("tasks", LATEST, &mut snapshot, &mut latest, instance).await?;
        Ok(latest)
    }

    /// Waits until no series that goes on has a completed instance as its latest. Of a series that goes by
    /// its schedule that may be a state of rest: it waits for these, too, and so for the next occurrence.
    pub async fn await_instances(&self, within: Duration) -> Result<(), Waited> {
        let decide = |latest: Vec<LatestInstance>| match awaited(&latest) {
            0 => Answer::Met(()),
            awaited => Answer::NotYet(format!("{awaited} instances on their way")),
        };
        until(
            "the next instance of each series",
            within,
            || self.latest_instances(),
            decide,
        )
        .await
    }
}

fn awaited(latest: &[LatestInstance]) -> usize {
    let completed = latest.iter().filter(|instance| instance.is_completed);
    completed.count()
}

fn instance(row: &PgRow) -> Result<LatestInstance, sqlx::Error> {
    Ok(LatestInstance {
        task_id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        is_completed: row.try_get("completed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_on_its_way_where_the_latest_one_is_completed() {
        let latest = [true, false, true].map(|is_completed| LatestInstance {
            task_id: Uuid::nil(),
            user_id: Uuid::nil(),
            is_completed,
        });
        assert_eq!(awaited(&latest), 2);
        assert_eq!(awaited(&[]), 0);
    }
}
