use gauntlet_contract::Envelope;

/// A clause of the contract that a backend may be without, by a [`Waiver`]. All others are held by each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// Events of one key are done in the order in which they were published. Without it they all are, in
    /// any order.
    OrderPerKey,
    /// An event that is retried holds back its own key alone. Without it others wait too, and go on once
    /// it is done.
    RetryHoldsBackItsKeyAlone,
    /// `traceparent` arrives as it was published. Without it the bus writes its own; the rest of an event
    /// arrives as it was.
    TraceContext,
}

/// A clause that a backend does not promise, and why. The case of the clause runs all the same, and asks for
/// what is left of it. Where the lack shows each time it has to: a waiver that is not needed fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiver {
    pub clause: Clause,
    /// A sentence, for whoever reads the test or its failure.
    pub why: &'static str,
}

pub(super) fn of(waivers: &[Waiver], clause: Clause) -> Option<Waiver> {
    waivers
        .iter()
        .find(|waiver| waiver.clause == clause)
        .copied()
}

/// Panics unless the events arrived as they were published, but for what is waived.
pub(super) fn assert_unchanged(published: &[Envelope], arrived: &[Envelope], waivers: &[Waiver]) {
    let Some(waiver) = of(waivers, Clause::TraceContext) else {
        assert_eq!(arrived, published, "an event changed on its way");
        return;
    };
    let rest = |event: &Envelope| Envelope {
        traceparent: None,
        ..event.clone()
    };
    let rests = |events: &[Envelope]| events.iter().map(rest).collect::<Vec<_>>();
    assert_eq!(
        rests(arrived),
        rests(published),
        "more than the trace context of an event changed on its way"
    );
    for (arrived, published) in arrived.iter().zip(published) {
        assert_ne!(
            arrived.traceparent, published.traceparent,
            "held all the same: {waiver:?}"
        );
    }
}
