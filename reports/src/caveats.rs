//! What two runs differ in besides the code, so that a number is not blamed on the code when the machine
//! changed.

use crate::evidence::{Component, Report, RunInfo};
use crate::format;
use crate::pairing::Matching;

/// Everything beside the code that two runs may differ in, as `what: before → after`. That they are
/// compared across providers comes first.
pub(crate) fn caveats(before: &Report, after: &Report) -> Vec<String> {
    let (old, new) = (&before.run, &after.run);
    let mut caveats = Vec::new();
    let across = Matching::new(before, after).across();
    if let Some((from, to)) = across {
        caveats.push(format!(
            "compared across providers: {from} → {to}; a number may differ by that alone"
        ));
    }
    let mut note = |what: &str, old: String, new: String| {
        if old != new {
            caveats.push(format!("{what}: {old} → {new}"));
        }
    };
    note("host", host(old), host(new));
    note("build profile", old.profile.clone(), new.profile.clone());
    note("stack", old.stack.clone(), new.stack.clone());
    if across.is_none() {
        note(
            "providers",
            old.providers.names(", "),
            new.providers.names(", "),
        );
    }
    note("length (--for)", length(old), length(new));
    note("seed", old.seed.to_string(), new.seed.to_string());
    for component in &after.components {
        let provenance = &component.provenance;
        let Some(earlier) = counterpart(before, after, component) else {
            continue;
        };
        let earlier = &earlier.provenance;
        note(
            &provenance.name,
            earlier.version.clone(),
            provenance.version.clone(),
        );
        // The same version built in another way is another binary.
        if earlier.version == provenance.version && earlier.sha256 != provenance.sha256 {
            note(
                &provenance.name,
                earlier.source.clone(),
                provenance.source.clone(),
            );
        }
    }
    caveats
}

/// What keeps numbers of the two runs from being held against each other: what they were measured on is
/// not the same. Verdicts can be compared all the same.
pub(crate) fn incomparable(before: &Report, after: &Report) -> Vec<&'static str> {
    let (old, new) = (&before.run, &after.run);
    let differs = [
        (
            "the provider",
            Matching::new(before, after).across().is_some(),
        ),
        ("the machine", machine(old) != machine(new)),
        ("the build profile", old.profile != new.profile),
        ("the stack", old.stack != new.stack),
        ("the length (--for)", length(old) != length(new)),
    ];
    let differing = differs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(what, _)| what).collect()
}

fn host(run: &RunInfo) -> String {
    format!("{}, {}", run.host.kernel, machine(run))
}

/// Memory to a tenth of a gigabyte: two machines of one kind differ by a few kilobytes.
fn machine(run: &RunInfo) -> String {
    let host = &run.host;
    let memory = format::bytes(host.memory_bytes);
    format!("{} × {}, {memory}", host.cores, host.cpu)
}

/// How long the run was told to watch; the scenarios' own length where it was told nothing.
fn length(run: &RunInfo) -> String {
    let mut arguments = run.command.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--for" {
            return arguments.next().cloned().unwrap_or_default();
        }
        if let Some(length) = argument.strip_prefix("--for=") {
            return length.to_owned();
        }
    }
    "default".to_owned()
}

/// The component of the same name on the same provider, or across the two that are compared.
fn counterpart<'a>(
    before: &'a Report,
    after: &Report,
    component: &Component,
) -> Option<&'a Component> {
    let across = Matching::new(before, after).across().is_some();
    before.components.iter().find(|earlier| {
        earlier.provenance.name == component.provenance.name
            && (across || before.runner_of(earlier) == after.runner_of(component))
    })
}
