//! Holds what was asked and answered against the `OpenAPI` document. What the document does not tell is
//! wrong: an unknown field or header too, although clients have to bear them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

use axum::extract::Query;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Headers of every answer, of which no document has to tell.
const PLAIN: [&str; 2] = ["content-type", "content-length"];
/// Told of answers that may have them.
const OCCASIONAL: [&str; 2] = ["idempotency-replayed", "retry-after"];
/// Headers of requests that the document tells of as parameters.
const ASKED: [&str; 2] = ["idempotency-key", "if-match"];

/// What was asked and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) asked: HeaderMap,
    pub(crate) sent: Vec<u8>,
    pub(crate) status: StatusCode,
    pub(crate) answered: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An `OpenAPI` document, with each object closed that does not say what else it may have.
pub(crate) struct Document {
    pub(crate) told: Value,
    closed: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    pub(crate) fn new(told: Value) -> Self {
        let mut closed = told.clone();
        close(&mut closed, Parent::Other);
        Self {
            told,
            closed,
            validators: Mutex::default(),
        }
    }

    /// The same text is the same document, and its schemas are read once.
    pub(crate) fn shared(text: &str) -> Arc<Self> {
        static ALL: LazyLock<Mutex<HashMap<String, Arc<Document>>>> = LazyLock::new(Mutex::default);
        let mut all = ALL.lock().unwrap();
        let read = || Arc::new(Self::new(serde_json::from_str(text).unwrap()));
        Arc::clone(all.entry(text.to_owned()).or_insert_with(read))
    }

    /// All that is wrong with the exchange.
    pub(crate) fn faults(&self, exchange: &Exchange) -> Vec<String> {
        let Some((path, item)) = self.path(exchange.uri.path()) else {
            return self.no_operation(exchange, StatusCode::NOT_FOUND);
        };
        let method = match exchange.method {
            Method::HEAD => "get".to_owned(),
            ref other => other.as_str().to_ascii_lowercase(),
        };
        let Some(operation) = item.get(&method) else {
            return self.no_operation(exchange, StatusCode::METHOD_NOT_ALLOWED);
        };
        let mut faults = self.answer(operation, exchange);
        if exchange.status.is_success() {
            faults.extend(self.request(operation, exchange));
        }
        for fault in &mut faults {
            *fault = format!("{} {path}: {fault}", exchange.method);
        }
        faults
    }

    /// Whether a value is what a schema allows; `schema` is a part of the document.
    pub(crate) fn is_valid(&self, schema: &Value, value: &Value) -> bool {
        self.validator(schema).is_valid(value)
    }

    /// What is wrong with the query of a list.
    pub(crate) fn faults_of_query(&self, path: &str, query: &str) -> Vec<String> {
        let uri = format!("{path}?{query}").parse().unwrap();
        self.query(&self.closed["paths"][path]["get"], &uri)
    }

    /// The path of the document that this one is; of two, that with fewer parameters.
    fn path(&self, path: &str) -> Option<(&str, &Value)> {
        let paths = self.closed["paths"].as_object()?;
        let fitting = paths.iter().filter(|(template, _)| {
            let (told, asked) = (template.split('/'), path.split('/'));
            told.clone().count() == asked.clone().count()
                && told.zip(asked).all(|(told, asked)| {
                    told == asked || (told.starts_with('{') && !asked.is_empty())
                })
        });
        let best = fitting.min_by_key(|(template, _)| template.matches('{').count());
        best.map(|(template, item)| (template.as_str(), item))
    }

    /// Where there is no operation, the answer is a problem that says so.
    fn no_operation(&self, exchange: &Exchange, status: StatusCode) -> Vec<String> {
        if exchange.status != status {
            let fault = format!(
                "{} {} is not told of, and was answered {}",
                exchange.method,
                exchange.uri.path(),
                exchange.status
            );
            return vec![fault];
        }
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        self.body(
            &json!({ "application/problem+json": { "schema": problem } }),
            exchange,
        )
    }

    fn answer(&self, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let Some(answer) = operation["responses"].get(exchange.status.as_str()) else {
            return vec![format!("an answer {} is not told of", exchange.status)];
        };
        let mut faults = match answer.get("content") {
            Some(content) => self.body(content, exchange),
            None if exchange.body.is_empty() => Vec::new(),
            None => vec!["a body is not told of".to_owned()],
        };
        let none = Map::new();
        let told = answer["headers"].as_object().unwrap_or(&none);
        let told: BTreeMap<String, &Value> = told
            .iter()
            .map(|(name, header)| (name.to_ascii_lowercase(), header))
            .collect();
        for name in told
            .keys()
            .filter(|name| !OCCASIONAL.contains(&name.as_str()))
        {
            if !exchange.answered.contains_key(name.as_str()) {
                faults.push(format!("the header {name} is missing"));
            }
        }
        for (name, value) in &exchange.answered {
            let value = json!(value.to_str().unwrap());
            match told.get(name.as_str()) {
                Some(header) => faults.extend(self.mistakes(&header["schema"], &value)),
                None if PLAIN.contains(&name.as_str()) => {}
                None => faults.push(format!("the header {name} is not told of")),
            }
        }
        faults
    }

    fn body(&self, content: &Value, exchange: &Exchange) -> Vec<String> {
        let media_type = media_type(&exchange.answered);
        let Some(content) = content.get(&media_type) else {
            return vec![format!("the media type {media_type:?} is not told of")];
        };
        if exchange.method == Method::HEAD {
            return Vec::new();
        }
        let body = if media_type.ends_with("json") {
            serde_json::from_slice(&exchange.body).unwrap()
        } else {
            json!(str::from_utf8(&exchange.body).unwrap())
        };
        self.mistakes(&content["schema"], &body)
    }

    /// A request that was granted is one that the document allows.
    fn request(&self, operation: &Value, exchange: &Exchange) -> Vec<String> {
        let mut faults = self.query(operation, &exchange.uri);
        for name in ASKED {
            let Some(value) = exchange.asked.get(name) else {
                continue;
            };
            let value = json!(value.to_str().unwrap().trim_matches('"'));
            // One that is not told of is not read.
            if let Some(told) = parameter(operation, "header", name) {
                faults.extend(self.mistakes(&told["schema"], &value));
            }
        }
        let content = &operation["requestBody"]["content"]["application/json"];
        if !exchange.sent.is_empty() && !content.is_null() {
            let sent = serde_json::from_slice(&exchange.sent).unwrap();
            faults.extend(self.mistakes(&content["schema"], &sent));
        }
        faults
    }

    fn query(&self, operation: &Value, uri: &Uri) -> Vec<String> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).unwrap();
        let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            asked.entry(name).or_default().push(value);
        }
        let mut faults = Vec::new();
        let told = operation["parameters"].as_array().into_iter().flatten();
        for told in told.filter(|told| told["in"] == "query" && told["required"] == true) {
            if !asked.contains_key(told["name"].as_str().unwrap()) {
                faults.push(format!("{} was left out", told["name"]));
            }
        }
        for (name, values) in asked {
            match parameter(operation, "query", &name) {
                Some(told) => {
                    let value = as_json(&told["schema"], &values.join(","));
                    faults.extend(self.mistakes(&told["schema"], &value));
                }
                None => faults.push(format!("the field {name} of a query is not told of")),
            }
        }
        faults
    }

    /// What is wrong with a value.
    fn mistakes(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        let errors = validator.iter_errors(value);
        errors
            .map(|error| format!("{error} at {:?}", error.instance_path().to_string()))
            .collect()
    }

    fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let build = || {
            // What a reference names is looked for below the root.
            let root = json!({"allOf": [schema], "components": self.closed["components"]});
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            Arc::new(options.build(&root).unwrap())
        };
        Arc::clone(validators.entry(schema.to_string()).or_insert_with(build))
    }
}

/// What an object is a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// Each part sees the whole, so none may forbid what another tells of.
    AllOf,
    Other,
}

fn close(value: &mut Value, parent: Parent) {
    match value {
        Value::Object(fields) => {
            let is_open = !fields.contains_key("additionalProperties");
            let is_schema = fields.get("properties").is_some_and(Value::is_object);
            if is_schema && is_open && parent == Parent::Other {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            for (name, field) in fields {
                let is_all_of = name == "allOf";
                for part in field.as_array_mut().into_iter().flatten() {
                    close(
                        part,
                        if is_all_of {
                            Parent::AllOf
                        } else {
                            Parent::Other
                        },
                    );
                }
                if field.is_object() {
                    close(field, Parent::Other);
                }
            }
        }
        Value::Array(parts) => {
            for part in parts {
                close(part, Parent::Other);
            }
        }
        _ => {}
    }
}

fn parameter<'a>(operation: &'a Value, place: &str, name: &str) -> Option<&'a Value> {
    let mut told = operation["parameters"].as_array()?.iter();
    told.find(|told| {
        let is_of_name = told["name"]
            .as_str()
            .is_some_and(|told| told.eq_ignore_ascii_case(name));
        told["in"] == place && is_of_name
    })
}

/// A field of a query as the schema's type would have it.
fn as_json(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().map_or(json!(text), Value::from),
        Some("boolean") => text.parse::<bool>().map_or(json!(text), Value::from),
        Some("array") => text.split(',').collect(),
        _ => json!(text),
    }
}

/// Without its parameters.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get("content-type");
    let value = value.map_or("", |value| value.to_str().unwrap());
    let name = value.split(';').next().unwrap_or_default();
    name.trim().to_ascii_lowercase()
}
