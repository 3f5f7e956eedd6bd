use std::time::Duration;

/// How to talk to Redis or Valkey. [`RedisSettings::new`] gives the defaults.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://[user:password@]host:port[/database]`.
    pub url: String,
    /// How long to wait for the answer to a publish; after it the event's fate is unknown.
    pub publish_timeout: Duration,
    /// Roughly how many entries a stream keeps; none keeps all. Entries are not deleted when
    /// they are acknowledged. One that is trimmed before it was read is lost, so the limit must be
    /// far above the longest lag.
    pub max_len: Option<u64>,
    /// After how long without a sign of life another replica takes an entry over: the recovery
    /// time after a crash. A handler that works longer on a batch may find it handled twice.
    pub claim_idle: Duration,
    /// This replica's name within its groups; no two replicas may share one.
    pub consumer: String,
}

/// Enough for an hour at 250 events/s.
const DEFAULT_MAX_LEN: u64 = 1_000_000;

impl RedisSettings {
    /// `consumer` must be unique among replicas, e.g. `<host>-<pid>`.
    pub fn new(url: impl Into<String>, consumer: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            publish_timeout: Duration::from_secs(5),
            max_len: Some(DEFAULT_MAX_LEN),
            claim_idle: Duration::from_secs(5),
            consumer: consumer.into(),
        }
    }
}

// By hand, because the URL may carry a password.
impl std::fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisSettings")
            .field("publish_timeout", &self.publish_timeout)
            .field("max_len", &self.max_len)
            .field("claim_idle", &self.claim_idle)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}
