//! The documented fields of the Dapr kinds that are used here, as of Dapr 1.16.

use super::shape::Shape::{Any, Fields, ListOf, Named, Value};
use super::shape::{Field, Shape, optional, required};

/// A kind of document that Dapr reads.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) api_version: &'static str,
    pub(super) spec: Shape,
}

/// Component types that the two sidecar builds register.
pub(super) const COMPONENT_TYPES: [&str; 11] = [
    "bindings.cron",
    "bindings.smtp",
    "pubsub.in-memory",
    "pubsub.kafka",
    "pubsub.redis",
    "secretstores.local.env",
    "secretstores.local.file",
    "state.in-memory",
    "state.postgresql",
    "state.redis",
    "secretstores.kubernetes",
];

pub(super) const KINDS: [Kind; 4] = [
    Kind {
        name: "Component",
        api_version: "dapr.io/v1alpha1",
        spec: Fields(&[
            required("type", Value),
            required("version", Value),
            optional("initTimeout", Value),
            optional("ignoreErrors", Value),
            optional("metadata", ListOf(&METADATA_ITEM)),
        ]),
    },
    Kind {
        name: "Configuration",
        api_version: "dapr.io/v1alpha1",
        spec: Fields(CONFIGURATION),
    },
    Kind {
        name: "Subscription",
        api_version: "dapr.io/v2alpha1",
        spec: Fields(&[
            required("topic", Value),
            required("pubsubname", Value),
            required("routes", Any),
            optional("deadLetterTopic", Value),
            optional(
                "bulkSubscribe",
                Fields(&[
                    required("enabled", Value),
                    optional("maxMessagesCount", Value),
                    optional("maxAwaitDurationMs", Value),
                ]),
            ),
            optional("metadata", Named(&Value)),
        ]),
    },
    Kind {
        name: "Resiliency",
        api_version: "dapr.io/v1alpha1",
        spec: Fields(&[required("policies", POLICIES), required("targets", TARGETS)]),
    },
];

const METADATA_ITEM: Shape = Fields(&[
    required("name", Value),
    optional("value", Value),
    optional("envRef", Value),
    optional(
        "secretKeyRef",
        Fields(&[required("name", Value), optional("key", Value)]),
    ),
]);

/// Parts that are passed through whole are `Any`: their fields belong to other components.
const CONFIGURATION: &[Field] = &[
    optional("accessControl", Any),
    optional("api", Any),
    optional("appHttpPipeline", Any),
    optional("components", Any),
    optional(
        "features",
        ListOf(&Fields(&[
            required("name", Value),
            required("enabled", Value),
        ])),
    ),
    optional("httpPipeline", Any),
    optional("logging", Any),
    optional("metric", METRICS),
    optional("metrics", METRICS),
    optional("mtls", Any),
    optional(
        "nameResolution",
        Fields(&[
            required("component", Value),
            optional("version", Value),
            optional("configuration", Named(&Value)),
        ]),
    ),
    optional("secrets", Any),
    optional(
        "tracing",
        Fields(&[
            optional("samplingRate", Value),
            optional("stdout", Value),
            optional("zipkin", Any),
            optional("otel", Any),
        ]),
    ),
    optional("wasm", Any),
    optional("workflow", Any),
];

const METRICS: Shape = Fields(&[
    optional("enabled", Value),
    optional("http", Any),
    optional("latencyDistributionBuckets", Any),
    optional("recordErrorCodes", Value),
    optional("rules", Any),
]);

const POLICIES: Shape = Fields(&[
    optional("timeouts", Named(&Value)),
    optional(
        "retries",
        Named(&Fields(&[
            required("policy", Value),
            optional("duration", Value),
            optional("maxInterval", Value),
            optional("maxRetries", Value),
            optional("matching", Any),
        ])),
    ),
    optional(
        "circuitBreakers",
        Named(&Fields(&[
            optional("maxRequests", Value),
            optional("interval", Value),
            optional("timeout", Value),
            optional("trip", Value),
        ])),
    ),
]);

const TARGETS: Shape = Fields(&[
    optional("apps", Named(&SCOPED_POLICY)),
    optional("actors", Named(&SCOPED_POLICY)),
    optional(
        "components",
        Named(&Fields(&[
            optional("inbound", POLICY),
            optional("outbound", POLICY),
        ])),
    ),
]);

const POLICY: Shape = Fields(&[
    optional("timeout", Value),
    optional("retry", Value),
    optional("circuitBreaker", Value),
]);

const SCOPED_POLICY: Shape = Fields(&[
    optional("timeout", Value),
    optional("retry", Value),
    optional("circuitBreaker", Value),
    optional("circuitBreakerScope", Value),
    optional("circuitBreakerCacheSize", Value),
]);
