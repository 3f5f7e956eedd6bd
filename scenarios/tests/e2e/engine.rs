//! What is in the container engine, asked by its own command line as a person would.

use std::collections::BTreeSet;
use std::process::Command;

/// Everything of a run carries the id of its stack under this label.
const RUN_LABEL: &str = "gauntlet.run";
/// What is ours is named so, label or not.
const PREFIX: &str = "gauntlet-";

/// A container, network or volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thing {
    kind: &'static str,
    name: String,
    /// Empty of what carries no label of ours.
    stack: String,
}

impl Thing {
    /// Of the run itself, or of one of its stacks.
    fn is_of(&self, run: &str) -> bool {
        let rest = self.stack.strip_prefix(run);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// What the engine answers to these arguments; its own words where it does not.
pub(crate) fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output();
    let output = output.expect("the engine's command line, `docker`, can be executed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {}: {said}", args.join(" "));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// All that is in the engine, whoever made it.
pub(crate) fn everything() -> BTreeSet<Thing> {
    let list = |kind, command: &[&str], name: &str| {
        let format = format!("{{{{{name}}}}} {{{{.Label \"{RUN_LABEL}\"}}}}");
        let listed = docker(&[command, &["--format", &format]].concat());
        let thing = |line: &str| {
            let (name, stack) = line.split_once(' ').unwrap_or((line, ""));
            Thing {
                kind,
                name: name.to_owned(),
                stack: stack.to_owned(),
            }
        };
        listed.lines().map(thing).collect::<Vec<_>>()
    };
    let containers = list("container", &["ps", "--all"], ".Names");
    let networks = list("network", &["network", "ls"], ".Name");
    let volumes = list("volume", &["volume", "ls"], ".Name");
    [containers, networks, volumes]
        .into_iter()
        .flatten()
        .collect()
}

/// What is in the engine of a run and its stacks.
pub(crate) fn of_run(run: &str) -> Vec<Thing> {
    let things = everything().into_iter();
    things.filter(|thing| thing.is_of(run)).collect()
}

/// The run's things that are there, and what has come since and may be of the run: ours by its name, and
/// not labelled as somebody else's.
pub(crate) fn left_by(run: &str, before: &BTreeSet<Thing>) -> Vec<Thing> {
    let may_be = |thing: &Thing| {
        let is_ours = thing.name.starts_with(PREFIX) && thing.stack.is_empty();
        thing.is_of(run) || (is_ours && !before.contains(thing))
    };
    everything().into_iter().filter(may_be).collect()
}

/// The volumes that the run's containers have, those without a name included: they carry no label.
pub(crate) fn volumes_of(run: &str) -> BTreeSet<String> {
    let containers = of_run(run).into_iter();
    let containers = containers.filter(|thing| thing.kind == "container");
    let names: Vec<String> = containers.map(|thing| thing.name).collect();
    let mut inspect = vec![
        "inspect",
        "--format",
        "{{range .Mounts}}{{println .Name}}{{end}}",
    ];
    inspect.extend(names.iter().map(String::as_str));
    let mounted = docker(&inspect);
    let volumes = mounted.lines().filter(|line| !line.is_empty());
    volumes.map(str::to_owned).collect()
}

/// Those of the volumes that are there.
pub(crate) fn present(volumes: &BTreeSet<String>) -> Vec<Thing> {
    let is_one = |thing: &Thing| thing.kind == "volume" && volumes.contains(&thing.name);
    everything().into_iter().filter(is_one).collect()
}

/// A network of another run, which nobody but this test may remove.
pub(crate) struct Stranger {
    name: String,
}

impl Stranger {
    pub(crate) fn new(run: &str) -> Self {
        let name = format!("{PREFIX}stranger-{}-{run}", std::process::id());
        let label = format!("{RUN_LABEL}={run}");
        docker(&["network", "create", "--label", &label, &name]);
        Self { name }
    }

    pub(crate) fn is_there(&self) -> bool {
        everything().iter().any(|thing| thing.name == self.name)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // Of a test that failed this would be a second panic.
        let _ = Command::new("docker")
            .args(["network", "rm", &self.name])
            .output();
    }
}

#[test]
fn a_run_s_things_are_not_those_of_a_run_whose_id_begins_alike() {
    let thing = |stack: &str| Thing {
        kind: "container",
        name: "gauntlet-1-kafka".to_owned(),
        stack: stack.to_owned(),
    };
    assert!(thing("up-1").is_of("up-1"));
    assert!(thing("up-1-burst-1000-1").is_of("up-1"));
    assert!(!thing("up-12").is_of("up-1"));
    assert!(!thing("").is_of("up-1"));
}
