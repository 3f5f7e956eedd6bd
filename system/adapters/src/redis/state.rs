use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use gauntlet_ports::state::{Etag, Expect, Key, StateOp, StateStore, Versioned, check_ops};
use gauntlet_ports::{PortError, PortErrorKind};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, ErrorKind, RedisError, ServerErrorKind};
use uuid::Uuid;

const PORT: &str = "state store";
/// Reconnects before a call is answered; an early answer tells a caller more than a late one.
const RECONNECTS: usize = 1;
const RECONNECT_DELAY: Duration = Duration::from_millis(50);

/// All expectations are judged before anything is written. The server runs nothing else meanwhile, and
/// a script that has begun to write does not fail for want of memory. What is put is deleted first:
/// else it would keep its former expiry.
const APPLY: &str = "
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 5
  local expect = ARGV[at + 2]
  if expect ~= 'any' then
    local etag = redis.call('HGET', key, 'etag')
    if expect == 'absent' then
      if etag then return 0 end
    elseif etag ~= expect then
      return 0
    end
  end
end
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 5
  redis.call('DEL', key)
  if ARGV[at + 1] == 'put' then
    redis.call('HSET', key, 'value', ARGV[at + 3], 'etag', ARGV[at + 4])
    if ARGV[at + 5] ~= '' then
      redis.call('PEXPIRE', key, ARGV[at + 5])
    end
  end
end
return 1";

/// Where the state is.
#[derive(Clone)]
pub struct RedisStateSettings {
    /// `redis://[user:password@]host:port[/database]`.
    pub url: String,
    /// Put in front of every key. Stores with different prefixes have nothing in common, as long as
    /// none begins another.
    pub prefix: String,
    /// How long to wait for an answer; after it the effect of a change is unknown.
    pub timeout: Duration,
}

// By hand, because the URL may carry a password.
impl fmt::Debug for RedisStateSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStateSettings")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// State in Redis or Valkey, on one server: an `apply` is one script, and its keys may be anywhere.
///
/// The whole contract holds. How durable an entry is depends on the server's own settings: with
/// `appendfsync always` as durable as in a database, with the default a second may be lost, and with
/// a `maxmemory-policy` that evicts anything may go at any time.
#[derive(Clone)]
pub struct RedisStateStore {
    connection: ConnectionManager,
    prefix: String,
}

impl fmt::Debug for RedisStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStateStore")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisStateStore {
    /// Connects. `Invalid` when the URL is none or the password is wrong, `Unavailable` when nobody
    /// listens. After this, lost connections are made again by themselves.
    pub async fn connect(settings: &RedisStateSettings) -> Result<Self, PortError> {
        let client = Client::open(settings.url.as_str())
            .map_err(|error| PortError::new(PortErrorKind::Invalid, PORT, "configure", error))?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(settings.timeout))
            .set_response_timeout(Some(settings.timeout))
            .set_number_of_retries(RECONNECTS)
            .set_min_delay(RECONNECT_DELAY)
            .set_max_delay(RECONNECT_DELAY);
        let connecting = client.get_connection_manager_with_config(config);
        let connection = connecting.await.map_err(|error| {
            // Nothing was asked yet.
            let kind = match kind_of(&error) {
                PortErrorKind::Timeout => PortErrorKind::Unavailable,
                other => other,
            };
            PortError::new(kind, PORT, "connect", error)
        })?;
        Ok(Self {
            connection,
            prefix: settings.prefix.clone(),
        })
    }

    fn name(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }

    fn script(&self, ops: &[StateOp]) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(APPLY).arg(ops.len());
        for op in ops {
            command.arg(self.name(op.key()));
        }
        for op in ops {
            let expect = match op.expect() {
                Expect::Any => "any",
                Expect::Absent => "absent",
                Expect::Match(etag) => etag.as_str(),
            };
            match op {
                StateOp::Put { value, ttl, .. } => {
                    let etag = Uuid::new_v4().to_string();
                    let ttl = ttl.map(millis).unwrap_or_default();
                    command
                        .arg("put")
                        .arg(expect)
                        .arg(&value[..])
                        .arg(etag)
                        .arg(ttl);
                }
                StateOp::Delete { .. } => {
                    command.arg("delete").arg(expect).arg("").arg("").arg("");
                }
            }
        }
        command
    }
}

#[async_trait]
impl StateStore for RedisStateStore {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, PortError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = redis::pipe();
        for key in keys {
            pipeline.hmget(self.name(key), &["value", "etag"]);
        }
        let mut connection = self.connection.clone();
        let rows: Vec<(Option<Vec<u8>>, Option<String>)> = pipeline
            .query_async(&mut connection)
            .await
            .map_err(|error| failed("read entries", error))?;
        let entry = |(value, etag): (Option<Vec<u8>>, Option<String>)| {
            Some(Versioned {
                value: value?.into(),
                etag: Etag::new(etag?),
            })
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    async fn apply(&self, ops: &[StateOp]) -> Result<(), PortError> {
        let op = "change entries";
        check_ops(ops)
            .map_err(|malformed| PortError::new(PortErrorKind::Invalid, PORT, op, malformed))?;
        if !ops.iter().all(may_match) {
            return Err(conflict(op));
        }
        let mut connection = self.connection.clone();
        let applied: bool = self
            .script(ops)
            .query_async(&mut connection)
            .await
            .map_err(|error| failed(op, error))?;
        if applied { Ok(()) } else { Err(conflict(op)) }
    }
}

/// An etag that is not of this store matches nothing, least of all the script's own words.
fn may_match(op: &StateOp) -> bool {
    match op.expect() {
        Expect::Any | Expect::Absent => true,
        Expect::Match(etag) => Uuid::parse_str(etag.as_str()).is_ok(),
    }
}

/// Rounded up: to expire early would be too early.
fn millis(ttl: Duration) -> String {
    ttl.as_nanos().div_ceil(1_000_000).to_string()
}

fn conflict(op: &'static str) -> PortError {
    let detail = "an entry is not as expected";
    PortError::new(PortErrorKind::Conflict, PORT, op, detail)
}

fn failed(op: &'static str, error: RedisError) -> PortError {
    PortError::new(kind_of(&error), PORT, op, error)
}

/// `Timeout` means that the change may have been made; every other kind, that it was not. What the
/// server itself has answered as an error, it has not done.
fn kind_of(error: &RedisError) -> PortErrorKind {
    match error.kind() {
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly,
        ) => PortErrorKind::Unavailable,
        ErrorKind::Server(_) | ErrorKind::Extension => PortErrorKind::Internal,
        ErrorKind::InvalidClientConfig | ErrorKind::AuthenticationFailed => PortErrorKind::Invalid,
        _ if error.is_connection_refusal() => PortErrorKind::Unavailable,
        _ => PortErrorKind::Timeout,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn only_what_may_have_been_written_is_a_timeout() {
        let of_server = |kind| RedisError::from((ErrorKind::Server(kind), "refused"));
        let of_io = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        for (error, kind) in [
            (
                of_server(ServerErrorKind::ReadOnly),
                PortErrorKind::Unavailable,
            ),
            (
                of_server(ServerErrorKind::ResponseError),
                PortErrorKind::Internal,
            ),
            (
                of_io(io::ErrorKind::ConnectionRefused),
                PortErrorKind::Unavailable,
            ),
            (
                of_io(io::ErrorKind::ConnectionReset),
                PortErrorKind::Timeout,
            ),
            (of_io(io::ErrorKind::TimedOut), PortErrorKind::Timeout),
            (of_io(io::ErrorKind::UnexpectedEof), PortErrorKind::Timeout),
            (
                RedisError::from((ErrorKind::Parse, "garbled")),
                PortErrorKind::Timeout,
            ),
        ] {
            assert_eq!(kind_of(&error), kind, "{error}");
        }
    }

    #[test]
    fn an_expiry_is_never_early() {
        assert_eq!(millis(Duration::from_micros(1_500)), "2");
        assert_eq!(millis(Duration::from_secs(1)), "1000");
    }

    #[test]
    fn the_words_of_the_script_are_no_etags() {
        for words in ["any", "absent", ""] {
            let expect = Expect::Match(Etag::new(words));
            let op = StateOp::delete(Key::new("a").unwrap()).expecting(expect);
            assert!(!may_match(&op), "{words:?}");
        }
    }

    #[test]
    fn settings_do_not_show_a_password() {
        let settings = RedisStateSettings {
            url: "redis://user:hunter2@h:1".to_owned(),
            prefix: "api:".to_owned(),
            timeout: Duration::from_secs(1),
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
