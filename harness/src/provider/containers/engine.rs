use std::fmt;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;

use crate::error::{StackError, StackErrorKind};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An engine on this machine answers in milliseconds; one that is starting, within a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Stopping a container's network on a busy machine takes seconds.
const QUICK_WITHIN: Duration = Duration::from_secs(20);
/// Port bindings on one address, labels on networks and `platform` in requests are all older than this.
const OLDEST_API: (u32, u32) = (1, 41);

/// A container engine that answered, found as testcontainers finds it: `DOCKER_HOST`, else the usual
/// sockets.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    version: String,
    id: String,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Asks the engine for its version. The error says what answered instead, or that nothing did.
    pub async fn connect() -> Result<Self, StackError> {
        let asking = async {
            let docker = docker_client_instance()
                .await
                .map_err(|e| unreachable(&e))?;
            let answer = docker.version().await.map_err(|e| unreachable(&e))?;
            let api = answer.api_version.unwrap_or_default();
            if !is_recent(&api) {
                let (major, minor) = OLDEST_API;
                return Err(StackError::new(
                    StackErrorKind::Engine,
                    format!("use the container engine, whose API is {api}"),
                    format!("install one with API {major}.{minor} or newer"),
                ));
            }
            let info = docker.info().await.map_err(|e| unreachable(&e))?;
            let here = nix::unistd::gethostname().unwrap_or_default();
            let there = info.name.unwrap_or_default();
            let options = info.security_options.unwrap_or_default();
            if let Some(why) = unfit(&options, &there, &here.to_string_lossy()) {
                let mend = "use an engine of this machine that runs as root, or --provider process";
                let what = format!("use the container engine: {why}");
                return Err(StackError::new(StackErrorKind::Engine, what, mend));
            }
            let version = answer.version.unwrap_or_default();
            Ok(Self {
                docker,
                version,
                id: info.id.unwrap_or_default(),
            })
        };
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(StackError::new(
                StackErrorKind::Engine,
                format!(
                    "reach a container engine, it gave no answer within {} s",
                    ANSWER_WITHIN.as_secs()
                ),
                MEND,
            )),
        }
    }

    /// The engine's own version, such as `28.2.2`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the engine calls itself, the same for as long as it keeps its data.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// For what takes long or never ends: builds, logs, waits.
    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// For what takes milliseconds. An engine that hangs is noticed while somebody still waits.
    pub(crate) fn quick(&self) -> Docker {
        self.docker.clone().with_timeout(QUICK_WITHIN)
    }
}

const MEND: &str =
    "start a container engine, name its socket in DOCKER_HOST, or use --provider process";

fn unreachable(error: &dyn std::error::Error) -> StackError {
    let mut innermost = error;
    while let Some(below) = innermost.source() {
        innermost = below;
    }
    StackError::new(
        StackErrorKind::Engine,
        format!("reach a container engine: {innermost}"),
        MEND,
    )
}

/// A request that the engine did not carry out.
pub(crate) fn refused(what: impl Into<String>, error: impl Into<BoxError>) -> StackError {
    StackError::new(
        StackErrorKind::Engine,
        what,
        "see that the container engine runs well, or use --provider process",
    )
    .because(error)
}

/// Why the harness cannot share files, users or ports with an engine, by how engines describe themselves.
fn unfit(options: &[String], its_machine: &str, this_machine: &str) -> Option<String> {
    let has = |name: &str| {
        options
            .iter()
            .any(|option| option.split(',').any(|it| it == name))
    };
    if its_machine != this_machine {
        return Some(format!(
            "it runs on {its_machine}, which has other files and other ports than {this_machine}"
        ));
    }
    if has("name=rootless") {
        return Some(
            "it is rootless: its containers are other users than the owner of the run's files"
                .into(),
        );
    }
    if has("name=userns") {
        return Some(
            "it maps users: its containers are others than the owner of the run's files".into(),
        );
    }
    has("name=selinux").then(|| "SELinux keeps its containers from the run's files".into())
}

fn is_recent(api: &str) -> bool {
    let mut parts = api.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_API,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_recent, unfit};

    #[test]
    fn planted_engine_of_another_time_is_refused() {
        assert!(is_recent("1.41"));
        assert!(is_recent("2.0"));
        assert!(!is_recent("1.40"));
        assert!(!is_recent(""));
    }

    #[test]
    fn planted_engines_that_share_too_little_are_refused() {
        let why = |options: &[&str], its_machine| {
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            unfit(&options, its_machine, "here").unwrap_or_default()
        };
        assert_eq!(
            why(&["name=seccomp,profile=default", "name=cgroupns"], "here"),
            ""
        );
        assert!(why(&["name=seccomp", "name=rootless"], "here").contains("rootless"));
        assert!(why(&["name=userns"], "here").contains("maps users"));
        assert!(why(&["name=selinux"], "here").contains("SELinux"));
        assert!(why(&[], "docker-desktop").contains("docker-desktop"));
    }
}
