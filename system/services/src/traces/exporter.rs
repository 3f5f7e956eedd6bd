use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData};
use prost::Message as _;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use super::queue::{BATCH_MAX, Queue, count};
use super::settings::TraceSettings;
use super::span::TARGET;
use crate::telemetry::chain;

/// How long a process that ends waits for the collector.
pub const FLUSH_WITHIN: Duration = Duration::from_secs(2);
/// How long a span that ended waits for others to be posted with.
const EVERY: Duration = Duration::from_secs(1);
const PROTOBUF: &str = "application/x-protobuf";

/// The spans of a process on their way to a collector, by OTLP over HTTP with protobuf.
///
/// A collector that is away, refuses or stalls costs spans and nothing else: what does not fit into a bounded
/// queue is dropped, a batch is posted once, and both are counted. The log tells when it begins and
/// when it ends.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    finish: CancellationToken,
    posting: JoinHandle<()>,
}

impl Traces {
    /// Begins to post whatever ends. Must be called within the runtime. Nothing is sent yet.
    pub fn start(settings: &TraceSettings) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(settings.timeout)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .context("failed to make a client for the collector of traces")?;
        let resource = Resource::builder_empty()
            .with_service_name(settings.service_name.clone())
            .with_attributes([
                // Replicas have one name.
                KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        let (queue, ended, is_worth_a_batch) = Queue::new();
        let posting = Posting {
            client,
            endpoint: settings.endpoint.clone(),
            resource: (&resource).into(),
            ended,
            is_worth_a_batch,
            is_failing: false,
        };
        let provider = SdkTracerProvider::builder()
            .with_sampler(settings.sampler.sampler(settings.ratio))
            .with_resource(resource)
            .with_span_processor(queue)
            .build();
        let finish = CancellationToken::new();
        Ok(Self {
            provider,
            finish: finish.clone(),
            posting: tokio::spawn(posting.run(finish)),
        })
    }

    /// What takes spans from `tracing`: those of [`TARGET`], and nothing of what is logged within them.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer: SdkTracer = self.provider.tracer("todo");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            // Parents are named, because they are mostly elsewhere.
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    }

    /// Posts what has ended by now, and gives up on it after so long.
    pub async fn finish(self, within: Duration) {
        self.finish.cancel();
        let mut posting = self.posting;
        match timeout(within, &mut posting).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the posting of spans broke off"),
            Err(_elapsed) => {
                posting.abort();
                tracing::warn!("the last spans were not posted: the collector took too long");
            }
        }
    }
}

/// The one task that talks to the collector.
struct Posting {
    client: Client,
    endpoint: Url,
    resource: ResourceAttributesWithSchema,
    ended: mpsc::Receiver<SpanData>,
    is_worth_a_batch: Arc<Notify>,
    is_failing: bool,
}

impl Posting {
    async fn run(mut self, finish: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = finish.cancelled() => {
                    self.ended.close();
                    return self.post_waiting().await;
                }
                _ = ticks.tick() => {}
                () = self.is_worth_a_batch.notified() => {}
            }
            self.post_waiting().await;
        }
    }

    /// Posts what waits now. What ends meanwhile waits for its own turn, or batches would be as small as the
    /// collector is quick.
    async fn post_waiting(&mut self) {
        let mut left = self.ended.len();
        while left > 0 {
            let mut batch = Vec::with_capacity(left.min(BATCH_MAX));
            while batch.len() < left.min(BATCH_MAX)
                && let Ok(span) = self.ended.try_recv()
            {
                batch.push(span);
            }
            left -= batch.len();
            if batch.is_empty() {
                return;
            }
            self.post(batch).await;
        }
    }

    async fn post(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len();
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &self.resource),
        };
        match self.send(request.encode_to_vec()).await {
            Ok(refused) => {
                let refused = refused.min(spans);
                count("refused", refused);
                count("posted", spans - refused);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("spans can be posted again");
                }
            }
            Err(error) => {
                count("undelivered", spans);
                if !std::mem::replace(&mut self.is_failing, true) {
                    let (endpoint, error) = (self.endpoint.as_str(), chain(&error));
                    tracing::warn!(endpoint, error, "spans cannot be posted; they are dropped");
                }
            }
        }
    }

    /// Answers how many spans the collector has refused.
    async fn send(&self, body: Vec<u8>) -> Result<usize, reqwest::Error> {
        let response = self
            .client
            .post(self.endpoint.clone())
            .header(CONTENT_TYPE, PROTOBUF)
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        // An answer that cannot be read is the collector's matter: it has taken the spans.
        let answer = ExportTraceServiceResponse::decode(response.bytes().await?);
        let refused = answer
            .ok()
            .and_then(|answer| answer.partial_success)
            .map_or(0, |partial| partial.rejected_spans);
        Ok(usize::try_from(refused).unwrap_or_default())
    }
}
