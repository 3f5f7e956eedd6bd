//! The program itself, as an operator calls it: `todo migrate` takes the schema back, and a process that starts
//! takes it forward.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::postgres::PostgresAuditLog;
use gauntlet_contract::{Topic, TopicName, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_harness::component::system::SystemSource;
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{AuditLog as _, CommitStore as _, TaskStore as _};
use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use super::latest_version;
use crate::components::Components;
use crate::postgres::fresh::Fresh;
use crate::trials::trials;

/// The last version whose audit log kept nothing.
const WITHOUT_GATE: i64 = 6;
/// It serves in a second; the machine may be busy.
const WITHIN: Duration = Duration::from_mins(1);

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, servers =>
        the_program_takes_the_schema_back_and_a_start_takes_it_forward,
        the_program_refuses_to_lose_events_and_says_how_not_to,
    )
}

fn servers(components: &Components) -> Result<(Postgres, String), Failed> {
    Ok((components.postgres()?, components.redis()?))
}

/// How a process ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn program() -> PathBuf {
    // This very program answers for the children of the build.
    let shim = std::env::current_exe().expect("the tests' own program");
    let system = SystemSource::Auto.obtain(&shim, &|_| {}).await;
    system.expect("the system is built").path
}

async fn migrate(program: &Path, fresh: &Fresh, to: i64) -> Ended {
    let output = Command::new(program)
        .args(["migrate", "--to", &to.to_string()])
        .env_clear()
        .env("DATABASE_URL", &fresh.url)
        .output();
    let output = timeout(WITHIN, output).await.expect("it ends");
    let output = output.expect("the program can be executed");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Starts a role that has tables, and asks it to stop once it serves; answers how that ended.
async fn start_and_stop(program: &Path, fresh: &Fresh, redis: &str) -> Ended {
    let mut child = Command::new(program)
        .env_clear()
        .env("ROLE", "recurring")
        .env("HTTP_ADDR", "127.0.0.1:0")
        .env("BROKER", "redis")
        .env("REDIS_URL", redis)
        .env("DATABASE_URL", &fresh.url)
        .env("SERVICE_TOKEN", Uuid::now_v7().simple().to_string())
        .env("TOPIC_PREFIX", format!("{}-", Uuid::now_v7().simple()))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program can be executed");
    let stderr = child.stderr.take().expect("a pipe");
    let mut lines = BufReader::new(stderr).lines();
    let mut err = String::new();
    let serves = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            err.push_str(&line);
            if line.contains("\"serving\"") {
                return;
            }
        }
        panic!("it ended before it served: {err}");
    };
    timeout(WITHIN, serves).await.expect("it serves");
    let pid = child.id().expect("it runs").to_string();
    let asked = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(asked.expect("kill can be executed").success());
    let mut rest = lines.into_inner();
    let stopped = async {
        rest.read_to_string(&mut err).await.expect("text");
        child.wait().await.expect("it ends")
    };
    let status = timeout(WITHIN, stopped).await.expect("it drains");
    Ended {
        code: status.code(),
        out: String::new(),
        err,
    }
}

fn assert_quiet_success(ended: &Ended) {
    let Ended { code, out, err } = ended;
    assert_eq!((*code, out.as_str(), err.as_str()), (Some(0), "", ""));
}

async fn the_program_takes_the_schema_back_and_a_start_takes_it_forward(
    (server, redis): (Postgres, String),
) {
    let (fresh, program) = (Fresh::on(&server).await, program().await);
    let latest = latest_version(&fresh).await;
    let task = sample::task(UserId::generate(), "stays");
    let creation = sample::creation(&task);
    fresh.store().commit(&creation).await.expect("commit");

    assert_quiet_success(&migrate(&program, &fresh, WITHOUT_GATE).await);
    assert_eq!(latest_version(&fresh).await, WITHOUT_GATE);
    // It only ever goes back.
    assert_quiet_success(&migrate(&program, &fresh, latest).await);
    assert_eq!(latest_version(&fresh).await, WITHOUT_GATE);

    let ended = start_and_stop(&program, &fresh, &redis).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("\"drained\""), "{}", ended.err);
    assert_eq!(latest_version(&fresh).await, latest);
    let found = fresh.store().find(task.user_id, task.id).await;
    assert_eq!(found.expect("find"), Some(task));
}

async fn the_program_refuses_to_lose_events_and_says_how_not_to((server, _): (Postgres, String)) {
    let (fresh, program) = (Fresh::on(&server).await, program().await);
    let latest = latest_version(&fresh).await;
    let unknown = migrate(&program, &fresh, latest + 1).await;
    assert_eq!(unknown.code, Some(1));
    let versions = format!(
        "there is no version {}; the versions are 0 to {latest}",
        latest + 1
    );
    assert!(unknown.err.contains(&versions), "{}", unknown.err);

    let task = sample::task(UserId::generate(), "first");
    let renamed = sample::renamed(&task, "second");
    let early = sample::event(Some(&task), Some(&renamed));
    let topic = TopicName::new("", Topic::AuditLogs);
    let log = PostgresAuditLog::new(fresh.database.clone(), "audit", topic);
    log.record(&[early]).await.remove(0).expect("kept");
    let refused = migrate(&program, &fresh, WITHOUT_GATE).await;
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""));
    let why = "error: failed to roll the schema back (database): conflict: audit_early is not empty: let the \
               audit role record what it keeps first\n";
    assert_eq!(refused.err, why);
    assert_eq!(latest_version(&fresh).await, latest, "nothing is undone");
}
