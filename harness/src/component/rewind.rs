//! Sets a consumer group back to the beginning of what it reads. Nobody may be a member of it meanwhile: a
//! member would commit over it, or have it in memory that it was further.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Offset, TopicPartitionList};
use redis::streams::StreamInfoGroupsReply;
use redis::{AsyncCommands, RedisError};

use crate::error::{StackError, StackErrorKind};

/// A broker that is up answers a metadata question in milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Has Kafka keep the first offset that each partition still holds as the group's position. Kafka refuses
/// it as long as the group has members.
pub async fn kafka_group(brokers: &str, group: &str, topic: &str) -> Result<(), StackError> {
    let failed = |what: String| {
        let mend = "see that all members of the group have ended, and the log of kafka";
        StackError::new(StackErrorKind::Refused, what, mend)
    };
    let what = format!("set group {group} back on {topic}");
    let (brokers, group, topic) = (brokers.to_owned(), group.to_owned(), topic.to_owned());
    // librdkafka's questions block.
    let done = tokio::task::spawn_blocking(move || commit_earliest(&brokers, &group, &topic));
    match done.await {
        Ok(Ok(0)) => {
            let what = format!("{what}: the topic has no partition");
            Err(failed(what))
        }
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(what).because(error)),
        Err(error) => Err(failed(what).because(error)),
    }
}

/// Commits in the name of the group without joining it. Answers the number of partitions.
fn commit_earliest(brokers: &str, group: &str, topic: &str) -> Result<usize, KafkaError> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("allow.auto.create.topics", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
    let found = metadata.topics().iter().filter(|it| it.name() == topic);
    let mut positions = TopicPartitionList::new();
    for partition in found.flat_map(MetadataTopic::partitions) {
        let (start, _) = consumer.fetch_watermarks(topic, partition.id(), ANSWER_WITHIN)?;
        positions.add_partition_offset(topic, partition.id(), Offset::Offset(start))?;
    }
    if positions.count() > 0 {
        consumer.commit(&positions, CommitMode::Sync)?;
    }
    Ok(positions.count())
}

/// Has Redis deliver a stream to the group from its first entry on. Entries that were delivered and not
/// acknowledged would come to their consumer besides, so that there may be none.
pub async fn redis_group(url: &str, group: &str, stream: &str) -> Result<(), StackError> {
    let failed = |what: String| {
        let mend = "see that all members of the group have ended, and the log of redis";
        StackError::new(StackErrorKind::Refused, what, mend)
    };
    let what = || format!("set group {group} back on {stream}");
    match set_to_zero(url, group, stream).await {
        Ok(0) => Ok(()),
        Ok(pending) => Err(failed(format!("{}: {pending} entries are pending", what()))),
        Err(error) => Err(failed(what()).because(error)),
    }
}

/// Answers how many entries are pending; where there are any, nothing was done.
async fn set_to_zero(url: &str, group: &str, stream: &str) -> Result<usize, RedisError> {
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let groups: StreamInfoGroupsReply = connection.xinfo_groups(stream).await?;
    let pending = groups.groups.iter().filter(|found| found.name == group);
    let pending = pending.map(|found| found.pending).sum();
    if pending == 0 {
        let set: Result<(), RedisError> = connection.xgroup_setid(stream, group, "0").await;
        set?;
    }
    Ok(pending)
}
