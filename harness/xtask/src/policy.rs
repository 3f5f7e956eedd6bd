//! What the rules allow, in one place, each entry with its reason.

/// Who may depend on which members.
#[derive(Debug)]
pub(crate) struct Edges {
    pub(crate) from: &'static str,
    pub(crate) to: &'static [&'static str],
    pub(crate) because: &'static str,
}

pub(crate) const EDGES: &[Edges] = &[
    Edges {
        from: "gauntlet-contract",
        to: &[],
        because: "the wire truth stands on nothing of ours",
    },
    Edges {
        from: "gauntlet-domain",
        to: &["gauntlet-contract"],
        because: "decisions are made in the words of the contract and know no backend",
    },
    Edges {
        from: "gauntlet-ports",
        to: &["gauntlet-contract"],
        because: "ports carry envelopes and know neither decisions nor backends",
    },
    Edges {
        from: "gauntlet-adapters",
        to: &["gauntlet-ports", "gauntlet-contract"],
        because: "a backend must be replaceable without touching a decision",
    },
    Edges {
        from: "gauntlet-services",
        to: &[
            "gauntlet-adapters",
            "gauntlet-ports",
            "gauntlet-domain",
            "gauntlet-contract",
        ],
        because: "the services put the system together and must not know that they are judged",
    },
    Edges {
        from: "gauntlet-reports",
        to: &[],
        because: "evidence must stay readable without the code that gathered it",
    },
    Edges {
        from: "gauntlet-loadgen",
        to: &["gauntlet-reports", "gauntlet-contract"],
        because: "the judge's side shares only the wire truth with the defendant",
    },
    Edges {
        from: "testcontainers-dapr",
        to: &[],
        because: "it is to be of use outside of this project",
    },
    Edges {
        from: "gauntlet-harness",
        to: &[
            "gauntlet-reports",
            "gauntlet-contract",
            "testcontainers-dapr",
        ],
        because: "the judge must not inherit the defendant's bugs, and does not make its own load",
    },
    Edges {
        from: "gauntlet-scenarios",
        to: &[
            "gauntlet-harness",
            "gauntlet-loadgen",
            "gauntlet-reports",
            "gauntlet-contract",
        ],
        because: "a scenario sees the system as a process, never as a library",
    },
    Edges {
        from: "gauntlet-xtask",
        to: &[],
        because: "the rules must run when nothing else compiles",
    },
];

/// What the development dependencies of a member may reach beyond [`EDGES`]: nothing of it is shipped.
pub(crate) const TEST_EDGES: &[Edges] = &[Edges {
    from: "gauntlet-adapters",
    to: &["gauntlet-harness"],
    because: "its tests need real backends, and the harness is the one that obtains and supervises them",
}];

/// Members that must build without an async runtime, and what counts as one.
pub(crate) const RUNTIME_FREE: &[&str] =
    &["gauntlet-contract", "gauntlet-domain", "gauntlet-reports"];
pub(crate) const RUNTIMES: &[&str] = &["tokio", "async-std", "smol"];

/// Client crates of backends, and the folders whose code may name them.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) allowed_in: &'static [&'static str],
}

const BROKER_CLIENTS_IN: &[&str] = &[
    "system/adapters",
    "harness/src/observe",
    "harness/src/component",
];

pub(crate) const CLIENTS: &[Client] = &[
    Client {
        name: "rdkafka",
        allowed_in: BROKER_CLIENTS_IN,
    },
    Client {
        name: "redis",
        allowed_in: BROKER_CLIENTS_IN,
    },
    Client {
        name: "tonic",
        allowed_in: BROKER_CLIENTS_IN,
    },
    Client {
        name: "sqlx",
        // Wiring builds the pool that it hands to the adapters.
        allowed_in: &[
            "system/adapters",
            "system/services/src/wiring",
            "harness/src/observe",
            "harness/src/component",
        ],
    },
    Client {
        name: "testcontainers",
        allowed_in: &[
            "harness/src/provider/containers",
            "harness/src/image",
            "harness/testcontainers-dapr",
            "harness/tests/it/containers",
        ],
    },
];

/// A file that may do what a rule forbids elsewhere. An entry that nothing needs is itself a violation.
#[derive(Debug)]
pub(crate) struct Exception {
    pub(crate) path: &'static str,
    pub(crate) because: &'static str,
}

/// Files that may sleep.
pub(crate) const SLEEPS: &[Exception] = &[
    Exception {
        path: "harness/src/observe/wait.rs",
        because: "the one place that polls stores, under a deadline and no faster than they answer",
    },
    Exception {
        path: "harness/src/store/kafka_dump.rs",
        because: "it polls a broker that cannot call back, under a deadline",
    },
    Exception {
        path: "harness/src/store/tool.rs",
        because: "it polls a tool whose pipes are closed and which has not ended, under a deadline",
    },
    Exception {
        path: "scenarios/src/cli/wait.rs",
        because: "it waits for another process that cannot call back, under a deadline",
    },
    Exception {
        path: "loadgen/src/engine.rs",
        because: "snapshots of a running load are taken by the clock",
    },
    Exception {
        path: "system/adapters/tests/it/invocation.rs",
        because: "its callers go away at chosen moments of an answer",
    },
    Exception {
        path: "loadgen/src/pacer.rs",
        because: "open-loop load is offered by the clock",
    },
    Exception {
        path: "loadgen/tests/it/stall.rs",
        because: "the stall has a length, which is what the test is about",
    },
    Exception {
        path: "system/adapters/src/redis/consumer.rs",
        because: "it backs off from a server that is gone, and polls entries that Redis does not announce",
    },
    Exception {
        path: "system/ports/src/invocation/persistent.rs",
        because: "it backs off from a callee that is gone, within the caller's deadline",
    },
    Exception {
        path: "system/services/src/relay/marker.rs",
        because: "it backs off from a database that is gone",
    },
    Exception {
        path: "system/services/src/relay/publish.rs",
        because: "it backs off from a broker that refuses, until told to stop",
    },
    Exception {
        path: "system/ports/src/testsuite/messaging/memory.rs",
        because: "a refused delivery comes back after a pause, as a broker's does",
    },
];

/// Package registries and mirrors, label by label, so that this file does not name one itself. Their
/// clients know where they are; a host in the repository would tie a checkout to one network.
pub(crate) const REGISTRY_HOSTS: &[&[&str]] = &[
    &["crates", "io/"],
    &["static", "crates", "io"],
    &["index", "crates", "io"],
    &["pypi", "org"],
    &["files", "pythonhosted", "org"],
    &["proxy", "golang", "org"],
    &["sum", "golang", "org"],
    &["goproxy", "io"],
    &["repo1", "maven", "org"],
    &["repo", "maven", "apache", "org"],
    &["registry", "npmjs", "org"],
    &["deb", "debian", "org"],
    &["registry-1", "docker", "io"],
];

/// Files and folders whose code may make processes.
pub(crate) const SPAWNS: &[Exception] = &[
    Exception {
        path: "scenarios/src/cli/up.rs",
        because: "the process that holds a stack has to outlive the command that starts it",
    },
    Exception {
        path: "harness/src/provider",
        because: "it supervises what it makes",
    },
    Exception {
        path: "scenarios/src/host.rs",
        because: "it asks git for the commit that the report names",
    },
    Exception {
        path: "harness/xtask/src",
        because: "it asks git for the list of files",
    },
];
