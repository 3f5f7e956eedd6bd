use gauntlet_adapters::postgres::{Database, DatabaseSettings, PostgresOutbox, PostgresStore};
use gauntlet_harness::component::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

/// A schema of the test's own, which ends with the server. A database each would be some 300 files each,
/// and seconds of waiting for the disk when the server stops.
pub(crate) struct Fresh {
    pub(crate) database: Database,
    pub(crate) url: String,
}

impl Fresh {
    /// Migrated, with nothing in it.
    pub(crate) async fn on(server: &Postgres) -> Self {
        Self::with(server, "").await
    }

    /// The same, for tests that write much and never crash the server: no commit waits for the disk.
    pub(crate) async fn relaxed_on(server: &Postgres) -> Self {
        Self::with(server, "&options[synchronous_commit]=off").await
    }

    async fn with(server: &Postgres, options: &str) -> Self {
        let schema = format!("test_{}", Uuid::now_v7().simple());
        let server = server.url("postgres");
        let mut administrator = PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&mut administrator)
            .await
            .unwrap();
        let url = format!("{server}&options[search_path]={schema}{options}");
        let database = Database::connect(&url, &DatabaseSettings::default())
            .await
            .unwrap();
        database.migrate().await.unwrap();
        Self { database, url }
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::new(self.database.clone(), String::new())
    }

    pub(crate) fn outbox(&self) -> PostgresOutbox {
        PostgresOutbox::new(self.database.clone())
    }

    /// A connection past the adapters.
    pub(crate) async fn raw(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}
