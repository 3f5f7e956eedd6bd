use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use gauntlet_contract::recurrence::Rule;
use utoipa::ToSchema as _;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::operations::operations_of;
use super::{headers, refusals};

/// Kinds of operations, as people look for them.
const TAGS: [(&str, &str); 7] = [
    ("tasks", "Tasks: their life, lists and search."),
    ("series", "Recurring tasks: a series and its instances."),
    ("tags", "Tags: a task has up to ten."),
    ("categories", "Categories: a task has at most one."),
    (
        "audit",
        "The trail of all changes, each with the state before and after it.",
    ),
    (
        "internal",
        "What the roles of the system ask of each other.",
    ),
    ("service", "The process itself. No token is needed."),
];

/// Who may ask, by the name that operations refer to, and what they show.
const TOKENS: [(&str, Option<&str>, &str); 2] = [
    (
        "user",
        Some("JWT"),
        "A user's token: a JWT signed with Ed25519, with `kid`, `iss`, `aud`, `sub` and `exp`.",
    ),
    (
        "service",
        None,
        "The token that the roles of the system share.",
    ),
];

const ABOUT: &str = "\
A todo system that tells of every change as an event. This document is generated from the code of the \
running process and tells what this process serves; other roles may serve more.

Lists have pages: `next_cursor` of one is `cursor` of the next, as long as the other parameters stay. A \
change that has an `Idempotency-Key` is made once, however often it is sent. Errors are RFC 9457 problems, \
whose `type` is what clients tell them apart by. What is not told of here is answered 404, or 405 where the \
path has other methods; `HEAD` is answered as `GET` without its body, and a sidecar has paths of its own.";

/// `GET /openapi.json`: the document of these resources and itself.
pub(in crate::http) fn routes(resources: impl IntoIterator<Item = OpenApi>) -> Router {
    let (router, own) = OpenApiRouter::<Arc<OpenApi>>::default()
        .routes(routes!(read))
        .split_for_parts();
    let mut document = head();
    for resource in resources.into_iter().chain([own]) {
        document.merge(resource);
    }
    close_variants(&mut document, &Rule::name());
    refusals::tell(&mut document);
    headers::tell(&mut document);
    keep_what_is_used(&mut document);
    router.with_state(Arc::new(document))
}

/// This document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "openapi_read", tag = "service",
    responses((status = 200, description = "The document", body = Object)),
)]
async fn read(State(document): State<Arc<OpenApi>>) -> Response {
    Json(document.as_ref()).into_response()
}

/// All but the operations.
fn head() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0 OR MIT")
        .identifier(Some("Apache-2.0 OR MIT"));
    let info = InfoBuilder::new()
        .title("Todo")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license.build()));
    let mut components = Components::new();
    for (name, format, description) in TOKENS {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description));
        let scheme = match format {
            Some(format) => scheme.bearer_format(format),
            None => scheme,
        };
        components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
    }
    OpenApiBuilder::new()
        .info(info.build())
        .tags(Some(TAGS.map(tag)))
        .components(Some(components))
        .build()
}

fn tag((name, description): (&str, &str)) -> Tag {
    TagBuilder::new()
        .name(name)
        .description(Some(description))
        .build()
}

/// Fields that a variant of this schema does not have are refused, as those are that a struct does not have; of
/// variants nothing but this tells so.
fn close_variants(document: &mut OpenApi, name: &str) {
    let schemas = document.components.as_mut();
    let schema = schemas.and_then(|components| components.schemas.get_mut(name));
    let Some(RefOr::T(Schema::OneOf(variants))) = schema else {
        return;
    };
    for variant in &mut variants.items {
        if let RefOr::T(Schema::Object(object)) = variant {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// A role that has no tasks need not explain what they are, nor what token they need.
fn keep_what_is_used(document: &mut OpenApi) {
    let mut tags = Vec::new();
    let mut tokens = Vec::new();
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations_of) {
        tags.extend(operation.tags.iter().flatten().cloned());
        tokens.extend(operation.security.iter().flatten().cloned());
    }
    if let Some(told) = &mut document.tags {
        told.retain(|tag| tags.contains(&tag.name));
    }
    if let Some(components) = &mut document.components {
        components.security_schemes.retain(|name, _| {
            let alone = SecurityRequirement::new(name, [""; 0]);
            tokens.contains(&alone)
        });
    }
}
