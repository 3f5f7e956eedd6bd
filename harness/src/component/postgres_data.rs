use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use uuid::Uuid;

use super::postgres::{LIMITS, SUPERUSER};
use super::runnable::Runnable;
use super::site::{Site, write};
use super::template::{self, Template};
use super::tree;
use crate::error::StackError;
use crate::provider::{Mount, OneShot, RunAs, ServiceId};

/// It takes 3 s on an idle disk.
const INITDB_WITHIN: Duration = Duration::from_mins(1);
const DATA: &str = "data";
const PASSWORD: &str = "password";

/// An empty cluster of this run.
pub(super) struct PreparedData {
    pub(super) dir: PathBuf,
    pub(super) password: String,
}

/// Copies the template cluster into the run. The template's password is random, made with it, and
/// readable by its owner alone: there is no default one.
pub(super) async fn prepare(
    postgres: &Runnable,
    run_as: Option<RunAs>,
    site: &Site,
) -> Result<PreparedData, StackError> {
    let options = initdb_options();
    let name = template::key(
        &format!("postgres-{}", postgres.stem()),
        &postgres.version,
        &options,
    );
    let template = match Template::find(&site.templates, &name).await? {
        Template::Ready(template) => template,
        Template::Missing(making) => {
            initialise(postgres, run_as, site, &options, making.dir()).await?;
            making.publish()?
        }
    };
    let password_file = template.join(PASSWORD);
    let password = fs::read_to_string(&password_file)
        .map_err(|error| StackError::io("read", &password_file, error))?;
    let home = site.run.temp_dir("postgres-data")?;
    let dir = home.join(DATA);
    let (from, to) = (template.join(DATA), dir.clone());
    tokio::task::spawn_blocking(move || tree::copy(&from, &to, run_as))
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| StackError::io("copy the empty cluster to", &dir, error))?;
    Ok(PreparedData { dir, password })
}

fn initdb_options() -> Vec<String> {
    [
        "--username",
        SUPERUSER,
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Runs `initdb` in the run's own folder, which its user can reach, and takes the result into the
/// template, which need not be reachable.
async fn initialise(
    postgres: &Runnable,
    run_as: Option<RunAs>,
    site: &Site,
    options: &[String],
    into: &Path,
) -> Result<(), StackError> {
    let workshop = site.run.temp_dir("postgres-initdb")?;
    let password = Uuid::new_v4().simple().to_string();
    let password_file = workshop.join(PASSWORD);
    write(&password_file, &password)?;
    let private = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&password_file, private)
        .and_then(|()| tree::own(&password_file, run_as))
        .and_then(|()| tree::own(&workshop, run_as))
        .map_err(|error| StackError::io("hand over", &workshop, error))?;
    let data = workshop.join(DATA);
    let mut args = options.to_vec();
    args.extend(["--pgdata", &data.display().to_string()].map(str::to_owned));
    args.extend(["--pwfile", &password_file.display().to_string()].map(str::to_owned));
    let initdb = OneShot {
        what: "initialise an empty Postgres cluster".to_owned(),
        program: postgres.beside("initdb"),
        package: postgres.package(vec![Mount::writable(&workshop)], Vec::new(), LIMITS),
        args,
        env: Vec::new(),
        working_dir: workshop.clone(),
        run_as,
        log: site.run.log_file(&ServiceId::shared("postgres-initdb")),
        within: INITDB_WITHIN,
    };
    site.provider.run_once(initdb, &site.run).await?;
    let take = || {
        fs::copy(&password_file, into.join(PASSWORD))?;
        tree::copy(&data, &into.join(DATA), None)?;
        fs::remove_dir_all(&workshop)
    };
    take().map_err(|error| StackError::io("take the empty cluster to", into, error))
}
