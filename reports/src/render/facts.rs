//! Facts of a run in words, the same in every rendering.

use std::path::Path;

use crate::evidence::{ExitStatus, Finding, Report, TimelineKind, Violations};
use crate::{format, summary};

/// The run's exit status, with the scenarios that the caller allowed to be left out.
pub(super) fn exit_status(report: &Report) -> ExitStatus {
    report.exit_status(&report.run.allowed_not_run)
}

/// The exit code with its meaning and what was not run, for renderings without room for the whole
/// table of codes.
pub(super) fn exit_sentence(report: &Report) -> String {
    let status = exit_status(report);
    let conclusion = summary::conclusion(report, status);
    format!("Exit code {}: {conclusion}", status.code())
}

/// One line that says which run this is.
pub(super) fn subtitle(report: &Report) -> String {
    let run = &report.run;
    format!(
        "{} · {} · {} stack · seed {} · {} · {} build",
        run.id,
        format::instant(run.started),
        run.stack,
        run.seed,
        commit(report, Commit::Short),
        run.profile,
    )
}

/// Name and value of everything that a reader needs to get the same run again.
pub(super) fn run(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let host = &run.host;
    // The wall clock of the whole command, set-up included; scenarios state their own.
    let took = run.finished.duration_since(run.started).as_secs_f64();
    let mut facts = vec![
        ("Replay", replay(report)),
        ("Typed as", shell_line(&run.command)),
        ("Seed", run.seed.to_string()),
        ("gauntlet", run.version.clone()),
        ("Commit", commit(report, Commit::Full)),
        ("Build profile", run.profile.clone()),
        ("Stack", run.stack.clone()),
    ];
    facts.extend(providers(report).map(|told| ("Provider", told)));
    facts.extend([
        (
            "Host",
            format!(
                "{}, {}, {} × {}, {} memory",
                host.os,
                host.kernel,
                host.cores,
                host.cpu,
                format::bytes(host.memory_bytes)
            ),
        ),
        ("Started", format::instant(run.started)),
        (
            "Finished",
            format!(
                "{} (took {})",
                format::instant(run.finished),
                format::span(took)
            ),
        ),
        ("Schema", report.schema.clone()),
    ]);
    facts
}

/// Which providers, each with the reason why.
fn providers(report: &Report) -> impl Iterator<Item = String> {
    let infos = report.run.providers.iter();
    infos.map(|info| format!("{}: {}", info.name, info.reason))
}

/// The command line that makes the same random choices again, on the same providers.
pub(super) fn replay(report: &Report) -> String {
    let run = &report.run;
    let program = run
        .command
        .first()
        .and_then(|path| Path::new(path).file_name());
    let arguments = run.command.get(1..).unwrap_or_default();
    let from_checkout = run.commit.is_some();
    let mut line: Vec<String> = match program {
        // From a checkout the alias is what works, wherever the binary was built.
        _ if from_checkout => vec!["cargo".to_owned(), "gauntlet".to_owned()],
        Some(program) => vec![program.to_string_lossy().into_owned()],
        None => vec!["gauntlet".to_owned()],
    };
    if arguments.first().is_some_and(|argument| argument == "run") {
        line.extend(without_seed(arguments));
    } else {
        // A test binary started this run: name what it ran instead.
        line.push("run".to_owned());
        for scenario in &report.scenarios {
            if !line.contains(&scenario.id) {
                line.push(scenario.id.clone());
            }
        }
        line.extend(["--stack".to_owned(), run.stack.clone()]);
    }
    // What another machine would choose by itself may be another provider.
    let names_provider = |argument: &String| argument.split('=').next() == Some("--provider");
    if !line.iter().any(names_provider) {
        line.extend(["--provider".to_owned(), run.providers.names(",")]);
    }
    line.extend(["--seed".to_owned(), run.seed.to_string()]);
    shell_line(&line)
}

/// The arguments without the seed that was typed: the recorded one takes its place.
fn without_seed(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            // Its value goes with it.
            "--seed" => drop(rest.next()),
            other if other.starts_with("--seed=") => {}
            other => kept.push(other.to_owned()),
        }
    }
    kept
}

/// A line that a shell reads back as the same arguments.
fn shell_line(arguments: &[String]) -> String {
    // What no shell gives a meaning to; anything else is quoted.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    let quoted = arguments.iter().map(|argument| {
        if !argument.is_empty() && argument.chars().all(plain) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy)]
enum Commit {
    Short,
    Full,
}

/// Changes that no commit holds are named beside it: such a run cannot be built again.
fn commit(report: &Report, length: Commit) -> String {
    let run = &report.run;
    let Some(commit) = &run.commit else {
        return "no commit (not built in a checkout)".to_owned();
    };
    let shown: String = match length {
        Commit::Short => commit.chars().take(10).collect(),
        Commit::Full => commit.clone(),
    };
    if run.dirty {
        format!("{shown} + uncommitted changes")
    } else {
        shown
    }
}

/// `check` or `check (lane)`.
pub(super) fn finding_name(finding: &Finding) -> String {
    match finding.lane.as_str() {
        "" => finding.check.clone(),
        lane => format!("{} ({lane})", finding.check),
    }
}

/// How much the check looked at, of how much there was to look at.
pub(super) fn examined(finding: &Finding) -> String {
    format!(
        "{} of {}",
        format::count(finding.examined),
        format::count(finding.expected)
    )
}

/// How many there are, and how many of them the sample shows.
pub(super) fn violation_count(violations: &Violations) -> String {
    let shown = violations.shown.len() as u64;
    let total = format::plural(violations.total, "violation");
    if shown < violations.total {
        format!("{total}, {} shown", format::count(shown))
    } else {
        total
    }
}

pub(super) fn kind_word(kind: TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Phase => "phase",
        TimelineKind::Fault => "fault",
        TimelineKind::Heal => "heal",
        TimelineKind::Note => "note",
    }
}
