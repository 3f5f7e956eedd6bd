use anyhow::Context as _;
use gauntlet_adapters::postgres::{Database, DatabaseSettings};

/// Takes the schema back to an earlier version, which no process does by itself; 0 leaves nothing of it.
/// Refused, and nothing is undone, where that would lose events.
pub async fn migrate_back(database_url: &str, version: i64) -> anyhow::Result<()> {
    let database = Database::connect(database_url, &DatabaseSettings::default())
        .await
        .context("failed to reach Postgres; is it up, and does DATABASE_URL name it?")?;
    let done = database.migrate_back_to(version).await;
    database.close().await;
    Ok(done?)
}
