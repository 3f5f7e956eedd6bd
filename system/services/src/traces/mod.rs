//! Traces: spans of what the process does, sent to an OTLP collector where one is named.
//!
//! A span is a span of `tracing` with the target [`TARGET`]. The logs are told not to see that target, so that
//! where no collector is named nobody does, and such a span costs a comparison. What goes from one process to the next is
//! the `traceparent` of a span: in a header, or in an event and with it in the outbox. A span that nobody
//! samples has none, and what came in is then passed on as it is.

mod exporter;
mod queue;
mod settings;
mod span;

pub use exporter::{FLUSH_WITHIN, Traces};
pub use settings::{
    SamplerKind, TraceSettings, parse_endpoint, parse_ratio, parse_sampler, traces_below,
};
pub use span::{TARGET, is_on};
pub(crate) use span::{TraceSpan, logs};
