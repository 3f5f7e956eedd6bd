//! `compose.yaml` is what a person starts: it opens nothing to the network, takes no more memory than it
//! says, runs the versions that the harness judges, and makes every topic of the contract.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde::Deserialize;

use crate::violation::Violation;
use crate::workspace::Workspace;

const COMPOSE: &str = "compose.yaml";
const COMPONENTS: &str = "harness/components.toml";
/// Makes the topics, because nothing else does.
const TOPICS_MADE: &str = "compose/kafka/topics.sh";
/// Names them, each in a line `Topic::X => "name",`.
const TOPICS_NAMED: &str = "system/contract/src/topics.rs";
/// The one image that is built here, and has no version of its own.
const OWN_IMAGE: &str = "gauntlet/todo";
/// Which component an official image holds.
const IMAGES: [(&str, &str); 6] = [
    ("apache/kafka", "kafka"),
    ("postgres", "postgres"),
    ("valkey/valkey", "redis"),
    ("daprio/daprd", "daprd"),
    ("daprio/scheduler", "scheduler"),
    ("daprio/placement", "placement"),
];

#[derive(Deserialize)]
struct Component {
    version: String,
}

type Versions = BTreeMap<String, String>;

/// A line (from 1), what is wrong there, why that matters, and the mend.
type Objection = (usize, String, &'static str, &'static str);

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let Some(file) = workspace.file(COMPOSE) else {
        return Vec::new();
    };
    let versions = versions(workspace);
    let objections = match MarkedYaml::load_from_str(&file.text) {
        Ok(documents) => in_documents(&documents, &versions),
        Err(error) => vec![(
            error.marker().line(),
            format!("does not parse: {error}"),
            "nobody could start it",
            "make it valid YAML",
        )],
    };
    let violation = |(line, what, why, mend): Objection| Violation {
        path: COMPOSE.to_owned(),
        line,
        what,
        why,
        mend: mend.to_owned(),
    };
    let mut violations: Vec<Violation> = objections.into_iter().map(violation).collect();
    violations.extend(topics(workspace));
    violations
}

fn topics(workspace: &Workspace) -> Vec<Violation> {
    let text = |path: &str| workspace.file(path).map_or("", |file| &file.text);
    let made = text(TOPICS_MADE);
    let named = text(TOPICS_NAMED).lines().filter_map(|line| {
        let (_, name) = line.split_once("=> \"")?;
        name.split_once('"').map(|(name, _)| name)
    });
    let missing = named.filter(|name| {
        let mut words = made.split([' ', ';', '\n']);
        !words.any(|word| {
            word.split_once(':')
                .is_some_and(|(topic, _)| topic == *name)
        })
    });
    let violation = |name: &str| Violation {
        path: TOPICS_MADE.to_owned(),
        line: 1,
        what: format!("does not make the topic {name}"),
        why: "no broker here makes a topic by itself, and events of a topic that is missing stay in the outbox",
        mend: "add it, with the partitions that harness/src/stack/topology.rs gives it".to_owned(),
    };
    missing.map(violation).collect()
}

fn versions(workspace: &Workspace) -> Versions {
    let text = workspace.file(COMPONENTS).map_or("", |file| &file.text);
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let version = |(name, value): (String, toml::Value)| {
        let component: Component = value.try_into().ok()?;
        Some((name, component.version))
    };
    table.into_iter().filter_map(version).collect()
}

fn in_documents(documents: &[MarkedYaml<'_>], versions: &Versions) -> Vec<Objection> {
    let services = documents
        .first()
        .and_then(|document| get(document, "services"));
    let Some(YamlData::Mapping(services)) = services.map(|services| &services.data) else {
        return vec![(
            1,
            "names no services".to_owned(),
            "the rules about them would pass for nothing",
            "put them below `services`",
        )];
    };
    let mut found = Vec::new();
    for (name, service) in services {
        let name = (text(name).unwrap_or("?"), line(name));
        found.extend(ports(name, service));
        found.extend(memory(name, service));
        found.extend(image(name, service, versions));
    }
    found
}

type Name<'a> = (&'a str, usize);

/// The short form `127.0.0.1:outside:inside`; the long one is not in use here.
fn ports((name, at): Name<'_>, service: &MarkedYaml<'_>) -> Vec<Objection> {
    const WHY: &str = "what is published elsewhere is open to whoever reaches the machine";
    if let Some(mode) = get(service, "network_mode").and_then(text)
        && mode == "host"
    {
        let what = format!("{name} is in the host's network");
        return vec![(at, what, WHY, "give it a network of its own")];
    }
    let Some(ports) = get(service, "ports") else {
        return Vec::new();
    };
    let published: &[MarkedYaml<'_>] = match &ports.data {
        YamlData::Sequence(published) => published,
        _ => std::slice::from_ref(ports),
    };
    let open = published.iter().filter(|port| {
        let on_loopback = text(port).and_then(|port| port.strip_prefix("127.0.0.1:"));
        // Without an outer port the rest would be one number, and the outer one random but on loopback.
        on_loopback.is_none()
    });
    let objection = |port: &MarkedYaml<'_>| {
        let what = format!("{name} publishes a port beyond 127.0.0.1");
        (
            line(port),
            what,
            WHY,
            "write it as \"127.0.0.1:outside:inside\"",
        )
    };
    open.map(objection).collect()
}

/// Said by the service itself: a limit that a merge brings would be overlooked by whoever adds them up.
fn memory((name, at): Name<'_>, service: &MarkedYaml<'_>) -> Option<Objection> {
    const WHY: &str = "one service could take the memory of all, and of the machine";
    let mend = "give it mem_limit in whole megabytes, e.g. 256m";
    let Some(limit) = get(service, "mem_limit") else {
        return Some((at, format!("{name} has no memory limit"), WHY, mend));
    };
    let megabytes = text(limit).and_then(|limit| limit.strip_suffix('m'));
    let is_limit = megabytes.is_some_and(|it| it.parse::<u32>().is_ok_and(|it| it > 0));
    let what = || format!("{name}'s memory limit is none");
    (!is_limit).then(|| (line(limit), what(), WHY, mend))
}

fn image((name, at): Name<'_>, service: &MarkedYaml<'_>, versions: &Versions) -> Option<Objection> {
    const WHY: &str = "a person would run something else than what the harness judges";
    let Some(node) = get(service, "image") else {
        let what = format!("{name} names no image");
        return Some((at, what, WHY, "name it, with an official default"));
    };
    let reference = default_of(text(node).unwrap_or_default());
    if reference == OWN_IMAGE {
        return None;
    }
    let (repository, tag) = reference.rsplit_once(':').unwrap_or((reference, ""));
    let Some((_, component)) = IMAGES.iter().find(|(known, _)| *known == repository) else {
        let what = format!("{name} runs {reference}, which is no known component's image");
        let mend = "add it to IMAGES in harness/xtask/src/rules/compose.rs";
        return Some((line(node), what, WHY, mend));
    };
    let pinned = versions.get(*component).map_or("nothing", String::as_str);
    (tag != pinned).then(|| {
        let what = format!("{name} runs {reference}, and {COMPONENTS} pins {pinned}");
        (line(node), what, WHY, "let both name the same version")
    })
}

/// `${VARIABLE:-default}` → `default`.
fn default_of(reference: &str) -> &str {
    let inside = reference
        .strip_prefix("${")
        .and_then(|it| it.strip_suffix('}'));
    inside
        .and_then(|it| it.split_once(":-"))
        .map_or(reference, |(_, default)| default)
}

fn line(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line()
}

fn get<'a, 'input>(node: &'a MarkedYaml<'input>, key: &str) -> Option<&'a MarkedYaml<'input>> {
    let YamlData::Mapping(entries) = &node.data else {
        return None;
    };
    let mut entries = entries.iter();
    entries
        .find(|(candidate, _)| text(candidate) == Some(key))
        .map(|(_, value)| value)
}

fn text<'a>(node: &'a MarkedYaml<'_>) -> Option<&'a str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::TextFile;

    const SOUND: &str = "\
x-common: &common
  read_only: true
services:
  kafka:
    <<: *common
    image: ${KAFKA_IMAGE:-apache/kafka:4.3.1}
    mem_limit: 768m
  valkey:
    image: valkey/valkey:9.1.2
    mem_limit: 256m
  api:
    image: ${TODO_IMAGE:-gauntlet/todo}
    mem_limit: 256m
    ports: [\"127.0.0.1:${API_PORT:-8000}:8000\"]
";
    const PINNED: &str = "\
schema = 1
[kafka]
version = \"4.3.1\"
[redis]
version = \"9.1.2\"
";

    fn found(compose: &str) -> Vec<(usize, String)> {
        let mut workspace = Workspace::of_file(COMPOSE, compose);
        workspace.files.push(TextFile {
            path: COMPONENTS.to_owned(),
            text: PINNED.to_owned(),
        });
        let violations = check(&workspace).into_iter();
        violations.map(|it| (it.line, it.what)).collect()
    }

    #[test]
    fn a_sound_file_passes() {
        assert_eq!(found(SOUND), []);
    }

    #[test]
    fn planted_mistakes_are_found_where_they_are() {
        let port = "\"127.0.0.1:${API_PORT:-8000}:8000\"";
        let open = "api publishes a port beyond 127.0.0.1";
        let planted = [
            (port, "\"8000:8000\"", 14, open),
            (port, "8000", 14, open),
            (port, "\"0.0.0.0:8000:8000\"", 14, open),
            (port, "{published: 8000, target: 8000}", 14, open),
            ("ports:", "network_mode: host\n    x:", 11, "host's network"),
            ("    mem_limit: 768m\n", "", 4, "kafka has no memory limit"),
            ("768m", "0m", 7, "kafka's memory limit is none"),
            ("768m", "${MEMORY}", 7, "kafka's memory limit is none"),
            ("kafka:4.3.1", "kafka:4.3.0", 6, "pins 4.3.1"),
            ("kafka:4.3.1", "kafka", 6, "pins 4.3.1"),
            ("valkey/valkey", "somebody/valkey", 9, "no known component"),
            (
                "    image: valkey/valkey:9.1.2\n",
                "",
                8,
                "valkey names no image",
            ),
            ("services:", "servants:", 1, "names no services"),
            ("  api:", " api:", 11, "does not parse"),
        ];
        for (from, to, line, expected) in planted {
            assert!(SOUND.contains(from), "nothing to replace: {from}");
            let found = found(&SOUND.replacen(from, to, 1));
            let is_found = |(at, what): &(usize, String)| *at == line && what.contains(expected);
            assert!(found.iter().any(is_found), "{expected}: {found:?}");
            assert_eq!(found.len(), 1, "{found:?}");
        }
    }

    #[test]
    fn planted_component_that_nothing_pins_is_found() {
        let violations = check(&Workspace::of_file(COMPOSE, SOUND));
        assert_eq!(violations.len(), 2, "{violations:?}");
    }

    #[test]
    fn planted_topic_that_nobody_makes_is_found() {
        let named = "Topic::TaskEvents => \"task-events\",\nTopic::AuditLogs => \"audit-logs\",\n";
        let made = "for topic in task-events:12 more-audit-logs:3; do\n";
        let mut workspace = Workspace::of_file(TOPICS_NAMED, named);
        let files = [(TOPICS_MADE, made), (COMPOSE, "services: {}\n")];
        workspace.files.extend(files.map(|(path, text)| TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }));
        let violations = check(&workspace);
        let what: Vec<&str> = violations.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(what, ["does not make the topic audit-logs"]);
    }
}
