//! What the health endpoints answer. Their own types are the roles', and know nothing of HTTP.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::headers::text;

/// As [`Report`](crate::health::Report) is written. `/health/dapr` has that one component alone.
pub(in crate::http) enum HealthReport {}

/// That the process answers at all.
pub(in crate::http) enum Liveness {}

impl PartialSchema for HealthReport {
    fn schema() -> RefOr<Schema> {
        let components = ObjectBuilder::new()
            .property("dapr", dapr())
            .required("dapr")
            .additional_properties(Some(component()));
        process()
            .property("components", components)
            .required("components")
            .into()
    }
}

impl ToSchema for HealthReport {}

impl PartialSchema for Liveness {
    fn schema() -> RefOr<Schema> {
        process().into()
    }
}

impl ToSchema for Liveness {}

fn process() -> ObjectBuilder {
    let time = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    ObjectBuilder::new()
        .property("status", status())
        .required("status")
        .property("timestamp", time)
        .required("timestamp")
        .property("service", text())
        .required("service")
}

fn dapr() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("The sidecar; disabled in direct mode."))
        .property("status", status())
        .required("status")
        .property("sidecar_reachable", flag())
        .required("sidecar_reachable")
        .property("detail", text())
}

fn component() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("status", status())
        .required("status")
        .property(
            "component",
            text().description(Some("What is behind it; none where it is not in use.")),
        )
        .property("reachable", flag())
        .required("reachable")
        .property("detail", text().description(Some("Why it is not healthy.")))
}

fn status() -> ObjectBuilder {
    text().enum_values(Some([
        "healthy",
        "degraded",
        "unhealthy",
        "draining",
        "disabled",
    ]))
}

fn flag() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}
