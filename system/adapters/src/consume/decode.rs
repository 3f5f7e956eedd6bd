use gauntlet_contract::Envelope;
use gauntlet_ports::messaging::Reason;

/// Reads an envelope as it came from the wire.
///
/// A failure is final: the bytes will never read differently, so the event is poison at once and
/// is dead-lettered with this reason, without the handler's three tries.
pub(crate) fn decode(bytes: &[u8]) -> Result<Envelope, Reason> {
    serde_json::from_slice(bytes).map_err(|error| format!("undecodable envelope: {error}"))
}
