//! Mistakes at the start: one line that names the mend, and an exit code that is not zero.

use std::net::TcpListener;
use std::process::{Command, Output};

/// Complete but for what a test changes. Nothing listens on port 1, and no test gets that far.
const COMPLETE: [(&str, &str); 9] = [
    ("ROLE", "api"),
    ("HTTP_ADDR", "127.0.0.1:0"),
    ("DATABASE_URL", "postgres://user:hunter2@127.0.0.1:1/todo"),
    ("SERVICE_TOKEN", "hunter2-hunter2-hunter2-hunter2-"),
    ("APP_API_TOKEN", "hunter2-hunter2-hunter2-hunter2_"),
    ("USE_DAPR", "true"),
    ("JWT_JWKS_FILE", "/nowhere/jwks.json"),
    ("JWT_ISSUER", "issuer"),
    ("JWT_AUDIENCE", "audience"),
];

/// Runs the binary in an environment that holds nothing but what is given.
fn start(changes: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_todo"))
        .env_clear()
        .envs(COMPLETE)
        .envs(changes.iter().copied())
        .output()
        .unwrap()
}

fn complaint(changes: &[(&str, &str)]) -> String {
    let output = start(changes);
    assert!(!output.status.success(), "{changes:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.starts_with("error: "), "{complaint}");
    assert!(!complaint.contains("hunter2"), "{complaint}");
    complaint
}

#[test]
fn every_mistake_names_the_variable_to_mend() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (changes, mend) in [
        (&[][..], "JWT_JWKS_FILE"),
        (&[("ROLE", "cook")], "api, recurring, audit"),
        (&[("USE_DAPR", "false")], "BROKER"),
        (
            &[("USE_DAPR", "false"), ("BROKER", "kafka")],
            "KAFKA_BROKERS",
        ),
        // Before the secrets a role that sees users' tokens would miss the keys.
        (
            &[
                ("ROLE", "recurring"),
                ("USE_DAPR", "false"),
                ("BROKER", "redis"),
            ],
            "REDIS_URL",
        ),
        (
            &[("ROLE", "recurring"), ("SERVICE_TOKEN", "")],
            "SERVICE_TOKEN",
        ),
        (
            &[("ROLE", "recurring"), ("SERVICE_TOKEN", "hunter2")],
            "SERVICE_TOKEN",
        ),
        (
            &[("ROLE", "recurring"), ("APP_API_TOKEN", "")],
            "APP_API_TOKEN (needed by recurring)",
        ),
        (
            &[("ROLE", "recurring"), ("APP_API_TOKEN", "hunter2")],
            "APP_API_TOKEN",
        ),
        (&[("SECRET_STORES", "vault:todo")], "dapr:NAME"),
        (&[("STATE_BACKEND", "etcd")], "postgres, redis"),
        (&[("USE_DAPR", "perhaps")], "true, false"),
        (&[("TOPIC_PREFIX", "a/b")], "letters, digits"),
        (&[("DRAIN_TIMEOUT", "soon")], "30s"),
        (&[("OUTBOX_RETENTION", "0")], "`off`"),
        (&[("LOG_FORMAT", "xml")], "json, text"),
        (&[("RUST_LOG", "!!")], "RUST_LOG"),
        (&[("HTTP_ADDR", "localhost")], "HTTP_ADDR"),
        (
            &[("HTTP_ADDR", address.as_str())],
            "HTTP_ADDR to a free port",
        ),
    ] {
        let complaint = complaint(changes);
        let flag = mend.to_lowercase().replace('_', "-");
        // clap names a variable by its flag.
        let names_it = complaint.contains(mend) || complaint.contains(&flag);
        assert!(names_it, "{mend} is missing in: {complaint}");
    }
}

#[test]
fn help_lists_every_variable() {
    let output = Command::new(env!("CARGO_BIN_EXE_todo"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let others = [
        "DAPR_HTTP_URL",
        "PUBSUB_NAME",
        "BROKER",
        "KAFKA_BROKERS",
        "REDIS_URL",
    ];
    let more = [
        "STATE_STORE",
        "STATE_BACKEND",
        "SECRET_STORES",
        "API_URL",
        "TOPIC_PREFIX",
        "OUTBOX_RETENTION",
        "DRAIN_TIMEOUT",
        "LOG_FORMAT",
        "RUST_LOG",
    ];
    for name in COMPLETE
        .iter()
        .map(|(name, _)| name)
        .chain(&others)
        .chain(&more)
    {
        assert!(help.contains(name), "{name} is missing in: {help}");
    }
}

/// What the command for the way back complains of in an environment with these variables alone.
fn refusal_to_go_back(args: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_todo"))
        .arg("migrate")
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{args:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!complaint.contains("hunter2"), "{complaint}");
    complaint
}

#[test]
fn the_way_back_needs_a_version_and_a_database_and_nothing_else() {
    let mut complete = COMPLETE.into_iter();
    let nowhere = complete.find(|(name, _)| *name == "DATABASE_URL").unwrap();
    for (args, variables, mend) in [
        (&[][..], &[nowhere][..], "--to"),
        (&["--to", "the-last"], &[nowhere], "--to"),
        (&["--to", "3"], &[], "set DATABASE_URL"),
        (&["--to", "3"], &[nowhere], "does DATABASE_URL name it?"),
    ] {
        let complaint = refusal_to_go_back(args, variables);
        assert!(
            complaint.contains(mend),
            "{mend} is missing in: {complaint}"
        );
    }
}
