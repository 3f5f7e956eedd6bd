//! The headers of changes, and those of answers.

use utoipa::IntoParams;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{Header, HeaderBuilder, OpenApi, RefOr, Required, Response};

use super::operations::{has_header, operations_of};
use crate::http::idempotency::KEY_MAX_CHARS;

pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
pub(super) const IF_MATCH: &str = "If-Match";
/// What has a version, and so an entity tag, where an answer is nothing but one of these.
const VERSIONED: [&str; 3] = ["Label", "Series", "Task"];

/// As every [`Submitted`](crate::http::submitted::Submitted) has it.
pub(in crate::http) enum IdempotencyKey {}

/// As it is for whatever has a version.
pub(in crate::http) enum IfMatch {}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = text()
            .min_length(Some(1))
            .max_length(Some(KEY_MAX_CHARS))
            .pattern(Some("^[!-~]+$"));
        vec![parameter(
            IDEMPOTENCY_KEY,
            "Chosen by the client, one for each change: sent again with it, the change is not made again, \
             and gets the first one's answer. May stand in quotes, which do not count.",
            schema.examples(["8e03978e-40d5-43e8-bc93-6894a57f9324"]),
        )]
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter(
            IF_MATCH,
            "Entity tags with commas, or `*`: the change is made only to one of these versions. The \
             comparison is strong.",
            text().examples(["\"3\""]),
        )]
    }
}

/// Gives each answer the headers that it has.
pub(super) fn tell(document: &mut OpenApi) {
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations_of) {
        let is_repeatable = has_header(operation, IDEMPOTENCY_KEY);
        for (status, response) in answers(operation) {
            let headers = &mut response.headers;
            let mut add = |name: &str, header: Header| {
                headers.insert(name.to_owned(), header.into());
            };
            if is_versioned(response.content.values().next()) {
                add("ETag", etag());
            }
            if status == "201" {
                add("Location", location());
            }
            if is_repeatable {
                add("Idempotency-Replayed", replayed());
            }
        }
    }
}

/// The answers that are no refusals.
fn answers(operation: &mut Operation) -> impl Iterator<Item = (&str, &mut Response)> {
    let all = operation.responses.responses.iter_mut();
    all.filter_map(|(status, response)| match response {
        RefOr::T(response) if status.starts_with('2') => Some((status.as_str(), response)),
        _ => None,
    })
}

fn is_versioned(content: Option<&RefOr<utoipa::openapi::Content>>) -> bool {
    let Some(RefOr::T(content)) = content else {
        return false;
    };
    let Some(RefOr::Ref(schema)) = &content.schema else {
        return false;
    };
    let name = schema.ref_location.rsplit('/').next();
    name.is_some_and(|name| VERSIONED.contains(&name))
}

fn etag() -> Header {
    header(
        "The entity tag of the version, for `If-Match`.",
        text()
            .pattern(Some("^\"[1-9][0-9]*\"$"))
            .examples(["\"1\""]),
    )
}

fn location() -> Header {
    header(
        "The path where it can be read.",
        text().pattern(Some("^/api/[a-z]+/[0-9a-f-]{36}$")),
    )
}

fn replayed() -> Header {
    header(
        "There when the answer was first given to an earlier request with the same key.",
        text().enum_values(Some(["true"])),
    )
}

pub(super) fn header(description: &str, schema: impl Into<Object>) -> Header {
    HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(schema.into()))
        .build()
}

pub(super) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn parameter(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
