//! The build descriptions under `harness/build`, embedded so that the binary works outside a checkout.

use super::error::{StoreError, StoreErrorKind};

/// One Go module: its files by their path in the module.
pub(super) type GoModule = &'static [(&'static str, &'static str)];

const DAPRD: GoModule = &[
    ("go.mod", include_str!("../../build/daprd/go.mod")),
    ("go.sum", include_str!("../../build/daprd/go.sum")),
    ("main.go", include_str!("../../build/daprd/main.go")),
    (
        "placement/main.go",
        include_str!("../../build/daprd/placement/main.go"),
    ),
];

const SCHEDULER: GoModule = &[
    ("go.mod", include_str!("../../build/scheduler/go.mod")),
    ("go.sum", include_str!("../../build/scheduler/go.sum")),
    ("main.go", include_str!("../../build/scheduler/main.go")),
];

pub(super) fn go_module(name: &str) -> Result<GoModule, StoreError> {
    match name {
        "daprd" => Ok(DAPRD),
        "scheduler" => Ok(SCHEDULER),
        _ => Err(unknown(name)),
    }
}

pub(super) fn pom(name: &str) -> Result<&'static str, StoreError> {
    match name {
        "kafka" => Ok(include_str!("../../build/kafka/pom.xml")),
        "postgres" => Ok(include_str!("../../build/postgres/pom.xml")),
        "redis" => Ok(include_str!("../../build/redis/pom.xml")),
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Config,
        format!("find the build description '{name}'"),
        "mend harness/components.toml and build again",
    )
}
