//! What a process is told at its start, checked, and how its spelling is read.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gauntlet_contract::config::Role;
use jiff::SignedDuration;

use crate::relay::Retention;
use crate::secrets::Backend;

/// Everything that a process is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Not empty.
    pub roles: BTreeSet<Role>,
    pub http_addr: SocketAddr,
    pub bus: Bus,
    pub state: State,
    /// Where secrets are looked for, in this order, before the environment.
    pub secret_stores: Vec<SecretSource>,
    /// Base URL of the api role, where no sidecar finds it.
    pub api_url: String,
    /// Stands before every topic and consumer group; may be empty.
    pub topic_prefix: String,
    /// None where no role of the process looks at users' tokens.
    pub tokens: Option<TokenConfig>,
    /// How long published events stay in the outbox.
    pub outbox_retention: Retention,
    /// How long a drain may take before the process gives up on it.
    pub drain_timeout: Duration,
}

impl Config {
    /// What the process is connected with by itself.
    pub fn backends(&self) -> BTreeSet<Backend> {
        let mut backends = BTreeSet::new();
        if matches!(self.bus, Bus::Dapr { .. }) {
            backends.insert(Backend::Sidecar);
        }
        if matches!(self.bus, Bus::Redis) || self.state == State::Redis {
            backends.insert(Backend::Redis);
        }
        // Only a role that keeps state connects to its store.
        if self.state == State::Postgres && self.roles.contains(&Role::Recurring) {
            backends.insert(Backend::Postgres);
        }
        backends
    }

    /// The roles as one name for logs and health, e.g. `api` or `api+audit`.
    pub fn service_name(&self) -> String {
        let names: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
        names.join("+")
    }
}

/// How events travel. Both ways are the same to everything but the wiring.
#[derive(Clone, Debug)]
pub enum Bus {
    Dapr {
        http_url: String,
        pubsub_name: String,
    },
    Kafka {
        brokers: String,
    },
    Redis,
}

/// Where roles keep state that is no truth: what they have done with, and when they last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The sidecar's component of this name.
    Sidecar(String),
    Postgres,
    Redis,
}

/// A store of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The sidecar's component of this name.
    Sidecar(String),
    /// A folder with a file for each secret, as Kubernetes mounts them.
    Folder(PathBuf),
    /// A JSON file with one object.
    Json(PathBuf),
}

/// Whose tokens are trusted.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    pub jwks_file: PathBuf,
    pub issuer: String,
    pub audience: String,
}

/// Reads a role by its name.
pub fn parse_role(name: &str) -> Result<Role, String> {
    let known = Role::ALL.map(Role::as_str);
    Role::ALL
        .into_iter()
        .find(|role| role.as_str() == name)
        .ok_or_else(|| format!("there is no such role; the roles are {}", known.join(", ")))
}

/// Reads a store of secrets: `dapr:NAME`, `dir:PATH` or `json:PATH`.
pub fn parse_secret_source(text: &str) -> Result<SecretSource, String> {
    match text.split_once(':') {
        Some(("dapr", name)) if !name.is_empty() => Ok(SecretSource::Sidecar(name.to_owned())),
        Some(("dir", path)) if !path.is_empty() => Ok(SecretSource::Folder(path.into())),
        Some(("json", path)) if !path.is_empty() => Ok(SecretSource::Json(path.into())),
        _ => Err("the stores are dapr:NAME, dir:PATH and json:PATH".to_owned()),
    }
}

/// Reads a duration such as `30s`, `1m30s` or `500ms`. It must be more than nothing.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let example = "write it like 30s, 1m30s or 500ms";
    let signed: SignedDuration = text.parse().map_err(|_| example.to_owned())?;
    match Duration::try_from(signed) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("must be longer than nothing; {example}")),
    }
}

/// Reads a retention: a duration, or `off` for ever. Zero is refused: it could be
/// meant either way, and one of them deletes.
pub fn parse_retention(text: &str) -> Result<Retention, String> {
    if text == "off" {
        return Ok(Retention::Unlimited);
    }
    parse_duration(text)
        .map(Retention::For)
        .map_err(|problem| format!("{problem}, or `off` to keep them for ever"))
}

/// Reads a topic prefix: letters, digits, `.`, `_` and `-`, which every broker takes in names.
pub fn parse_topic_prefix(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.chars().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("may consist of letters, digits, '.', '_' and '-'".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["30", "", "0s", "-5s", "soon"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_retention_is_a_duration_or_off_and_never_nothing() {
        let day = Retention::For(Duration::from_hours(24));
        assert_eq!(parse_retention("24h"), Ok(day));
        assert_eq!(parse_retention("off"), Ok(Retention::Unlimited));
        for wrong in ["0", "0s", "", "-1h", "OFF"] {
            let refused = parse_retention(wrong).unwrap_err();
            assert!(refused.contains("`off`"), "{wrong:?}: {refused}");
        }
    }

    #[test]
    fn a_prefix_cannot_carry_what_a_broker_would_refuse() {
        assert_eq!(
            parse_topic_prefix("dapr-kafka."),
            Ok("dapr-kafka.".to_owned())
        );
        assert_eq!(parse_topic_prefix(""), Ok(String::new()));
        assert!(parse_topic_prefix("a/b").is_err());
        assert!(parse_topic_prefix("a b").is_err());
    }

    #[test]
    fn a_store_of_secrets_is_named_by_its_kind() {
        let sidecar = SecretSource::Sidecar("env".to_owned());
        assert_eq!(parse_secret_source("dapr:env"), Ok(sidecar));
        let folder = SecretSource::Folder("/run/secrets".into());
        assert_eq!(parse_secret_source("dir:/run/secrets"), Ok(folder));
        for wrong in ["", "dapr", "dapr:", "vault:a", "/run/secrets"] {
            assert!(parse_secret_source(wrong).is_err(), "{wrong}");
        }
    }
}
