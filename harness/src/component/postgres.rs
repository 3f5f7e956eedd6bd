//! Postgres: one cluster for the stack, one database a lane.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::postgres_data;
use super::runnable::{Origin, Runnable};
use super::site::{Listener, Site, write};
use crate::error::{StackError, StackErrorKind};
use crate::provider::{Endpoint, Limits, Mount, Probe, RunAs, ServiceId, ServiceSpec, StopSignal};

pub(super) const SUPERUSER: &str = "gauntlet";
/// It is up in 0.2 s; a recovery after SIGKILL in the midst of a burst took up to 3 s.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Opening a connection forks a process and derives a key, some 10 ms.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Copying the template database takes 50 ms on an idle disk.
const CREATE_WITHIN: Duration = Duration::from_secs(20);

/// Durability stays as a production server has it: the judge relies on what was acknowledged.
const SETTINGS: [&str; 9] = [
    "unix_socket_directories=",
    "fsync=on",
    "synchronous_commit=on",
    // Commit times of rows are what latencies are judged on.
    "track_commit_timestamp=on",
    "max_connections=150",
    "shared_buffers=96MB",
    "max_wal_size=512MB",
    // The burst's first plans are made before any statistics exist; JIT only costs there.
    "jit=off",
    "log_line_prefix=%m [%p] %d ",
];

/// Each session counts what it touches of the shared buffers once more in some figures, never in this one.
pub(super) const LIMITS: Limits = Limits::memory_mib(1024);
/// What `initdb` writes lets in nobody but the server's own loopback interface. In a container all come
/// from another address; they still have to know the password.
const HBA_FOR_A_NETWORK: &str = "host all all all scram-sha-256\n";

/// A planned Postgres, and the way to talk to it once it runs.
#[derive(Debug, Clone)]
pub struct Postgres {
    listener: Listener,
    password: String,
    spec: ServiceSpec,
}

impl Postgres {
    /// Prepares a data directory and the plan to run on it.
    pub async fn plan(postgres: &Runnable, site: &Site) -> Result<Self, StackError> {
        let refuses_root = || nix::unistd::geteuid().is_root().then_some(RunAs::NOBODY);
        let run_as = site.provider.run_as().or_else(refuses_root);
        let postgres = reachable(postgres, run_as, site)?;
        let data = postgres_data::prepare(&postgres, run_as, site).await?;
        let id = ServiceId::shared("postgres");
        let listener = site.listener(&id, "postgres")?;
        let address = listener.harness;
        let mut mounts = vec![Mount::writable(&data.dir)];
        let mut args = vec![
            "-D".to_owned(),
            data.dir.display().to_string(),
            "-p".to_owned(),
            listener.port().to_string(),
            "-c".to_owned(),
            format!("listen_addresses={}", listener.bind.ip()),
        ];
        if !listener.bind.ip().is_loopback() {
            let hba = site.run.temp().join("pg_hba.conf");
            write(&hba, HBA_FOR_A_NETWORK)?;
            args.extend(["-c".to_owned(), format!("hba_file={}", hba.display())]);
            mounts.push(Mount::read_only(hba));
        }
        args.extend(
            SETTINGS
                .iter()
                .flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]),
        );
        let probe = PostgresProbe {
            url: url(address, &data.password, "postgres"),
        };
        let spec = ServiceSpec {
            id,
            program: postgres.entry.clone(),
            package: postgres.package(mounts, vec![listener.port()], LIMITS),
            args,
            env: Vec::new(),
            working_dir: data.dir,
            run_as,
            endpoints: vec![Endpoint::new("postgres", format!("postgres://{address}"))],
            readiness: Arc::new(probe),
            ready_within: READY_WITHIN,
            stop_signal: StopSignal::Interrupt,
            provenance: Some(postgres.provenance),
        };
        Ok(Self {
            listener,
            password: data.password,
            spec,
        })
    }

    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// The harness's URL of a database, with the superuser's password.
    pub fn url(&self, database: &str) -> String {
        url(self.listener.harness, &self.password, database)
    }

    /// The URL of a database for the other services, with the superuser's password.
    pub fn peers_url(&self, database: &str) -> String {
        url(&self.listener.peers, &self.password, database)
    }

    /// Makes an empty database. The name is the harness's own, never a user's text.
    pub async fn create_database(&self, name: &str) -> Result<(), StackError> {
        let refused = |error: sqlx::Error| {
            let mend = "see the log of postgres";
            StackError::new(
                StackErrorKind::Refused,
                format!("create database {name}"),
                mend,
            )
            .because(error)
        };
        let creating = async {
            let mut connection = PgConnection::connect(&self.url("postgres")).await?;
            let statement = format!("CREATE DATABASE \"{name}\"");
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
            connection.close().await
        };
        let Ok(done) = tokio::time::timeout(CREATE_WITHIN, creating).await else {
            let what = format!(
                "create database {name} within {} s",
                CREATE_WITHIN.as_secs()
            );
            let mend = "see the log of postgres";
            return Err(StackError::new(StackErrorKind::NotReady, what, mend));
        };
        done.map_err(refused)
    }
}

fn url(address: impl std::fmt::Display, password: &str, database: &str) -> String {
    format!("postgres://{SUPERUSER}:{password}@{address}/{database}?sslmode=disable")
}

/// The server's files where its user can read them.
fn reachable(
    postgres: &Runnable,
    run_as: Option<RunAs>,
    site: &Site,
) -> Result<Runnable, StackError> {
    let (Some(RunAs { uid, .. }), Origin::File(artifact)) = (run_as, &postgres.origin) else {
        return Ok(postgres.clone());
    };
    artifact
        .reachable_by(uid, site.run.temp())
        .map(|artifact| Runnable::of_artifact(&artifact))
        .map_err(|error| {
            let mend = error.mend().to_owned();
            StackError::new(StackErrorKind::Config, "run postgres as another user", mend)
                .because(error)
        })
}

#[derive(Debug)]
struct PostgresProbe {
    url: String,
}

#[async_trait]
impl Probe for PostgresProbe {
    fn target(&self) -> String {
        // Without the password, which stands before the last `@`.
        self.url.rsplit('@').next().unwrap_or_default().to_owned()
    }

    async fn ask(&self) -> Result<(), String> {
        let asking = async {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::raw_sql("SELECT 1").execute(&mut connection).await?;
            connection.close().await
        };
        match tokio::time::timeout(CONNECT_WITHIN, asking).await {
            Ok(answer) => answer.map_err(|error: sqlx::Error| error.to_string()),
            Err(_) => Err(format!("no answer within {} s", CONNECT_WITHIN.as_secs())),
        }
    }
}
