//! Which secrets a process needs, and where they come from at its start.
//!
//! There is no default secret: a role that lacks one does not start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use futures::future::join_all;
use gauntlet_contract::config::Role;
use gauntlet_ports::secrets::{InvalidSecretName, Missing, SecretsError};
use gauntlet_ports::{Secret, SecretName, Secrets};

use crate::health::{Component, Probe};
use crate::telemetry::chain;

/// What is shorter could be guessed by trying.
const TOKEN_CHARS_MIN: usize = 32;
/// How long health gives an answer of the stores again. Some of them cost money by the question, and probes
/// come every few seconds.
const STORES_ASKED_EVERY: Duration = Duration::from_secs(10);

/// A secret that some process needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Where Postgres is, with the password.
    DatabaseUrl,
    /// Where Redis or Valkey is, with the password.
    RedisUrl,
    /// What roles show each other on internal routes.
    ServiceToken,
    /// What the sidecar shows with each event that it delivers. The name is Dapr's.
    AppApiToken,
}

/// What a process is connected with by itself. What a sidecar connects to for it is the sidecar's affair,
/// and so are its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    Postgres,
    Redis,
    /// Calls the process as well, and so does whoever passes for it.
    Sidecar,
}

/// What each role needs, however it is configured.
const OF_ROLES: [(Role, &[Need]); 3] = [
    (Role::Api, &[Need::DatabaseUrl, Need::ServiceToken]),
    (Role::Recurring, &[Need::ServiceToken]),
    (Role::Audit, &[Need::DatabaseUrl]),
];

/// What every role of a process needs besides, by what the process is connected with: the broker and the
/// state store of direct mode, or the sidecar.
const OF_BACKENDS: [(Backend, Need); 3] = [
    (Backend::Postgres, Need::DatabaseUrl),
    (Backend::Redis, Need::RedisUrl),
    (Backend::Sidecar, Need::AppApiToken),
];

impl Need {
    /// The secret's name in every store, and the variable's in the environment.
    pub fn name(self) -> &'static str {
        match self {
            Self::DatabaseUrl => "DATABASE_URL",
            Self::RedisUrl => "REDIS_URL",
            Self::ServiceToken => "SERVICE_TOKEN",
            Self::AppApiToken => "APP_API_TOKEN",
        }
    }

    fn is_token(self) -> bool {
        matches!(self, Self::ServiceToken | Self::AppApiToken)
    }

    fn check(self, secret: &Secret) -> Result<(), Fault> {
        if !self.is_token() {
            return Ok(());
        }
        let token = secret.reveal();
        let chars = token.chars().count();
        if chars < TOKEN_CHARS_MIN {
            Err(Fault::TooShort { chars })
        } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(Fault::NoToken)
        } else {
            Ok(())
        }
    }
}

/// The secrets that these roles need, each with the roles that need it.
pub fn needs(
    roles: &BTreeSet<Role>,
    backends: &BTreeSet<Backend>,
) -> BTreeMap<Need, BTreeSet<Role>> {
    let by_role = OF_ROLES
        .iter()
        .filter(|(role, _)| roles.contains(role))
        .flat_map(|(role, needs)| needs.iter().map(|need| (*need, *role)));
    let by_backend = OF_BACKENDS
        .iter()
        .filter(|(backend, _)| backends.contains(backend))
        .flat_map(|(_, need)| roles.iter().map(|role| (*need, *role)));
    let mut needs: BTreeMap<Need, BTreeSet<Role>> = BTreeMap::new();
    for (need, role) in by_role.chain(by_backend) {
        needs.entry(need).or_default().insert(role);
    }
    needs
}

/// The secrets of a process, all that its roles need.
#[derive(Clone, Debug)]
pub struct Resolved(BTreeMap<Need, Secret>);

impl Resolved {
    /// The secret; an error where no role of the process needs it, and it was not looked for.
    pub fn get(&self, need: Need) -> Result<&Secret, NotNeeded> {
        self.0.get(&need).ok_or(NotNeeded(need))
    }
}

/// A secret was asked for that the table of needs does not give to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to hand out {}: no role of this process is known to need it", .0.name())]
pub struct NotNeeded(Need);

/// Why a process cannot start: every secret that it lacks, not only the first. Shows no secret.
#[derive(Debug, thiserror::Error)]
#[error("failed to get the secrets: {}", sentences(.0))]
pub struct Unready(Vec<Lack>);

/// One secret that is not to be had, or of no use.
#[derive(Debug)]
struct Lack {
    need: Need,
    roles: BTreeSet<Role>,
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    Missing(Vec<Missing>),
    /// A store could not be asked.
    Failed(SecretsError),
    TooShort {
        chars: usize,
    },
    /// It holds what no header can carry.
    NoToken,
    Name(InvalidSecretName),
}

/// Gets every secret that the roles need, from the stores in their order.
pub async fn resolve(
    roles: &BTreeSet<Role>,
    backends: &BTreeSet<Backend>,
    secrets: &Secrets,
) -> Result<Resolved, Unready> {
    find_all(needs(roles, backends), secrets).await
}

/// Whether the process would still get its secrets if it started now. `stores` is what they are called.
///
/// The sidecar's token is left out: the environment has it, and the sidecar, whose store must not give
/// it away, logs a warning each time that it is asked (1.16.5).
pub fn probe(
    stores: &str,
    roles: &BTreeSet<Role>,
    backends: &BTreeSet<Backend>,
    secrets: Secrets,
) -> Probe {
    let mut asked = needs(roles, backends);
    asked.remove(&Need::AppApiToken);
    let probe = Probe::new(Component::Secrets, stores, move || {
        let (asked, secrets) = (asked.clone(), secrets.clone());
        async move {
            let found = find_all(asked, &secrets).await;
            found.map(drop).map_err(|unready| unready.to_string())
        }
    });
    probe.remembering(STORES_ASKED_EVERY)
}

async fn find_all(
    needs: BTreeMap<Need, BTreeSet<Role>>,
    secrets: &Secrets,
) -> Result<Resolved, Unready> {
    let answers = needs.into_iter().map(|(need, roles)| async move {
        let answer = find(need, secrets).await;
        (need, roles, answer)
    });
    let mut resolved = BTreeMap::new();
    let mut lacks = Vec::new();
    for (need, roles, answer) in join_all(answers).await {
        match answer {
            Ok(secret) => drop(resolved.insert(need, secret)),
            Err(fault) => lacks.push(Lack { need, roles, fault }),
        }
    }
    if lacks.is_empty() {
        Ok(Resolved(resolved))
    } else {
        Err(Unready(lacks))
    }
}

async fn find(need: Need, secrets: &Secrets) -> Result<Secret, Fault> {
    let name = SecretName::new(need.name()).map_err(Fault::Name)?;
    let secret = match secrets.find(&name).await? {
        Some(found) => {
            if let Some(outage) = &found.outage {
                let (secret, error) = (need.name(), chain(outage));
                tracing::warn!(secret, from = found.store, error, "the fallback stands in");
            }
            found.secret
        }
        // It alone says where was looked and how to mend it.
        None => secrets.require(&name).await?,
    };
    need.check(&secret)?;
    Ok(secret)
}

impl From<SecretsError> for Fault {
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Missing(missing) => Self::Missing(missing),
            error @ SecretsError::Failed { .. } => Self::Failed(error),
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
        write!(f, "{} (needed by {}) ", self.need.name(), roles.join(", "))?;
        match &self.fault {
            Fault::Missing(missing) => missing
                .iter()
                .try_for_each(|missing| whereabouts(f, missing)),
            Fault::Failed(error) => write!(f, "could not be asked for: {}", chain(error)),
            Fault::TooShort { chars } => write!(
                f,
                "is of {chars} characters and too easy to guess: put a random one of at least \
                 {TOKEN_CHARS_MIN} in its place, e.g. by `openssl rand -hex 32`"
            ),
            Fault::NoToken => f.write_str(
                "cannot be sent in a header: put one of letters and digits in its place, e.g. by \
                 `openssl rand -hex 32`",
            ),
            Fault::Name(error) => write!(f, "cannot be asked for: {error}"),
        }
    }
}

fn whereabouts(f: &mut fmt::Formatter<'_>, missing: &Missing) -> fmt::Result {
    if missing.asked.is_empty() {
        return f.write_str("cannot be found without a store: configure one");
    }
    let stores: Vec<_> = missing.asked.iter().map(|(store, _)| &**store).collect();
    let remedies: Vec<_> = missing.asked.iter().map(|(_, remedy)| &**remedy).collect();
    write!(
        f,
        "is not in {}: {}",
        stores.join(", "),
        remedies.join(", or ")
    )
}

fn sentences(lacks: &[Lack]) -> String {
    let sentences: Vec<_> = lacks.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}
