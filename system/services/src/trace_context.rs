//! W3C trace context: telling a well-formed `traceparent` from a malformed one, and beginning a trace.

use uuid::Uuid;

/// Answers the header's value if it is a version-00 `traceparent`; anything else is as good as
/// absent, because it would poison the events and logs that carry it on.
pub fn valid_traceparent(value: &str) -> Option<&str> {
    let mut fields = value.split('-');
    let (version, trace_id, span_id, flags) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_set = |text: &str| text.bytes().any(|b| b != b'0');
    let is_valid = version == "00"
        && is_hex(trace_id, 32)
        && is_set(trace_id)
        && is_hex(span_id, 16)
        && is_set(span_id)
        && is_hex(flags, 2)
        && fields.next().is_none();
    is_valid.then_some(value)
}

/// The `traceparent` of a trace that begins here. Its flags say that nobody records it.
pub fn begin_trace() -> String {
    // The version among its bits keeps the upper half from being all zero, which would be no id.
    let (span_id, _) = Uuid::new_v4().as_u64_pair();
    format!("00-{}-{span_id:016x}-00", Uuid::new_v4().simple())
}

/// The trace id of a valid `traceparent`.
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// The span id of a valid `traceparent`.
pub fn span_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn traces_that_begin_here_are_well_formed_and_each_another() {
        let (one, other) = (begin_trace(), begin_trace());
        assert_eq!(valid_traceparent(&one), Some(one.as_str()));
        assert_ne!(trace_id(&one), trace_id(&other));
    }

    #[test]
    fn only_well_formed_contexts_are_carried_on() {
        assert_eq!(valid_traceparent(VALID), Some(VALID));
        assert_eq!(trace_id(VALID), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span_id(VALID), "00f067aa0ba902b7");
        for wrong in [
            "",
            "garbage",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        ] {
            assert_eq!(valid_traceparent(wrong), None, "{wrong}");
        }
    }
}
