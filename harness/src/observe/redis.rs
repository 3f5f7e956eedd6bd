use redis::aio::MultiplexedConnection;
use redis::streams::{StreamInfoGroupsReply, StreamRangeReply};
use redis::{AsyncCommands, Client, RedisError, Value};

use super::envelope::event_id;
use super::{LaneTopics, ObserveError, ObserveErrorKind, Reading};
use crate::ledger::{AuditMessage, AuditTopic, DeadLetter, DeadLetterTopic, LaneRecord, Offset};

/// Field of a stream entry that holds the event, for Dapr and for the direct mode alike.
const PAYLOAD: &str = "data";
/// Entries a page when reading a stream.
const PAGE: usize = 1_000;

/// Reads group positions, dead letters and the published audit trail from Redis Streams. It acknowledges
/// and claims nothing.
#[derive(Clone, Debug)]
pub struct RedisObserver {
    client: Client,
    streams: LaneTopics,
}

/// How many entries a stream held, and how many of them were read.
struct Extent {
    held: u64,
    read: u64,
}

impl RedisObserver {
    pub fn new(url: &str, streams: LaneTopics) -> Result<Self, ObserveError> {
        let client = Client::open(url)
            .map_err(|source| ObserveError::new(ObserveErrorKind::Connect, "redis", source))?;
        Ok(Self { client, streams })
    }

    /// Where each group stands on its stream.
    pub async fn offsets(&self) -> Result<Vec<Offset>, ObserveError> {
        let mut connection = self.connect().await?;
        let mut offsets = Vec::with_capacity(self.streams.readings.len());
        for reading in &self.streams.readings {
            let offset = offset(&mut connection, reading).await;
            offsets.push(offset.map_err(|source| {
                let what = format!("{} on {}", reading.group, reading.topic);
                ObserveError::new(ObserveErrorKind::Read, what, source)
            })?);
        }
        Ok(offsets)
    }

    /// Appends the dead letters, and how far each stream was read.
    pub async fn read_dead_letters(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        let mut connection = self.connect().await?;
        for stream in &self.streams.dead_letters {
            let letters = &mut record.dead_letters;
            let keep = |bytes: &[u8]| {
                letters.push(DeadLetter {
                    topic: stream.clone(),
                    event_id: event_id(bytes),
                    raw: String::from_utf8_lossy(bytes).into_owned(),
                });
            };
            let Extent { held, read } = read_stream(&mut connection, stream, keep).await?;
            record.dead_letter_topics.push(DeadLetterTopic {
                topic: stream.clone(),
                held,
                read,
            });
        }
        Ok(())
    }

    /// Appends what was published of the audit trail, and how far the stream was read.
    pub async fn read_audit_logs(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        let mut connection = self.connect().await?;
        let stream = &self.streams.audit_logs;
        let messages = &mut record.audit_messages;
        let keep = |bytes: &[u8]| messages.push(AuditMessage::read(bytes));
        let Extent { held, read } = read_stream(&mut connection, stream, keep).await?;
        record.audit_topics.push(AuditTopic {
            topic: stream.clone(),
            held,
            read,
        });
        Ok(())
    }

    async fn connect(&self) -> Result<MultiplexedConnection, ObserveError> {
        let connected = self.client.get_multiplexed_async_connection().await;
        connected.map_err(|source| ObserveError::new(ObserveErrorKind::Connect, "redis", source))
    }
}

async fn offset(
    connection: &mut MultiplexedConnection,
    Reading {
        group,
        topic: stream,
    }: &Reading,
) -> Result<Offset, RedisError> {
    let length: u64 = connection.xlen(stream).await?;
    let exists: bool = connection.exists(stream).await?;
    // XINFO is an error for a stream that nobody wrote to, where there is nothing to consume.
    let groups: StreamInfoGroupsReply = if exists {
        connection.xinfo_groups(stream).await?
    } else {
        StreamInfoGroupsReply::default()
    };
    let mut groups = groups.groups.into_iter();
    // Pending is what was delivered and not acknowledged; the rest was never delivered.
    let (pending, undelivered) = match groups.find(|found| found.name == *group) {
        Some(found) => (found.pending as u64, found.lag.map(|lag| lag as u64)),
        // A group that was never made has yet to read everything.
        None => (0, Some(length)),
    };
    Ok(Offset::Stream {
        group: group.clone(),
        stream: stream.clone(),
        length,
        pending,
        undelivered,
    })
}

/// Reads a stream from its beginning to the length that it has now.
async fn read_stream(
    connection: &mut MultiplexedConnection,
    stream: &str,
    mut keep: impl FnMut(&[u8]),
) -> Result<Extent, ObserveError> {
    let failed = |source: RedisError| {
        let what = format!("entries of {stream}");
        ObserveError::new(ObserveErrorKind::Read, what, source)
    };
    let held: u64 = connection.xlen(stream).await.map_err(failed)?;
    let mut read = 0;
    let mut from = "-".to_owned();
    while read < held {
        let page: StreamRangeReply = connection
            .xrange_count(stream, &from, "+", PAGE)
            .await
            .map_err(failed)?;
        let Some(last) = page.ids.last() else { break };
        // An exclusive start, so that no entry is read twice.
        from = format!("({}", last.id);
        for entry in page.ids {
            read += 1;
            keep(&entry.map.get(PAYLOAD).map(payload).unwrap_or_default());
        }
    }
    Ok(Extent { held, read })
}

/// Anything but text is no event; it becomes an unreadable dead letter.
fn payload(value: &Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes.clone(),
        Value::SimpleString(text) => text.clone().into_bytes(),
        _ => Vec::new(),
    }
}
