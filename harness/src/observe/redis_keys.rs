use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisError};
use serde_json::json;

use super::{ObserveError, ObserveErrorKind};
use crate::component::digest::sha256_hex;
use crate::ledger::{MaskedEntry, Moment, StoredRow};

/// Keys that are asked for at once.
const PAGE: usize = 500;

/// Reads all hashes under a prefix of keys, as a state store in Redis keeps its entries.
#[derive(Clone, Debug)]
pub struct RedisKeysObserver {
    client: Client,
    prefix: String,
}

impl RedisKeysObserver {
    pub fn new(url: &str, prefix: impl Into<String>) -> Result<Self, ObserveError> {
        let client = Client::open(url)
            .map_err(|source| ObserveError::new(ObserveErrorKind::Connect, "redis", source))?;
        Ok(Self {
            client,
            prefix: prefix.into(),
        })
    }

    /// All entries, each with its fields. The time at which one expires is not among them: a write sets it,
    /// and draws a new etag, which is one.
    pub async fn read(&self, moment: Moment) -> Result<Vec<StoredRow>, ObserveError> {
        let connected = self.client.get_multiplexed_async_connection().await;
        let mut connection = connected
            .map_err(|source| ObserveError::new(ObserveErrorKind::Connect, "redis", source))?;
        let read = self.entries(&mut connection, moment).await;
        read.map_err(|source| {
            let what = format!("the keys {}*", self.prefix);
            ObserveError::new(ObserveErrorKind::Read, what, source)
        })
    }

    async fn entries(
        &self,
        connection: &mut MultiplexedConnection,
        moment: Moment,
    ) -> Result<Vec<StoredRow>, RedisError> {
        let options = redis::ScanOptions::default()
            .with_pattern(format!("{}*", self.prefix))
            .with_count(PAGE);
        // A scan may name a key more than once.
        let keys: BTreeSet<String> = {
            let found = connection.scan_options::<String>(options).await?;
            found.try_collect().await?
        };
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let fields: BTreeMap<String, Vec<u8>> = connection.hgetall(&key).await?;
            let fields: BTreeMap<&str, String> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.escape_ascii().to_string()))
                .collect();
            let text = match MaskedEntry::of(&key) {
                Some(rule) => rule.key.to_owned(),
                None => json!(fields).to_string(),
            };
            rows.push(StoredRow {
                read: moment,
                place: self.prefix.clone(),
                digest: sha256_hex(text.as_bytes()),
                key: key.strip_prefix(&self.prefix).unwrap_or(&key).to_owned(),
                text: Some(text),
            });
        }
        Ok(rows)
    }
}
