use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gauntlet_ports::state::{Etag, Expect, Key, StateOp};
use serde_json::{Value, json};

/// The operations of a transaction, in the order of their keys: the component locks rows one after the
/// other, and two transactions in different orders would wait for each other.
pub(super) fn operations(ops: &[StateOp]) -> Vec<Value> {
    let mut ops: Vec<_> = ops.iter().collect();
    ops.sort_by_key(|op| op.key());
    ops.into_iter().flat_map(operation).collect()
}

fn operation(op: &StateOp) -> Vec<Value> {
    match op {
        StateOp::Put {
            key,
            value,
            expect,
            ttl,
        } => vec![upsert(key, value, expect, *ttl)],
        StateOp::Delete {
            key,
            expect: Expect::Match(etag),
        } => vec![touch(key, etag), delete(key)],
        StateOp::Delete { key, .. } => vec![delete(key)],
    }
}

fn upsert(key: &Key, value: &[u8], expect: &Expect, ttl: Option<Duration>) -> Value {
    let mut request = json!({
        "key": key.as_str(),
        "value": STANDARD.encode(value),
        "metadata": { "ttlInSeconds": ttl_seconds(ttl) },
    });
    match expect {
        Expect::Any => {}
        // First-write without an etag: only where there is no row.
        Expect::Absent => request["options"] = json!({ "concurrency": "first-write" }),
        Expect::Match(etag) => {
            request["options"] = json!({ "concurrency": "first-write" });
            request["etag"] = json!(etag.as_str());
        }
    }
    json!({ "operation": "upsert", "request": request })
}

fn delete(key: &Key) -> Value {
    json!({ "operation": "delete", "request": { "key": key.as_str() } })
}

/// Fails where the etag does not match. A deletion with an etag would also match what has expired and
/// is not yet removed, which a write does not.
fn touch(key: &Key, etag: &Etag) -> Value {
    upsert(key, &[], &Expect::Match(etag.clone()), None)
}

/// Rounded up. -1 keeps the entry, and where it had an expiry before, takes that away: without it,
/// Redis would keep the former one.
fn ttl_seconds(ttl: Option<Duration>) -> String {
    match ttl {
        Some(ttl) => ttl.as_nanos().div_ceil(1_000_000_000).to_string(),
        None => "-1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn operations_are_in_the_order_of_their_keys() {
        let etag = Expect::Match(Etag::new("e"));
        let ops = [
            StateOp::delete(key("c")).expecting(etag.clone()),
            StateOp::delete(key("b")),
            StateOp::put(key("a"), "1").expecting(Expect::Absent),
            StateOp::put(key("d"), "2").expecting(etag),
        ];
        let first_write = json!({ "concurrency": "first-write" });
        let metadata = json!({ "ttlInSeconds": "-1" });
        let expected = [
            json!({ "operation": "upsert", "request": {
                "key": "a", "value": "MQ==", "metadata": metadata, "options": first_write } }),
            json!({ "operation": "delete", "request": { "key": "b" } }),
            json!({ "operation": "upsert", "request": {
                "key": "c", "value": "", "metadata": metadata, "options": first_write, "etag": "e" } }),
            json!({ "operation": "delete", "request": { "key": "c" } }),
            json!({ "operation": "upsert", "request": {
                "key": "d", "value": "Mg==", "metadata": metadata, "options": first_write, "etag": "e" } }),
        ];
        assert_eq!(operations(&ops), expected);
    }

    #[test]
    fn an_expiry_is_in_whole_seconds_and_never_early() {
        let op = StateOp::Put {
            key: key("a"),
            value: Bytes::from_static(b"\xff\x00"),
            expect: Expect::Any,
            ttl: Some(Duration::from_millis(1_001)),
        };
        let request = &operations(&[op])[0]["request"];
        assert_eq!(request["metadata"]["ttlInSeconds"], "2");
        assert_eq!(request["value"], "/wA=");
        assert_eq!(request.get("options"), None);
    }
}
