use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamClaimOptions, StreamId, StreamPendingReply,
    StreamReadOptions, StreamReadReply,
};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult};

/// The field that carries the envelope.
pub(super) const DATA: &str = "data";
/// The field that carries the partition key; Dapr does not write it.
pub(super) const PARTITION_KEY: &str = "partitionkey";

/// How long any answer may take, blocking reads included.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Which stream is read, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) stream: String,
    pub(super) group: String,
    pub(super) consumer: String,
}

/// An entry as the stream holds it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) data: Vec<u8>,
    pub(super) key: Option<String>,
}

impl From<StreamId> for Entry {
    fn from(entry: StreamId) -> Self {
        Self {
            data: entry.get(DATA).unwrap_or_default(),
            key: entry.get(PARTITION_KEY),
            id: entry.id,
        }
    }
}

/// One connection, speaking for one member of one group.
pub(super) struct GroupConnection {
    connection: MultiplexedConnection,
    member: Membership,
}

impl GroupConnection {
    /// Connects, and creates group and stream where they are missing.
    pub(super) async fn open(client: &Client, member: Membership) -> RedisResult<Self> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        // From the stream's beginning: a new group must not miss what was published before it.
        let created: RedisResult<()> = connection
            .xgroup_create_mkstream(&member.stream, &member.group, "0")
            .await;
        match created {
            Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
            _ => Ok(Self { connection, member }),
        }
    }

    pub(super) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// New entries. Waits up to `wait` for the first, in whole milliseconds; under one, not at all.
    pub(super) async fn read(&mut self, count: usize, wait: Duration) -> RedisResult<Vec<Entry>> {
        let Membership {
            stream,
            group,
            consumer,
        } = &self.member;
        let mut options = StreamReadOptions::default()
            .group(group, consumer)
            .count(count);
        // BLOCK 0 would wait for ever.
        if let Ok(millis @ 1..) = usize::try_from(wait.as_millis()) {
            options = options.block(millis);
        }
        let reply: Option<StreamReadReply> = self
            .connection
            .xread_options(&[stream], &[">"], &options)
            .await?;
        Ok(reply
            .into_iter()
            .flat_map(|reply| reply.keys)
            .flat_map(|key| key.ids)
            .map(Entry::from)
            .collect())
    }

    /// Takes over entries, of any consumer, that have been idle for `min_idle`.
    pub(super) async fn claim(&mut self, min_idle: Duration) -> RedisResult<Vec<Entry>> {
        let Membership {
            stream,
            group,
            consumer,
        } = &self.member;
        let (mut cursor, mut entries) = ("0-0".to_owned(), Vec::new());
        loop {
            let reply: StreamAutoClaimReply = self
                .connection
                .xautoclaim_options(
                    stream,
                    group,
                    consumer,
                    millis(min_idle),
                    &cursor,
                    StreamAutoClaimOptions::default(),
                )
                .await?;
            entries.extend(reply.claimed.into_iter().map(Entry::from));
            cursor = reply.next_stream_id;
            if cursor == "0-0" {
                return Ok(entries);
            }
        }
    }

    /// Shows that this consumer is still at work on entries; answers those that are still its
    /// own. The others were acknowledged elsewhere.
    pub(super) async fn keep(&mut self, ids: &[String]) -> RedisResult<Vec<String>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let Membership {
            stream,
            group,
            consumer,
        } = &self.member;
        self.connection
            .xclaim_options(
                stream,
                group,
                consumer,
                0,
                ids,
                StreamClaimOptions::default().with_justid(),
            )
            .await
    }

    pub(super) async fn acknowledge(&mut self, ids: &[String]) -> RedisResult<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let _known: usize = self
            .connection
            .xack(&self.member.stream, &self.member.group, ids)
            .await?;
        Ok(())
    }

    /// How many entries are delivered and not acknowledged, of all consumers.
    pub(super) async fn pending(&mut self) -> RedisResult<usize> {
        let reply: StreamPendingReply = self
            .connection
            .xpending(&self.member.stream, &self.member.group)
            .await?;
        Ok(reply.count())
    }

    /// Takes this consumer's name off the group, unless entries hang on it: they would be lost
    /// with it.
    pub(super) async fn leave(&mut self) -> RedisResult<()> {
        let Membership {
            stream,
            group,
            consumer,
        } = &self.member;
        let reply: StreamPendingReply = self.connection.xpending(stream, group).await?;
        if let StreamPendingReply::Data(pending) = reply
            && pending
                .consumers
                .iter()
                .any(|other| other.name == *consumer)
        {
            return Ok(());
        }
        let _pending: usize = self
            .connection
            .xgroup_delconsumer(stream, group, consumer)
            .await?;
        Ok(())
    }
}

fn millis(duration: Duration) -> usize {
    usize::try_from(duration.as_millis()).unwrap_or(usize::MAX)
}
