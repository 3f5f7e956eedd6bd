use saphyr::{MarkedYaml, Scalar, YamlData};

/// What a part of a document may hold.
#[derive(Debug)]
pub(super) enum Shape {
    Any,
    /// A scalar.
    Value,
    ListOf(&'static Shape),
    /// A mapping whose keys the author chooses.
    Named(&'static Shape),
    /// A mapping of known keys.
    Fields(&'static [Field]),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) presence: Presence,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

pub(super) const fn required(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        presence: Presence::Required,
        shape,
    }
}

pub(super) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        presence: Presence::Optional,
        shape,
    }
}

/// A line (from 1) and what is wrong there.
pub(super) type Objection = (usize, String);

/// Everything in `node` that is not of this shape; `at` is the path that led here, for the message.
pub(super) fn objections(node: &MarkedYaml<'_>, shape: &Shape, at: &str) -> Vec<Objection> {
    match (shape, &node.data) {
        (Shape::Any, _) | (Shape::Value, YamlData::Value(_)) => Vec::new(),
        (Shape::ListOf(item), YamlData::Sequence(items)) => items
            .iter()
            .flat_map(|node| objections(node, item, &format!("{at}[]")))
            .collect(),
        (Shape::Named(value), YamlData::Mapping(entries)) => entries
            .iter()
            .flat_map(|(key, node)| objections(node, value, &join(at, key)))
            .collect(),
        (Shape::Fields(fields), YamlData::Mapping(entries)) => {
            let mut found: Vec<Objection> = entries
                .iter()
                .flat_map(
                    |(key, node)| match fields.iter().find(|it| text(key) == Some(it.name)) {
                        Some(field) => objections(node, &field.shape, &join(at, key)),
                        None => vec![(
                            line(key),
                            format!("{} is no field that Dapr knows", join(at, key)),
                        )],
                    },
                )
                .collect();
            let missing = fields.iter().filter(|field| {
                field.presence == Presence::Required && get(node, field.name).is_none()
            });
            found.extend(
                missing.map(|field| (line(node), format!("{at}.{} is missing", field.name))),
            );
            found
        }
        (expected, _) => vec![(line(node), format!("{at} is not {}", expected.describe()))],
    }
}

impl Shape {
    fn describe(&self) -> &'static str {
        match self {
            Shape::Any => "anything",
            Shape::Value => "a single value",
            Shape::ListOf(_) => "a list",
            Shape::Named(_) | Shape::Fields(_) => "a mapping",
        }
    }
}

pub(super) fn line(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line()
}

pub(super) fn get<'a, 'input>(
    node: &'a MarkedYaml<'input>,
    key: &str,
) -> Option<&'a MarkedYaml<'input>> {
    match &node.data {
        YamlData::Mapping(entries) => entries
            .iter()
            .find(|(candidate, _)| text(candidate) == Some(key))
            .map(|(_, value)| value),
        _ => None,
    }
}

pub(super) fn text<'a>(node: &'a MarkedYaml<'_>) -> Option<&'a str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

fn join(at: &str, key: &MarkedYaml<'_>) -> String {
    let key = text(key).unwrap_or("?");
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}
