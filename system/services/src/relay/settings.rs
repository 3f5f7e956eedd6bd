use std::time::Duration;

/// Bounds and paces of the relay.
#[derive(Clone, Copy, Debug)]
pub struct RelaySettings {
    /// Events being published at once, of different tasks.
    pub in_flight_max: usize,
    /// Events taken from the outbox and not done with, waiting ones included. Tasks that cannot be
    /// published must number this many before they hold back others.
    pub taken_max: usize,
    /// How often the outbox is asked although nobody woke the relay: the delay of events that
    /// another replica committed.
    pub poll_every: Duration,
    /// Also how long a task's events wait when a relay was killed.
    pub lease_ttl: Duration,
    /// Well below the lease's life, so that one failed renewal costs nothing.
    pub renew_every: Duration,
    /// A publisher that has not answered by then gets the event again. Longer than every
    /// adapter's own bound: this is for one that broke its promise.
    pub publish_timeout: Duration,
    pub backoff_first: Duration,
    pub backoff_max: Duration,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            in_flight_max: 32,
            taken_max: 512,
            poll_every: Duration::from_millis(150),
            lease_ttl: Duration::from_secs(3),
            renew_every: Duration::from_millis(750),
            publish_timeout: Duration::from_secs(20),
            backoff_first: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
        }
    }
}
