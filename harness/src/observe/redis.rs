use redis::aio::MultiplexedConnection;
use redis::streams::{StreamInfoGroupsReply, StreamRangeReply};
use redis::{AsyncCommands, Client, RedisError, Value};

use super::envelope::event_id;
use super::{ObserveError, ObserveErrorKind};
use crate::ledger::{DeadLetter, DeadLetterTopic, LaneRecord, Offset};

/// Field of a stream entry that holds the event, for Dapr and for the direct mode alike.
const PAYLOAD: &str = "data";
/// Entries a page when reading a dead-letter stream.
const PAGE: usize = 1_000;

/// Reads group positions and dead letters from Redis Streams. It acknowledges and claims nothing.
#[derive(Clone, Debug)]
pub struct RedisObserver {
    client: Client,
    group: String,
    streams: Vec<String>,
    dead_letter_streams: Vec<String>,
}

impl RedisObserver {
    /// `group` consumes `streams`; `dead_letter_streams` are read in full.
    pub fn new(
        url: &str,
        group: impl Into<String>,
        streams: Vec<String>,
        dead_letter_streams: Vec<String>,
    ) -> Result<Self, ObserveError> {
        let client = Client::open(url)
            .map_err(|source| ObserveError::new(ObserveErrorKind::Connect, "redis", source))?;
        Ok(Self {
            client,
            group: group.into(),
            streams,
            dead_letter_streams,
        })
    }

    /// Where the group stands on each of its streams.
    pub async fn offsets(&self) -> Result<Vec<Offset>, ObserveError> {
        let mut connection = self.connect().await?;
        let mut offsets = Vec::with_capacity(self.streams.len());
        for stream in &self.streams {
            let offset = self.offset(&mut connection, stream).await;
            offsets.push(offset.map_err(|source| {
                ObserveError::new(ObserveErrorKind::Read, format!("group on {stream}"), source)
            })?);
        }
        Ok(offsets)
    }

    /// Appends the dead letters, and how far each stream was read.
    pub async fn read_dead_letters(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        let mut connection = self.connect().await?;
        for stream in &self.dead_letter_streams {
            let read = read_stream(&mut connection, stream, record).await;
            let read = read.map_err(|source| {
                let what = format!("dead letters of {stream}");
                ObserveError::new(ObserveErrorKind::Read, what, source)
            })?;
            record.dead_letter_topics.push(read);
        }
        Ok(())
    }

    async fn connect(&self) -> Result<MultiplexedConnection, ObserveError> {
        let connected = self.client.get_multiplexed_async_connection().await;
        connected.map_err(|source| ObserveError::new(ObserveErrorKind::Connect, "redis", source))
    }

    async fn offset(
        &self,
        connection: &mut MultiplexedConnection,
        stream: &str,
    ) -> Result<Offset, RedisError> {
        let length: u64 = connection.xlen(stream).await?;
        let exists: bool = connection.exists(stream).await?;
        // XINFO is an error for a stream that nobody wrote to, where there is nothing to consume.
        let groups: StreamInfoGroupsReply = if exists {
            connection.xinfo_groups(stream).await?
        } else {
            StreamInfoGroupsReply::default()
        };
        let found = groups
            .groups
            .into_iter()
            .find(|group| group.name == self.group);
        // Pending is what was delivered and not acknowledged; the rest was never delivered.
        let (pending, undelivered) = match found {
            Some(group) => (group.pending as u64, group.lag.map(|lag| lag as u64)),
            // A group that was never made has yet to read everything.
            None => (0, Some(length)),
        };
        Ok(Offset::Stream {
            group: self.group.clone(),
            stream: stream.to_owned(),
            length,
            pending,
            undelivered,
        })
    }
}

/// Reads a stream from its beginning to the length that it has now.
async fn read_stream(
    connection: &mut MultiplexedConnection,
    stream: &str,
    record: &mut LaneRecord,
) -> Result<DeadLetterTopic, RedisError> {
    let held: u64 = connection.xlen(stream).await?;
    let mut read = 0;
    let mut from = "-".to_owned();
    while read < held {
        let page: StreamRangeReply = connection.xrange_count(stream, &from, "+", PAGE).await?;
        let Some(last) = page.ids.last() else { break };
        // An exclusive start, so that no entry is read twice.
        from = format!("({}", last.id);
        for entry in page.ids {
            read += 1;
            let bytes = entry.map.get(PAYLOAD).map(payload).unwrap_or_default();
            record.dead_letters.push(DeadLetter {
                topic: stream.to_owned(),
                event_id: event_id(&bytes),
                raw: String::from_utf8_lossy(&bytes).into_owned(),
            });
        }
    }
    Ok(DeadLetterTopic {
        topic: stream.to_owned(),
        held,
        read,
    })
}

/// Anything but text is no event; it becomes an unreadable dead letter.
fn payload(value: &Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes.clone(),
        Value::SimpleString(text) => text.clone().into_bytes(),
        _ => Vec::new(),
    }
}
