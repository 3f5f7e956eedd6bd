//! Logs and metrics of the process. The adapters count what passes through them under their own
//! names, see `gauntlet_adapters::telemetry`; the names here are those of the services.

use std::error::Error;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use crate::traces::{TARGET, Traces};

/// Histogram by `method`, `route`, `status`, seconds.
pub const HTTP_SECONDS: &str = "todo_http_request_seconds";
/// Gauge by `outbox` (the role that owns it): events that are committed and not known to be published.
pub const OUTBOX_DEPTH: &str = "todo_outbox_depth";
/// Counter by `outbox`: published events that were deleted because their retention was over.
pub const OUTBOX_PURGED_TOTAL: &str = "todo_outbox_purged_total";
/// Counter by `outbox`, `outcome` (`rejected`, `unknown`): publish attempts after which the event stays.
pub const RELAY_FAILURES_TOTAL: &str = "todo_relay_failures_total";
/// Histogram by `outbox`, seconds: from the time of an event to the broker's acknowledgement of it.
pub const RELAY_LAG_SECONDS: &str = "todo_relay_lag_seconds";
/// Gauge by `outbox`: shards that this process holds the lease of.
pub const RELAY_SHARDS_HELD: &str = "todo_relay_shards_held";
/// Counter by `consumer`: deliveries whose event the inbox knew already.
pub const DUPLICATES_TOTAL: &str = "todo_events_duplicate_total";
/// Counter by `consumer`: failures that are an event's own fault.
pub const HANDLED_FAILURES_TOTAL: &str = "todo_events_failed_total";
/// Counter by `consumer`: events that were kept because the version before them had no effect yet.
pub const EARLY_TOTAL: &str = "todo_events_early_total";
/// Counter by `consumer`: effects of versions whose predecessor never came.
pub const GAPS_TOTAL: &str = "todo_events_gap_total";
/// Counter by `outcome`: spans that a collector took (`posted`), and those that were dropped: `overflow` of the
/// queue, `undelivered`, or `refused` by the collector.
pub const TRACE_SPANS_TOTAL: &str = "todo_trace_spans_total";

/// Upper bounds in seconds. Dense where the goals are: between 1 ms and 25 ms.
const SECONDS_BUCKETS: [f64; 19] = [
    0.000_5, 0.001, 0.001_5, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2,
    0.5, 1.0, 2.0, 5.0, 10.0,
];
/// The exporter keeps raw samples until they are folded in; at this pace they stay few.
const UPKEEP_EVERY: Duration = Duration::from_secs(2);

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person in a terminal.
    Text,
}

/// Reads a log format by its name.
pub fn parse_log_format(name: &str) -> Result<LogFormat, String> {
    match name {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("the formats are json, text".to_owned()),
    }
}

/// Sends the process's logs to standard error, selected by `directives` in the syntax of `RUST_LOG`, and its
/// spans to `traces`. Once a process.
pub fn start_logs(
    format: LogFormat,
    directives: &str,
    traces: Option<&Traces>,
) -> anyhow::Result<()> {
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let filter = log_filter(directives)?;
    let started = match traces {
        // A filter for all costs less than one for each.
        None => registry().with(lines).with(filter).try_init(),
        Some(traces) => registry()
            .with(lines.with_filter(filter))
            .with(traces.layer())
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("failed to start logs: {error}"))
}

/// Spans for a collector are none of the logs': without a collector nobody shall see them.
fn log_filter(directives: &str) -> anyhow::Result<EnvFilter> {
    let filter = EnvFilter::try_new(directives)
        .with_context(|| format!("failed to read the log filter {directives:?} of RUST_LOG"))?;
    let no_spans = format!("{TARGET}=off").parse();
    Ok(filter.add_directive(no_spans.context("failed to keep spans out of the logs")?))
}

/// Starts recording metrics. Once a process; must be called within the runtime.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS_BUCKETS)?
        .install_recorder()
        .context("failed to start metrics")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP_EVERY);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// An error with its causes on one line, for a field of a log line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::is_on;

    #[test]
    fn logs_see_no_spans_for_a_collector_whatever_they_are_told_to_show() {
        for directives in ["info", "trace", "otel=trace", "otel[publish]=info"] {
            let filter = log_filter(directives).unwrap();
            let lines = fmt::layer().with_writer(std::io::sink);
            let subscriber = registry().with(lines).with(filter);
            tracing::subscriber::with_default(subscriber, || {
                assert!(tracing::enabled!(tracing::Level::INFO) || directives.starts_with("otel"));
                assert!(!is_on(), "{directives}");
            });
        }
        assert!(log_filter("=,=").is_err());
    }
}
