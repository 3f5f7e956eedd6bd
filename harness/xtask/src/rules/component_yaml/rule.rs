use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, MarkedYaml};

use super::kinds::{COMPONENT_TYPES, KINDS, Kind};
use super::shape::Shape::{Any, Fields, ListOf, Value};
use super::shape::{Objection, Shape, get, line, objections, optional, required, text};
use crate::violation::Violation;
use crate::workspace::{TextFile, Workspace};

const COMPONENTS: &str = "components/";

/// What every kind has around its `spec`, which is looked at on its own.
const FRAME: Shape = Fields(&[
    required("apiVersion", Value),
    required("kind", Value),
    required(
        "metadata",
        Fields(&[required("name", Value), optional("namespace", Value)]),
    ),
    required("spec", Any),
    optional("scopes", ListOf(&Value)),
    optional("auth", Fields(&[required("secretStore", Value)])),
]);

pub(in crate::rules) fn check(workspace: &Workspace) -> Vec<Violation> {
    let files = workspace.files.iter().filter(|file| {
        let is_yaml = [".yaml", ".yml"].iter().any(|end| file.path.ends_with(end));
        is_yaml && file.path.starts_with(COMPONENTS)
    });
    let mut names: BTreeMap<Name, String> = BTreeMap::new();
    let mut violations = Vec::new();
    for file in files {
        for (line, what) in in_file(file, &mut names) {
            violations.push(Violation {
                path: file.path.clone(),
                line,
                what,
                why: "Dapr passes over what it does not know, and the scenario judges something else",
                mend: "see the kinds in harness/xtask/src/rules/component_yaml/kinds.rs".to_owned(),
            });
        }
    }
    violations
}

/// Folder, kind and name. daprd is given a folder; two files of one name in it hide each other. The same
/// name in another folder is how a backend is swapped.
type Name = (String, String, String);

fn in_file(file: &TextFile, names: &mut BTreeMap<Name, String>) -> Vec<Objection> {
    let documents = match MarkedYaml::load_from_str(&file.text) {
        Ok(documents) => documents,
        Err(error) => return vec![(error.marker().line(), format!("does not parse: {error}"))],
    };
    if documents.is_empty() {
        return vec![(1, "holds no document".to_owned())];
    }
    let mut found = Vec::new();
    for document in &documents {
        found.extend(in_document(document));
        let value =
            |node: Option<&MarkedYaml<'_>>| node.and_then(text).unwrap_or_default().to_owned();
        let name = get(document, "metadata").and_then(|metadata| get(metadata, "name"));
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let key = (folder.to_owned(), value(get(document, "kind")), value(name));
        if let Some(earlier) = names.get(&key) {
            found.push((
                line(document),
                format!("has the kind and name of {earlier}"),
            ));
        } else {
            names.insert(key, file.path.clone());
        }
    }
    found
}

fn in_document(document: &MarkedYaml<'_>) -> Vec<Objection> {
    let mut found = objections(document, &FRAME, "");
    let Some(kind_node) = get(document, "kind") else {
        return found;
    };
    let Some(kind) = KINDS.iter().find(|kind| text(kind_node) == Some(kind.name)) else {
        found.push((line(kind_node), "kind is none that Dapr reads".to_owned()));
        return found;
    };
    if let Some(version) = get(document, "apiVersion")
        && text(version) != Some(kind.api_version)
    {
        found.push((
            line(version),
            format!("apiVersion of a {} is {}", kind.name, kind.api_version),
        ));
    }
    if let Some(spec) = get(document, "spec") {
        found.extend(objections(spec, &kind.spec, "spec"));
        found.extend(unknown_type(spec, kind));
        found.extend(limited_calls(spec, kind));
    }
    found
}

fn unknown_type(spec: &MarkedYaml<'_>, kind: &Kind) -> Option<Objection> {
    if kind.name != "Component" {
        return None;
    }
    let node = get(spec, "type")?;
    let name = text(node).unwrap_or_default();
    (!COMPONENT_TYPES.contains(&name))
        .then(|| (line(node), format!("no sidecar here registers {name}")))
}

/// Apps to which calls have a time limit: a sidecar of 1.16.5 ends when a caller goes away within an answer
/// (decision 0022).
fn limited_calls(spec: &MarkedYaml<'_>, kind: &Kind) -> Vec<Objection> {
    if kind.name != "Resiliency" {
        return Vec::new();
    }
    let apps = get(spec, "targets").and_then(|targets| get(targets, "apps"));
    let apps = apps.and_then(|apps| apps.data.as_mapping());
    let targets = apps.into_iter().flat_map(|apps| apps.values());
    let limits = targets.filter_map(|target| get(target, "timeout"));
    limits
        .map(|limit| {
            let what = "a time limit for calls to an app ends the sidecar (decision 0022)";
            (line(limit), what.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KAFKA: &str = "\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: pubsub
spec:
  type: pubsub.kafka
  version: v1
  metadata:
    - name: brokers
      value: 127.0.0.1:9092
";

    fn found(text: &str) -> Vec<String> {
        let violations = check(&Workspace::of_file("components/local/pubsub.yaml", text));
        violations.into_iter().map(|it| it.what).collect()
    }

    #[test]
    fn a_sound_component_passes() {
        assert_eq!(found(KAFKA), Vec::<String>::new());
    }

    #[test]
    fn planted_mistakes_are_found() {
        let planted = [
            ("kind: Component", "kind: Komponent", "kind is none"),
            ("v1alpha1", "v1alpha2", "apiVersion of a Component"),
            (
                "  name: pubsub",
                "  label: pubsub",
                "metadata.name is missing",
            ),
            (
                "pubsub.kafka",
                "pubsub.kofka",
                "no sidecar here registers pubsub.kofka",
            ),
            ("  version: v1\n", "", "spec.version is missing"),
            (
                "      value:",
                "      valve:",
                "spec.metadata[].valve is no field",
            ),
            ("  metadata:\n    -", "  metadata:\n   -", "does not parse"),
            (
                "  version: v1\n",
                "  version: v1\n  version: v2\n",
                "does not parse",
            ),
        ];
        for (from, to, expected) in planted {
            assert!(KAFKA.contains(from), "nothing to replace: {from}");
            let text = KAFKA.replacen(from, to, 1);
            let found = found(&text);
            assert!(
                found.iter().any(|it| it.contains(expected)),
                "{expected}: {found:?}"
            );
        }
    }

    #[test]
    fn planted_resiliency_field_that_dapr_ignores_is_found() {
        let text = "\
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: {name: r}
spec:
  policies:
    retries:
      often: {policy: constant, duration: 1s, maxAttempts: 3}
  targets: {}
";
        assert_eq!(
            found(text),
            ["spec.policies.retries.often.maxAttempts is no field that Dapr knows"]
        );
    }

    #[test]
    fn planted_time_limit_for_calls_is_found_and_one_for_deliveries_is_not() {
        let text = "\
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: {name: r}
spec:
  policies:
    timeouts: {short: 5s}
  targets:
    apps:
      api: {timeout: short}
    components:
      pubsub: {inbound: {timeout: short}}
";
        assert_eq!(
            found(text),
            ["a time limit for calls to an app ends the sidecar (decision 0022)"]
        );
        assert_eq!(
            found(&text.replace("api: {timeout: short}", "{}")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn planted_name_twice_in_a_folder_is_found_and_in_two_folders_is_not() {
        let mut workspace = Workspace::of_file("components/local/kafka/a.yaml", KAFKA);
        workspace.files.push(TextFile {
            path: "components/local/redis/a.yaml".to_owned(),
            text: KAFKA.to_owned(),
        });
        assert_eq!(check(&workspace), []);
        workspace.files[1].path = "components/local/kafka/b.yaml".to_owned();
        assert_eq!(check(&workspace).len(), 1);
    }
}
