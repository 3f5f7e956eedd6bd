//! The system under test: its one binary, and the plan of each of its processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_reports::Provenance;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::digest::sha256_hex;
use super::runnable::{Origin, Runnable};
use super::site::{Listener, Site};
use crate::error::{StackError, StackErrorKind};
use crate::provider::process::tether;
use crate::provider::{Endpoint, HttpProbe, Limits, Mount, ServiceId, ServiceSpec, StopSignal};

const BINARY: &str = "todo";
/// A test that is built in seconds. With it among the targets cargo chooses the features of dependencies as for
/// `cargo test --features e2e`, and finds all of them built.
const SMALL_TEST: &str = "contract";
/// It is up in 0.2 s; with a sidecar it is ready when that is.
const READY_WITHIN: Duration = Duration::from_secs(40);
/// Some 30 MB in use.
const LIMITS: Limits = Limits::memory_mib(256);
/// Lines of a failed build that are worth showing.
const BUILD_LINES_KEPT: usize = 30;

/// The system's binary, found or built.
#[derive(Debug, Clone)]
pub struct SystemBinary {
    pub path: PathBuf,
    pub provenance: Provenance,
}

impl SystemBinary {
    pub fn runnable(&self) -> Runnable {
        Runnable {
            version: self.provenance.version.clone(),
            entry: self.path.clone(),
            origin: Origin::Built,
            on_disk: Some(self.path.clone()),
            provenance: self.provenance.clone(),
        }
    }
}

/// Where to take the system's binary from.
#[derive(Debug, Clone)]
pub enum SystemSource {
    /// Built from the checkout that the harness was built from, where that is still there; else the
    /// file beside the harness's executable.
    Auto,
    At(PathBuf),
    /// Obtained before, so that several stacks of one run need not ask again.
    Obtained(SystemBinary),
}

impl SystemSource {
    /// Finds the binary, or builds it in the harness's own profile. `progress` gets a line at a time;
    /// `shim` is the executable that answers to `exec-child`. A harness with debug assertions is taken for one
    /// that `cargo test` has built: its system has the features that tests need, too.
    ///
    /// In a checkout it is always built, because what lies there may be of yesterday's code; with
    /// nothing to do that takes under a second.
    pub async fn obtain(
        &self,
        shim: &Path,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<SystemBinary, StackError> {
        if let Self::Obtained(binary) = self {
            return Ok(binary.clone());
        }
        if let Self::At(path) = self {
            return describe(
                path.clone(),
                "configured path",
                "named by the user".to_owned(),
            );
        }
        let harness = std::env::current_exe().map_err(|error| {
            StackError::io("find", Path::new("the harness's own executable"), error)
        })?;
        if let Some(checkout) = Checkout::of(&harness) {
            let path = checkout.build(shim, progress).await?;
            return describe(path, "checkout", Build::OWN.how.to_owned());
        }
        let beside = harness.with_file_name(BINARY);
        if !beside.is_file() {
            let what = format!("find the system's binary {}", beside.display());
            let mend = "install `todo` beside `gauntlet`, or run `cargo gauntlet` in a checkout";
            return Err(StackError::new(StackErrorKind::Build, what, mend));
        }
        describe(
            beside,
            "installation",
            "found beside the harness's executable".to_owned(),
        )
    }
}

/// A source tree, and the target directory that the harness was built into.
struct Checkout {
    root: PathBuf,
    target: PathBuf,
}

impl Checkout {
    fn of(harness: &Path) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.to_owned();
        let target = harness
            .ancestors()
            // Cargo keeps it in every target directory, however that was made.
            .find(|dir| dir.join(".rustc_info.json").is_file())?
            .to_owned();
        root.join("system/services/Cargo.toml")
            .is_file()
            .then_some(Self { root, target })
    }

    async fn build(
        &self,
        shim: &Path,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<PathBuf, StackError> {
        progress("building the system (cargo build)");
        let mut command = Command::from(tether::command(shim, "cargo"));
        // As the harness itself is built, without `--package`: the crates that both share are then built once,
        // with the same features.
        command
            .args(["build", "--bin", BINARY, "--color", "never"])
            .args(Build::OWN.args)
            .arg("--target-dir")
            .arg(&self.target)
            .current_dir(&self.root)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let failed = |what: &str| {
            let mend = format!(
                "run `cargo build --bin {BINARY}` in {}",
                self.root.display()
            );
            StackError::new(StackErrorKind::Build, what, mend)
        };
        let mut child = command
            .spawn()
            .map_err(|error| failed("run cargo for the system").because(error))?;
        // Cargo and its compilers live as long as this, also where nobody waits for them any more.
        let line = child.stdin.take();
        let mut kept = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                progress(line.trim());
                kept.push(line);
            }
        }
        let status = child
            .wait()
            .await
            .map_err(|error| failed("build the system").because(error))?;
        drop(line);
        if !status.success() {
            kept.drain(..kept.len().saturating_sub(BUILD_LINES_KEPT));
            return Err(failed("build the system")
                .with_exit(status.into())
                .with_output(kept));
        }
        Ok(self.target.join(Build::OWN.folder).join(BINARY))
    }
}

/// How the harness was built, and how the system therefore is.
struct Build {
    /// What cargo is told beside the binary.
    args: &'static [&'static str],
    /// Of cargo's target directory.
    folder: &'static str,
    /// For the report.
    how: &'static str,
}

impl Build {
    const OWN: Self = if cfg!(debug_assertions) {
        Self::AS_TESTS
    } else {
        Self::RELEASE
    };
    const AS_TESTS: Self = Self {
        args: &["--features", "e2e", "--test", SMALL_TEST],
        folder: "debug",
        how: "cargo build, debug profile with the features of the tests, from the checkout",
    };
    const RELEASE: Self = Self {
        args: &["--release"],
        folder: "release",
        how: "cargo build, release profile, from the checkout",
    };
}

fn describe(path: PathBuf, source: &str, how: String) -> Result<SystemBinary, StackError> {
    let bytes = fs::read(&path)
        .map_err(|error| StackError::io("read the system's binary", &path, error))?;
    let sha256 = sha256_hex(&bytes);
    let provenance = Provenance {
        name: BINARY.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: source.to_owned(),
        how,
        sha256,
        size_bytes: bytes.len() as u64,
        path: path.display().to_string(),
    };
    Ok(SystemBinary { path, provenance })
}

/// What one process of the system is told. Its environment may hold secrets, and is not for display.
#[derive(Debug, Clone)]
pub struct AppPlan {
    pub id: ServiceId,
    pub role: Role,
    pub http: Listener,
    pub env: Vec<(String, String)>,
    /// The key set that tokens are verified with.
    pub jwks: PathBuf,
    pub working_dir: PathBuf,
}

/// The plan of one process.
pub fn app(system: &Runnable, plan: AppPlan, site: &Site) -> ServiceSpec {
    let mut env = plan.env;
    let mut set = |name: &str, value: String| env.push((name.to_owned(), value));
    set("ROLE", plan.role.as_str().to_owned());
    set("HTTP_ADDR", plan.http.bind.to_string());
    set("JWT_JWKS_FILE", plan.jwks.display().to_string());
    let mounts = vec![
        Mount::read_only(plan.jwks),
        Mount::read_only(&plan.working_dir),
    ];
    let address = plan.http.harness;
    ServiceSpec {
        id: plan.id,
        program: system.entry.clone(),
        package: system.package(mounts, vec![plan.http.port()], LIMITS),
        args: vec!["--role".to_owned(), plan.role.as_str().to_owned()],
        env,
        working_dir: plan.working_dir,
        run_as: site.provider.run_as(),
        endpoints: vec![Endpoint::new("http", format!("http://{address}"))],
        readiness: Arc::new(HttpProbe::new(format!("http://{address}/health/ready"))),
        ready_within: READY_WITHIN,
        stop_signal: StopSignal::Term,
        provenance: Some(system.provenance.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_test_that_a_build_for_tests_asks_for_exists() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../system/contract/Cargo.toml");
        let manifest: toml::Value = toml::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
        assert_eq!(manifest["test"][0]["name"].as_str(), Some(SMALL_TEST));
    }
}
