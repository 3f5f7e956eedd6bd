use std::time::Duration;

use rdkafka::ClientConfig;

/// How record batches are compressed on their way to the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// What a sidecar does by default; costs no processor time on loopback.
    #[default]
    None,
    /// For brokers behind a network; librdkafka carries its own implementation.
    Snappy,
}

/// How to talk to a Kafka cluster. [`KafkaSettings::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// Bootstrap servers, `host:port`, separated by commas.
    pub brokers: String,
    /// Shown in the broker's logs and metrics.
    pub client_id: String,
    /// How long librdkafka may try to deliver one record, all its own retries included; after it
    /// the record's fate is unknown.
    pub delivery_timeout: Duration,
    /// How long a record waits for company in its batch.
    pub linger: Duration,
    pub compression: Compression,
    /// How long the group waits for a silent member before its partitions go to another: the
    /// recovery time after a crash. The broker's `group.min.session.timeout.ms` bounds it below.
    pub session_timeout: Duration,
    /// Least time between two offset commits; effects within it are delivered again after a
    /// crash, and meet the inbox.
    pub commit_interval: Duration,
}

impl KafkaSettings {
    pub fn new(brokers: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            client_id: client_id.into(),
            // Longer than an election or a broker's restart, shorter than a person's patience.
            delivery_timeout: Duration::from_secs(10),
            // The relay's one event per task leaves nothing to wait for.
            linger: Duration::ZERO,
            compression: Compression::default(),
            // The broker's default minimum.
            session_timeout: Duration::from_secs(6),
            commit_interval: Duration::from_millis(200),
        }
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            // The hash that Dapr's client uses. librdkafka's own default would put a task's later
            // events on another partition after a change between sidecar and direct mode.
            .set("partitioner", "fnv1a_random")
            .set("linger.ms", millis(self.linger))
            .set("delivery.timeout.ms", millis(self.delivery_timeout))
            .set(
                "compression.type",
                match self.compression {
                    Compression::None => "none",
                    Compression::Snappy => "snappy",
                },
            );
        config
    }

    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A new group must not miss what was published before it joined.
            .set("auto.offset.reset", "earliest")
            // The one strategy that Dapr's client offers as well: while a deployment moves between
            // sidecar and direct mode, members of both kinds are in one group.
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", millis(self.session_timeout))
            .set(
                "heartbeat.interval.ms",
                millis((self.session_timeout / 3).max(Duration::from_millis(1))),
            )
            // So that a consumer may be started before its topic's first event.
            .set("allow.auto.create.topics", "true")
            .set("topic.metadata.refresh.interval.ms", "5000")
            // Also how long a commit waits for a coordinator that is away: it must end within a
            // drain.
            .set("coordinator.query.interval.ms", "5000")
            // A backlog of small events must not sit in memory by the hundred thousand.
            .set("queued.max.messages.kbytes", "8192");
        config
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("socket.nagle.disable", "true")
            // Bounds the gap after a broker's restart; the default is ten seconds.
            .set("reconnect.backoff.max.ms", "1000");
        config
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}
