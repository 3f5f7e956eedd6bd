use std::time::Duration;

use reqwest::Url;

use crate::error::{LoadError, LoadErrorKind};

/// Longer than the API's own deadline for a request, so that a slow answer is seen as slow and only
/// a missing one as unknown.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// Above what a stack on one machine can have under way at the rates in use; each takes a socket.
const DEFAULT_MAX_IN_FLIGHT: usize = 4_096;
/// Of the hash FNV-1a in 64 bits: it is the same in every build, as a dealing that is to be repeated must be.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

/// The API under load, and how it is talked to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where its replicas listen; there is at least one.
    replicas: Vec<Url>,
    pub(super) timeout: Duration,
    pub(super) max_in_flight: usize,
    pub(super) nothing_written: Vec<String>,
}

impl Target {
    /// A target such as `http://127.0.0.1:8000`.
    ///
    /// Plain HTTP to a loopback address literal only: this program can saturate a server, and one
    /// mistyped name must not turn it on somebody else's.
    pub fn new(url: &str) -> Result<Target, LoadError> {
        Ok(Target {
            replicas: vec![loopback(url)?],
            timeout: DEFAULT_TIMEOUT,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            nothing_written: Vec::new(),
        })
    }

    /// The same API at one more address, under the same conditions. The operations are dealt to all
    /// replicas by their keys, and so changes of one task come to different ones.
    pub fn and_replica(mut self, url: &str) -> Result<Target, LoadError> {
        self.replicas.push(loopback(url)?);
        Ok(self)
    }

    /// How long an answer is waited for, from when the request was sent.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Target {
        self.timeout = timeout;
        self
    }

    /// Most requests under way at once, at least one. Operations beyond it start late and are
    /// counted as held back; none is skipped.
    #[must_use]
    pub fn max_in_flight(mut self, requests: usize) -> Target {
        self.max_in_flight = requests.max(1);
        self
    }

    /// Problem types (`type` of RFC 9457) which, on a 503, promise that nothing was written. Any
    /// other 503 is unknown.
    #[must_use]
    pub fn nothing_written_on(
        mut self,
        problem_types: impl IntoIterator<Item = impl Into<String>>,
    ) -> Target {
        self.nothing_written
            .extend(problem_types.into_iter().map(Into::into));
        self
    }

    /// The replica that an operation of this key is for. The same key has the same one.
    pub(super) fn replica_of(&self, key: &str) -> &Url {
        let hash = key.bytes().fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
        });
        // The last bytes of a key have not reached all bits of the hash yet.
        let mixed = (hash ^ (hash >> 29)).wrapping_mul(GOLDEN_RATIO) >> 32;
        self.replica(usize::try_from(mixed).unwrap_or_default())
    }

    /// All replicas in turn, over and over.
    pub(super) fn replica(&self, turn: usize) -> &Url {
        &self.replicas[turn % self.replicas.len()]
    }
}

/// A replica's address of a path, with the fields of a query.
pub(super) fn at(replica: &Url, path: &str, fields: &[(&str, &str)]) -> Url {
    let mut url = replica.clone();
    url.set_path(path);
    if !fields.is_empty() {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url
}

fn loopback(url: &str) -> Result<Url, LoadError> {
    let refused = |why: String| {
        LoadError::new(LoadErrorKind::Target {
            url: url.to_owned(),
            why,
        })
    };
    let base = Url::parse(url).map_err(|error| refused(error.to_string()))?;
    if base.scheme() != "http" {
        return Err(refused(format!("{} is not http", base.scheme())));
    }
    let host = base.host_str().unwrap_or_default();
    let address = host
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .map_err(|_| refused(format!("{host} is a name, write 127.0.0.1 or [::1]")))?;
    if !address.is_loopback() {
        return Err(refused(format!("{address} is not a loopback address")));
    }
    if base.path() != "/" || base.query().is_some() || !base.username().is_empty() {
        return Err(refused("only a scheme, an address and a port".to_owned()));
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_literals_are_targets() {
        for good in [
            "http://127.0.0.1:8000",
            "http://127.9.9.9",
            "http://[::1]:80/",
        ] {
            Target::new(good).expect(good);
        }
        for (bad, because) in [
            ("http://192.0.2.7:8000", "not a loopback address"),
            ("http://localhost:8000", "is a name"),
            ("http://0.0.0.0:8000", "not a loopback address"),
            ("https://127.0.0.1:8000", "not http"),
            ("http://127.0.0.1:8000/api", "only a scheme"),
            ("127.0.0.1:8000", "relative URL"),
        ] {
            let error = Target::new(bad).expect_err(bad).to_string();
            assert!(error.contains(because), "{bad}: {error}");
            let target = Target::new("http://127.0.0.1:8000").expect("loopback");
            target.and_replica(bad).expect_err("no replica either");
        }
    }

    /// Every tenth or twentieth operation is about the same task.
    #[test]
    fn operations_at_any_distance_are_dealt_to_all_replicas() {
        let target =
            Target::new("http://127.0.0.1:1").and_then(|it| it.and_replica("http://127.0.0.1:2"));
        let target = target.expect("loopback");
        for distance in [1, 2, 10, 20, 100] {
            let ports = (0..200).map(|change| {
                let key = format!("dapr-kafka-3-{:06}", change * distance);
                assert_eq!(target.replica_of(&key), target.replica_of(&key));
                target.replica_of(&key).port()
            });
            let ports: Vec<Option<u16>> = ports.collect();
            let firsts = ports.iter().filter(|port| **port == Some(1)).count();
            assert!((60..=140).contains(&firsts), "{firsts} at {distance}");
            let changes = ports.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!((60..=140).contains(&changes), "{changes} at {distance}");
        }
    }
}
