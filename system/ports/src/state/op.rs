use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Bytes;

use super::{Etag, Key};

/// The longest expiry: 50 years. Beyond it backends overflow, each at another point.
pub const TTL_MAX: Duration = Duration::from_hours(50 * 365 * 24);

/// What must hold of an entry for an operation to be applied. An expired entry is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    #[default]
    Any,
    Absent,
    /// It is there, and nobody has written it since it was read with this etag.
    Match(Etag),
}

/// One change of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateOp {
    Put {
        key: Key,
        value: Bytes,
        expect: Expect,
        /// After this the entry is absent; none keeps it. The entry's former expiry is forgotten.
        /// Backends may count in whole seconds, and then round up.
        ttl: Option<Duration>,
    },
    /// To delete what is absent changes nothing, and is no error where anything is expected.
    /// [`Expect::Absent`] is malformed.
    Delete { key: Key, expect: Expect },
}

impl StateOp {
    /// Writes whatever is there, to stay.
    pub fn put(key: Key, value: impl Into<Bytes>) -> Self {
        Self::Put {
            key,
            value: value.into(),
            expect: Expect::Any,
            ttl: None,
        }
    }

    /// Deletes whatever is there.
    pub fn delete(key: Key) -> Self {
        Self::Delete {
            key,
            expect: Expect::Any,
        }
    }

    /// The same, expecting something.
    #[must_use]
    pub fn expecting(mut self, expected: Expect) -> Self {
        match &mut self {
            Self::Put { expect, .. } | Self::Delete { expect, .. } => *expect = expected,
        }
        self
    }

    pub fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }

    pub fn expect(&self) -> &Expect {
        match self {
            Self::Put { expect, .. } | Self::Delete { expect, .. } => expect,
        }
    }
}

/// What operations must not be, whatever a store holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedOps {
    #[error("change the key {0} twice at once")]
    Repeated(Key),
    #[error("delete the key {0} where it is absent")]
    DeleteAbsent(Key),
    #[error("keep the key {0} for no time, or for more than 50 years")]
    Ttl(Key),
}

/// What every store refuses before it writes anything, with the kind `Invalid`.
pub fn check_ops(ops: &[StateOp]) -> Result<(), MalformedOps> {
    let mut seen = BTreeSet::new();
    for op in ops {
        let key = op.key();
        if !seen.insert(key) {
            return Err(MalformedOps::Repeated(key.clone()));
        }
        match op {
            StateOp::Delete {
                expect: Expect::Absent,
                ..
            } => return Err(MalformedOps::DeleteAbsent(key.clone())),
            StateOp::Put { ttl: Some(ttl), .. } if ttl.is_zero() || *ttl > TTL_MAX => {
                return Err(MalformedOps::Ttl(key.clone()));
            }
            StateOp::Put { .. } | StateOp::Delete { .. } => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    fn lasting(ttl: Duration) -> StateOp {
        StateOp::Put {
            key: key("a"),
            value: Bytes::new(),
            expect: Expect::Any,
            ttl: Some(ttl),
        }
    }

    #[test]
    fn operations_that_cannot_mean_anything_are_malformed() {
        let absent = StateOp::delete(key("a")).expecting(Expect::Absent);
        let twice = [StateOp::put(key("a"), "1"), StateOp::delete(key("a"))];
        let too_long = TTL_MAX + Duration::from_nanos(1);
        for (ops, malformed) in [
            (&twice[..], MalformedOps::Repeated(key("a"))),
            (&[absent], MalformedOps::DeleteAbsent(key("a"))),
            (&[lasting(Duration::ZERO)], MalformedOps::Ttl(key("a"))),
            (&[lasting(too_long)], MalformedOps::Ttl(key("a"))),
        ] {
            assert_eq!(check_ops(ops), Err(malformed));
        }
        assert_eq!(check_ops(&[lasting(TTL_MAX)]), Ok(()));
        assert_eq!(check_ops(&[]), Ok(()));
    }
}
