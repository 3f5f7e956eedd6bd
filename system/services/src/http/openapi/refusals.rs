//! Which problems an operation may answer follows from what it has: a token, an id in its path, a query, a
//! body, the headers of a change.

use std::collections::BTreeMap;

use gauntlet_contract::Problem;
use gauntlet_contract::problem::CONTENT_TYPE;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{HttpMethod, OpenApi, Ref, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::headers::{IDEMPOTENCY_KEY, IF_MATCH, header, text};
use super::operations::{has_header, has_in, operations_of};
use crate::http::problem::ApiError;

/// Adds its refusals to each operation.
pub(super) fn tell(document: &mut OpenApi) {
    let mut are_there = false;
    for (method, operation) in document.paths.paths.values_mut().flat_map(operations_of) {
        let mut by_status: BTreeMap<u16, Vec<ApiError>> = BTreeMap::new();
        for refusal in refusals(&method, operation) {
            let status = refusal.status().as_u16();
            by_status.entry(status).or_default().push(refusal);
        }
        are_there |= !by_status.is_empty();
        let told = by_status
            .into_iter()
            .map(|(status, refusals)| (status.to_string(), response(status, &refusals).into()));
        operation.responses.responses.extend(told);
    }
    if are_there {
        let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
        Problem::schemas(&mut schemas);
        let components = document.components.get_or_insert_default();
        components.schemas.extend(schemas);
    }
}

fn refusals(method: &HttpMethod, operation: &Operation) -> Vec<ApiError> {
    // What asks for no token tells of the process, and refuses nothing.
    if operation.security.is_none() {
        return Vec::new();
    }
    let is_change = *method != HttpMethod::Get;
    let is_repeatable = has_header(operation, IDEMPOTENCY_KEY);
    let has_body = operation.request_body.is_some();
    let has_query = has_in(operation, &ParameterIn::Query);
    let mut all = vec![
        ApiError::Unauthorized {
            was_token_given: true,
        },
        ApiError::Unavailable,
        ApiError::OutcomeUnknown,
        ApiError::Internal,
    ];
    if has_in(operation, &ParameterIn::Path) {
        all.push(ApiError::NotFound);
    }
    if has_query {
        let detail = "Failed to deserialize query string".to_owned();
        all.push(ApiError::Malformed(detail));
    }
    if is_change {
        let detail = "expected value at line 1 column 1".to_owned();
        all.extend([
            ApiError::Malformed(detail),
            ApiError::TooLarge,
            ApiError::Conflict,
        ]);
    }
    if has_body {
        all.push(ApiError::UnsupportedMediaType);
    }
    if has_query || has_body || is_repeatable {
        let (field, detail) = if has_query {
            ("limit", "must be 1 to 100")
        } else {
            (IDEMPOTENCY_KEY, "must be 1 to 255 visible ASCII characters")
        };
        all.push(ApiError::field(field, detail));
    }
    if is_repeatable {
        all.extend([ApiError::KeyReused, ApiError::KeyInFlight]);
    }
    if has_header(operation, IF_MATCH) {
        all.push(ApiError::PreconditionFailed { current: 4 });
    }
    if is_of_labels(operation) {
        all.extend(of_labels(method));
    }
    all
}

/// Their names are unique, and a deletion takes them off one task after the other.
fn of_labels(method: &HttpMethod) -> Option<ApiError> {
    match method {
        HttpMethod::Post | HttpMethod::Patch => Some(ApiError::NameTaken),
        HttpMethod::Delete => Some(ApiError::Interrupted),
        _ => None,
    }
}

fn is_of_labels(operation: &Operation) -> bool {
    let mut tags = operation.tags.iter().flatten();
    tags.any(|tag| tag == "tags" || tag == "categories")
}

/// The answer with this status: any of these.
fn response(status: u16, refusals: &[ApiError]) -> Response {
    let problems: Vec<Problem> = refusals.iter().map(ApiError::problem).collect();
    let titles: Vec<_> = problems.iter().map(|problem| &*problem.title).collect();
    let mut response = ResponseBuilder::new()
        .description(titles.join("; "))
        .content(CONTENT_TYPE, content(status, &problems));
    for refusal in refusals {
        if let Some((name, value)) = refusal.header() {
            let name = name.as_str();
            response = response.header(name, header(&format!("Such as `{value}`."), text()));
        }
    }
    response.build()
}

fn content(status: u16, problems: &[Problem]) -> Content {
    let kinds = problems.iter().map(|problem| problem.kind.as_str());
    let one_of_these = ObjectBuilder::new()
        .property("type", text().enum_values(Some(kinds)))
        .property(
            "status",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .enum_values(Some([status])),
        );
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(one_of_these);
    ContentBuilder::new()
        .schema(Some(schema))
        .examples_from_iter(
            problems
                .iter()
                .map(|problem| (name(problem), example(problem))),
        )
        .build()
}

/// The last part of the problem's type.
fn name(problem: &Problem) -> &str {
    problem.kind.rsplit('/').next().unwrap_or_default()
}

/// The problem as it is answered.
fn example(problem: &Problem) -> Example {
    ExampleBuilder::new()
        .summary(&*problem.title)
        .value(serde_json::to_value(problem).ok())
        .build()
}
