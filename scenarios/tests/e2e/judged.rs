//! Runs one scenario by itself. It has to be judged, and to meet what was asked.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::evidence::{fresh_evidence, providers, read_report};
use crate::gauntlet::{PROVIDER, as_is, stderr, stdout};
use crate::machine::alone;

/// Scenarios that are not run in containers, which cannot reach what they need on this machine.
const ON_PROCESSES_ALONE: [&str; 1] = ["tracing"];

/// On the provider that the environment names, or on what is chosen. Leaves its evidence in a folder that
/// is named by the scenario and by what it ran on.
pub(crate) fn run_scenario(name: &str) {
    let _alone = alone();
    let running = fresh_evidence(&format!("scenario-{name}"));
    let output = as_is(&["run", name, "--reports"])
        .arg(&running)
        .output()
        .expect("gauntlet can be executed");
    let said = format!("{}\n{}", stderr(&output), stdout(&output));
    assert!(running.join("latest/report.json").is_file(), "{said}");
    let report = read_report(&running);
    let folder = named_by_provider(&running, name, &report);
    if ON_PROCESSES_ALONE.contains(&name) && providers(&report) == ["containers"] {
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(report["scenarios"][0]["outcome"]["state"], "not_run");
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{said}");
    require_provider(&report);
    // What took how long is told on the terminal and in the summary for people.
    assert!(said.contains("services ready; slowest: "), "{said}");
    let summary = fs::read_to_string(folder.join("latest/report.md")).expect("a summary");
    assert!(summary.contains("| kafka: ready | "), "{summary}");
    for scenario in report["scenarios"].as_array().expect("scenarios") {
        require_pass(scenario);
    }
}

/// The folder under its last name, which is known when the provider is. What the run printed names the
/// first one, which leads there.
fn named_by_provider(running: &Path, name: &str, report: &Value) -> PathBuf {
    let providers = providers(report).join("-");
    let folder = fresh_evidence(&format!("scenario-{name}-{providers}"));
    fs::rename(running, &folder).expect("renamed");
    symlink(&folder, running).expect("linked");
    folder
}

/// The report says what it ran on, that this is what was asked for, and else why it was chosen.
fn require_provider(report: &Value) {
    let told = &report["run"]["providers"];
    let reasons = told.as_array().expect("providers").iter();
    let reasons: Vec<&str> = reasons.filter_map(|it| it["reason"].as_str()).collect();
    let Ok(asked) = env::var(PROVIDER) else {
        let expected = match providers(report)[..] {
            ["containers"] => "a container engine answers",
            ["process"] => "not containers: ",
            _ => panic!("neither one nor the other: {told:#}"),
        };
        assert!(reasons[0].starts_with(expected), "{told:#}");
        return;
    };
    assert_eq!(providers(report).join(","), asked, "{told:#}");
    for reason in reasons {
        assert!(reason.starts_with("asked for"), "{told:#}");
    }
}

fn require_pass(scenario: &Value) {
    assert_eq!(scenario["outcome"]["state"], "judged", "{scenario:#}");
    let findings = scenario["findings"].as_array().expect("findings");
    assert!(!findings.is_empty(), "{scenario:#}");
    for finding in findings {
        assert_eq!(finding["asked"]["verdict"], "pass", "{finding:#}");
    }
}
