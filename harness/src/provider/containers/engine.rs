use std::fmt;
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;

use crate::error::{StackError, StackErrorKind};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An engine on this machine answers in milliseconds; one that is starting, within a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Port bindings on one address, labels on networks and `platform` in requests are all older than this.
const OLDEST_API: (u32, u32) = (1, 41);

/// A container engine that answered, found as testcontainers finds it: `DOCKER_HOST`, else the usual
/// sockets.
#[derive(Clone)]
pub struct Engine {
    docker: Docker,
    version: String,
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
            if is_rootless(&info.security_options.unwrap_or_default()) {
                return Err(StackError::new(
                    StackErrorKind::Engine,
                    "use a rootless container engine: its containers are other users than the one that \
                     the run's files belong to",
                    "use an engine that runs as root, or --provider process",
                ));
            }
            let version = answer.version.unwrap_or_default();
            Ok(Self { docker, version })
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

    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
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

/// As engines word it among their security options.
fn is_rootless(options: &[String]) -> bool {
    options.iter().any(|option| option == "name=rootless")
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
    use super::{is_recent, is_rootless};

    #[test]
    fn planted_engine_of_another_time_is_refused() {
        assert!(is_recent("1.41"));
        assert!(is_recent("2.0"));
        assert!(!is_recent("1.40"));
        assert!(!is_recent(""));
    }

    #[test]
    fn planted_rootless_engine_is_told_from_others() {
        let options =
            |options: &[&str]| options.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(is_rootless(&options(&["name=seccomp", "name=rootless"])));
        assert!(!is_rootless(&options(&["name=seccomp,profile=default"])));
    }
}
