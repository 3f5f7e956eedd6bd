use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use rdkafka::admin::{AdminClient, AdminOptions, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use tokio::net::TcpStream;

use super::kafka::NewTopic;
use crate::error::{StackError, StackErrorKind};
use crate::provider::Probe;

/// A topic that nobody reads. Writing to it shows what metadata cannot: that the log takes records.
const PROBE_TOPIC: &str = "gauntlet-probe";
/// An answer takes 30 ms; a fresh broker elects its leaders in some 200 ms.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// A dozen topics with 12 partitions take 0.3 s on idle cores.
const CREATE_WITHIN: Duration = Duration::from_secs(20);

/// Ready when a record is acknowledged.
#[derive(Debug)]
pub(super) struct KafkaProbe {
    address: SocketAddr,
}

impl KafkaProbe {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    async fn produce(&self) -> Result<(), KafkaError> {
        let producer: FutureProducer = config(self.address).create()?;
        let record = FutureRecord::<str, str>::to(PROBE_TOPIC).payload("ready?");
        producer
            .send(record, ANSWER_WITHIN)
            .await
            .map(|_| ())
            .map_err(|(error, _)| error)
    }
}

#[async_trait]
impl Probe for KafkaProbe {
    fn target(&self) -> String {
        self.address.to_string()
    }

    async fn ask(&self) -> Result<(), String> {
        // A client of librdkafka starts threads and retries on its own: it is made only when
        // somebody listens.
        TcpStream::connect(self.address)
            .await
            .map_err(|error| error.to_string())?;
        let topic = NewTopic {
            name: PROBE_TOPIC.to_owned(),
            partitions: 1,
        };
        for (name, code) in submit(self.address, &[topic], ANSWER_WITHIN)
            .await
            .map_err(|e| e.to_string())?
        {
            if code != RDKafkaErrorCode::TopicAlreadyExists {
                return Err(format!("topic {name}: {code}"));
            }
        }
        self.produce().await.map_err(|error| error.to_string())
    }
}

pub(super) async fn create_topics(
    address: SocketAddr,
    topics: &[NewTopic],
) -> Result<(), StackError> {
    let refused =
        |what: String| StackError::new(StackErrorKind::Refused, what, "see the log of kafka");
    let failures = submit(address, topics, CREATE_WITHIN)
        .await
        .map_err(|error| refused("create topics".to_owned()).because(error))?;
    match failures.first() {
        Some((name, code)) => Err(refused(format!("create topic {name}: {code}"))),
        None => Ok(()),
    }
}

/// Returns the topics that were refused.
async fn submit(
    address: SocketAddr,
    topics: &[NewTopic],
    within: Duration,
) -> Result<Vec<(String, RDKafkaErrorCode)>, KafkaError> {
    let admin: AdminClient<DefaultClientContext> = config(address).create()?;
    let wanted: Vec<_> = topics
        .iter()
        .map(|topic| {
            rdkafka::admin::NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(1))
        })
        .collect();
    // The operation's timeout makes the broker answer only when its own view knows the topics.
    let options = AdminOptions::new()
        .request_timeout(Some(within))
        .operation_timeout(Some(within));
    let answers = admin.create_topics(&wanted, &options).await?;
    Ok(answers.into_iter().filter_map(Result::err).collect())
}

fn config(address: SocketAddr) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address.to_string())
        .set("message.timeout.ms", ANSWER_WITHIN.as_millis().to_string())
        .set("socket.timeout.ms", ANSWER_WITHIN.as_millis().to_string())
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "200")
        // The default of 5 ms to 1 s between metadata requests would dominate a start.
        .set("topic.metadata.refresh.fast.interval.ms", "20");
    config
}
