use std::time::Duration;

/// Bounds and paces of the relay.
#[derive(Clone, Copy, Debug)]
pub struct RelaySettings {
    /// Names the outbox in metrics: the role that owns it. A process may relay several.
    pub outbox: &'static str,
    /// Calls to the publisher at once.
    pub in_flight_max: usize,
    /// Events that one call publishes at most, each of another subject. More than one costs an event
    /// the time that the slowest of them takes, and saves all of them a call each.
    pub batch_max: usize,
    /// Events taken from the outbox and not done with, waiting ones included. Subjects that cannot be
    /// published must number this many before they hold back others.
    pub taken_max: usize,
    /// How often the outbox is asked although nobody woke the relay: the delay of events that
    /// another replica committed.
    pub poll_every: Duration,
    /// Also how long a subject's events wait when a relay was killed.
    pub lease_ttl: Duration,
    /// Well below the lease's life, so that one failed renewal costs nothing.
    pub renew_every: Duration,
    /// A publisher that has not answered by then gets the event again. Longer than every
    /// adapter's own bound: this is for one that broke its promise.
    pub publish_timeout: Duration,
    pub backoff_first: Duration,
    pub backoff_max: Duration,
    /// How long events stay in the outbox after they were published.
    pub retention: Retention,
    /// How often the outbox is purged of what is older than that.
    pub purge_every: Duration,
    /// Events deleted by one statement, so that none holds its locks for long.
    pub purge_max: u32,
}

/// How long published events stay in the outbox, for whoever has to find out what became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    For(Duration),
    /// Nothing is ever deleted, and the outbox grows with every change.
    Unlimited,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            outbox: "api",
            in_flight_max: 32,
            batch_max: 1,
            taken_max: 512,
            poll_every: Duration::from_millis(150),
            lease_ttl: Duration::from_secs(3),
            renew_every: Duration::from_millis(750),
            publish_timeout: Duration::from_secs(20),
            backoff_first: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
            retention: Retention::For(Duration::from_hours(24)),
            purge_every: Duration::from_mins(1),
            purge_max: 1_000,
        }
    }
}
