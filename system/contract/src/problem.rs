//! Errors of the API, as RFC 9457 problem details.

use serde::{Deserialize, Serialize};

/// Media type of an encoded problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A problem. `kind` is a relative URI reference that names the kind of problem and never changes;
/// `detail` is for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// What is wrong with which field of the request; empty when no field is to blame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    pub field: String,
    pub detail: String,
}
