use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{HttpMethod, PathItem, RefOr};

/// The operations of a path: there are none but these in this system.
pub(in crate::http) fn operations_of(
    item: &mut PathItem,
) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Patch, &mut item.patch),
        (HttpMethod::Delete, &mut item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The parameters that are there, and not elsewhere.
pub(super) fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// Whether the operation has a parameter in this place.
pub(super) fn has_in(operation: &Operation, place: &ParameterIn) -> bool {
    parameters(operation).any(|parameter| parameter.parameter_in == *place)
}

/// Whether the operation has a header of this name.
pub(super) fn has_header(operation: &Operation, name: &str) -> bool {
    parameters(operation)
        .any(|parameter| parameter.parameter_in == ParameterIn::Header && parameter.name == name)
}
