use std::fmt;
use std::time::Duration;

use gauntlet_ports::{PortError, PortErrorKind};
use sqlx::Connection as _;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, Postgres};

use super::error::Call;

/// The schema belongs to the services; it is embedded so that a binary carries its own.
static MIGRATIONS: Migrator = sqlx::migrate!("../services/migrations");

/// What migrations take for granted, as the server says it: its version, and the encoding of the database.
const SERVER: &str =
    "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')";
/// Has `pg_c_utf8`, which lowers letters the same way everywhere.
const SERVER_MIN: i32 = 17;
const ENCODING: &str = "UTF8";

/// What would be lost on the way back to a version before one.
struct Obstacle {
    before: i64,
    /// Where it stands. There is none where nothing was ever migrated.
    table: &'static str,
    is_there: &'static str,
    detail: &'static str,
}

const OBSTACLES: [Obstacle; 3] = [
    Obstacle {
        before: 4,
        table: "outbox",
        is_there: "SELECT EXISTS (
            SELECT FROM outbox
            WHERE sent_at IS NULL AND envelope::jsonb ->> 'type' NOT LIKE 'todo.task.%')",
        detail: "the outbox has unpublished events that the former version cannot read: stop the requests and \
                 the role recurring, and let the api role publish them first",
    },
    Obstacle {
        before: 7,
        table: "audit_early",
        is_there: "SELECT EXISTS (SELECT FROM audit_early)",
        detail: "audit_early is not empty: let the audit role record what it keeps first",
    },
    Obstacle {
        before: 9,
        table: "audit_early",
        // The column is not there in versions before.
        is_there: "SELECT EXISTS (
            SELECT FROM audit_early early WHERE to_jsonb(early) ->> 'set_aside_at' IS NOT NULL)",
        detail: "audit_early has events that were set aside: have them tried again, or delete them",
    },
];
const HAS_TABLE: &str = "SELECT to_regclass($1) IS NOT NULL";

/// A connection that has been idle for longer is asked before use whether it still lives. Under
/// load none is, and a call costs one round trip.
const ASK_AFTER_IDLE: Duration = Duration::from_secs(1);

/// Bounds of a [`Database`]. Each wait is shorter than the next one out, so that the inner one,
/// which knows more about what was committed, speaks first.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseSettings {
    pub max_connections: u32,
    /// How long a call waits for a connection; then it is certain that nothing was written.
    pub acquire_timeout: Duration,
    /// The server cancels a statement after this; then too.
    pub statement_timeout: Duration,
    /// How long a call waits for the server's answer; then what was written is unknown.
    pub answer_timeout: Duration,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(8),
        }
    }
}

/// A pool of connections to one database.
#[derive(Clone)]
pub struct Database {
    pool: PgPool,
    answer_timeout: Duration,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's own Debug would print the connect options.
        f.debug_struct("Database")
            .field("answer_timeout", &self.answer_timeout)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Connects. `Invalid` when the URL is malformed, `Unavailable` when no connection can be had.
    pub async fn connect(url: &str, settings: &DatabaseSettings) -> Result<Self, PortError> {
        let call = Call::new("database", "connect");
        let millis = |duration: Duration| duration.as_millis().to_string();
        let options = url
            .parse::<PgConnectOptions>()
            .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))?
            .application_name("todo")
            .options([
                ("statement_timeout", millis(settings.statement_timeout)),
                // A client that froze inside a transaction must not keep its locks.
                (
                    "idle_in_transaction_session_timeout",
                    millis(settings.answer_timeout),
                ),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > ASK_AFTER_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(|error| call.not_connected(error))?;
        Ok(Self {
            pool,
            answer_timeout: settings.answer_timeout,
        })
    }

    /// Brings the schema up to date, under an advisory lock: several processes may start at once, and wait
    /// for the first for as long as it takes. `Invalid`, and nothing is made, on a server that is too old, or
    /// in a database whose encoding is not UTF-8.
    pub async fn migrate(&self) -> Result<(), PortError> {
        let op = "migrate the schema forward";
        let unhurried = self.unhurried(op).await?;
        let done = go_forward(&unhurried, op).await;
        unhurried.close().await;
        done
    }

    /// Takes the schema back to `version`; 0 leaves nothing of it, and one that is not there yet changes
    /// nothing. `Invalid` when this program has no such version. `Conflict`, and nothing is undone, while
    /// there are events that would be lost: unpublished ones that the version could not read, and those that
    /// the audit log keeps or has set aside where the version does not.
    pub async fn migrate_back_to(&self, version: i64) -> Result<(), PortError> {
        let op = "roll the schema back";
        if version != 0 && !MIGRATIONS.version_exists(version) {
            let latest = MIGRATIONS.iter().map(|one| one.version).max().unwrap_or(0);
            let detail = format!("there is no version {version}; the versions are 0 to {latest}");
            return Err(Call::new("database", op).error(PortErrorKind::Invalid, detail));
        }
        let unhurried = self.unhurried(op).await?;
        let done = go_back(&unhurried, version, op).await;
        unhurried.close().await;
        done
    }

    /// One connection whose statements may take their time.
    async fn unhurried(&self, op: &'static str) -> Result<PgPool, PortError> {
        let options = PgConnectOptions::clone(&self.pool.connect_options());
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.pool.options().get_acquire_timeout())
            .connect_with(options.options([("statement_timeout", "0")]))
            .await
            .map_err(|error| Call::new("database", op).not_connected(error))
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), PortError> {
        let call = Call::new("database", "ping");
        let mut connection = self.acquire(call).await?;
        self.answer(call, connection.ping()).await
    }

    /// Closes all connections once they are given back.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A connection, for statements that [`answer`](Self::answer) then bounds. The two are apart
    /// because a failure here is certain and one there may be not.
    pub(super) async fn acquire(&self, call: Call) -> Result<PoolConnection<Postgres>, PortError> {
        self.pool
            .acquire()
            .await
            .map_err(|error| call.not_connected(error))
    }

    /// Awaits a statement's answer within the bound.
    pub(super) async fn answer<T>(
        &self,
        call: Call,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, PortError> {
        match tokio::time::timeout(self.answer_timeout, statement).await {
            Ok(answer) => answer.map_err(|error| call.failed(error)),
            Err(elapsed) => Err(PortError::new(
                PortErrorKind::Timeout,
                call.port,
                call.op,
                elapsed,
            )),
        }
    }
}

async fn go_forward(unhurried: &PgPool, op: &'static str) -> Result<(), PortError> {
    let call = Call::new("database", op);
    let server: Result<(i32, String), _> = sqlx::query_as(SERVER).fetch_one(unhurried).await;
    let (version_number, encoding) = server.map_err(|error| call.failed(error))?;
    if let Some(lack) = lack(version_number, &encoding) {
        return Err(call.error(PortErrorKind::Invalid, lack));
    }
    let done = MIGRATIONS.run(unhurried).await;
    done.map_err(|error| migration_failed(op, error))
}

/// What the server lacks, and how to mend it.
fn lack(version_number: i32, encoding: &str) -> Option<String> {
    let major = version_number / 10_000;
    if major < SERVER_MIN {
        return Some(format!(
            "the server is Postgres {major}: it takes {SERVER_MIN} or newer"
        ));
    }
    (encoding != ENCODING).then(|| {
        format!(
            "the database's encoding is {encoding}: it takes {ENCODING}, as from CREATE DATABASE … ENCODING \
             '{ENCODING}' TEMPLATE template0"
        )
    })
}

/// Each migration is undone by itself. What stands in the way of one must be found before those behind it
/// are gone; the script of that one looks once more, under a lock.
async fn go_back(unhurried: &PgPool, version: i64, op: &'static str) -> Result<(), PortError> {
    let call = Call::new("database", op);
    for obstacle in OBSTACLES
        .iter()
        .filter(|obstacle| version < obstacle.before)
    {
        let has_table = sqlx::query_scalar(HAS_TABLE).bind(obstacle.table);
        let asked: Result<bool, _> = async {
            Ok(has_table.fetch_one(unhurried).await?
                && sqlx::query_scalar(obstacle.is_there)
                    .fetch_one(unhurried)
                    .await?)
        }
        .await;
        if asked.map_err(|error| call.failed(error))? {
            return Err(call.error(PortErrorKind::Conflict, obstacle.detail));
        }
    }
    let undone = MIGRATIONS.undo(unhurried, version).await;
    undone.map_err(|error| migration_failed(op, error))
}

fn migration_failed(op: &'static str, error: sqlx::migrate::MigrateError) -> PortError {
    let kind = match &error {
        sqlx::migrate::MigrateError::Execute(cause)
        | sqlx::migrate::MigrateError::ExecuteMigration(cause, _) => super::error::classify(cause),
        _ => PortErrorKind::Internal,
    };
    PortError::new(kind, "database", op, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_migrations_rest_on_is_asked_for_and_named() {
        assert_eq!(lack(170_000, "UTF8"), None);
        assert_eq!(lack(180_004, "UTF8"), None);
        let old = lack(160_009, "UTF8").unwrap();
        assert!(old.contains("Postgres 16") && old.contains("17"), "{old}");
        let other = lack(170_002, "LATIN1").unwrap();
        assert!(
            other.contains("LATIN1") && other.contains("UTF8"),
            "{other}"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_a_bad_url_invalid() {
        let settings = DatabaseSettings {
            acquire_timeout: Duration::from_millis(300),
            ..DatabaseSettings::default()
        };
        let refusal = async |url: &str| {
            let connected = Database::connect(url, &settings).await;
            connected.expect_err("connected").kind
        };
        // Port 1 is reserved and nothing listens on it.
        let nobody = refusal("postgres://postgres@127.0.0.1:1/x").await;
        assert_eq!(nobody, PortErrorKind::Unavailable);
        let malformed = refusal("postgres://127.0.0.1:port/x").await;
        assert_eq!(malformed, PortErrorKind::Invalid);
    }
}
