//! One report that has a pass, a fail, an inconclusive, an abort and a scenario that was not run, and
//! whose evidence quotes markup, as evidence of a web service does.

mod both;
mod parts;
mod scenarios;

use gauntlet_reports::evidence::{Component, Host, Provenance, Providers, Report, RunInfo, SCHEMA};

pub(crate) use both::both;
use parts::timing;
pub(crate) use parts::{finding, goal, quantity};
use scenarios::{aborted, burst, crash, latency, memory};

/// Text that would run, or break the page, if any renderer forgot to escape it.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script> | & ' ]]> \u{1b}[31m";

const NO_ENGINE: &str = "no container engine answers; children of the harness need none";

pub(crate) fn report() -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        run: run(),
        components: components(),
        scenarios: vec![burst(), latency(), crash(), aborted(), memory()],
    }
}

fn run() -> RunInfo {
    RunInfo {
        id: "2026-03-14-0926-7f3a".to_owned(),
        started: "2026-03-14T09:26:53Z".parse().expect("a valid instant"),
        finished: "2026-03-14T09:30:41Z".parse().expect("a valid instant"),
        seed: 31_415_926_535,
        command: [
            "target/release/gauntlet",
            "run",
            "--seed",
            "7",
            "--stack=full",
        ]
        .map(str::to_owned)
        .to_vec(),
        version: "0.1.0".to_owned(),
        commit: Some("3c0ffee5a1ad0123456789abcdef0123456789ab".to_owned()),
        dirty: true,
        profile: "release".to_owned(),
        stack: "full".to_owned(),
        providers: Providers::one("process", NO_ENGINE),
        host: Host {
            os: "Debian GNU/Linux 12".to_owned(),
            kernel: "Linux 6.1.0".to_owned(),
            cpu: "AMD EPYC 7B13".to_owned(),
            cores: 2,
            memory_bytes: 8_345_678_901,
        },
        timings: vec![
            timing("fetch, all from the cache", 0.31),
            timing("stack ready", 8.72),
        ],
        allowed_not_run: vec!["sidecar-memory".to_owned()],
        broken: None,
    }
}

fn components() -> Vec<Component> {
    let component = |name: &str, version: &str, source: &str, how: &str, size_bytes| Component {
        provenance: Provenance {
            name: name.to_owned(),
            version: version.to_owned(),
            source: source.to_owned(),
            how: how.to_owned(),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            size_bytes,
            path: format!("~/.cache/gauntlet/{name}-{version}"),
        },
        provider: "process".to_owned(),
    };
    vec![
        component(
            "kafka",
            "4.1.0",
            "maven",
            "assembled from the published jars",
            118_349_999,
        ),
        component(
            "postgres",
            "17.6",
            "PATH",
            "the system's own package",
            9_876_543,
        ),
        component(
            "daprd",
            "1.16.0",
            "go module",
            "built from source, stable components",
            187_400_000,
        ),
    ]
}
