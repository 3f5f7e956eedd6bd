//! Building our own Go modules. Downloads and compiled packages live in scratch space that several
//! builds of one fetch share, and that is removed with it: they grow to 4.6 GB.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::toolchain;
use crate::store::build_files;
use crate::store::cache::{Cache, Scratch, create_dir};
use crate::store::config::StoreConfig;
use crate::store::digest::{self, hex};
use crate::store::error::StoreError;
use crate::store::manifest::GoBuild;
use crate::store::progress::Reporter;
use crate::store::tool::{Said, Tool};

/// daprd took 256 s on two idle cores; a shared runner may be eight times slower.
const BUILD_LIMIT: Duration = Duration::from_mins(40);
const VERSION_LIMIT: Duration = Duration::from_secs(20);
const NOTE_EVERY: Duration = Duration::from_secs(10);
/// What one compiler or the linker of daprd takes at its peak; bounds the parallelism.
const MEMORY_PER_JOB_KB: u64 = 1_500_000;

/// Identifies a build's inputs apart from the compiler: the module's files and the flags.
pub(in crate::store) fn inputs(build: &GoBuild, version: &str) -> Result<String, StoreError> {
    let mut hasher = Sha256::new();
    for (path, text) in build_files::go_module(&build.module)? {
        hasher.update(format!("{path} {}\n{text}", text.len()));
    }
    for flag in flags(build, version) {
        hasher.update(format!("{flag}\n"));
    }
    Ok(hex(&hasher.finalize()))
}

/// The version of the Go on the search path, read from its installation without running it.
pub(in crate::store) fn installed(config: &StoreConfig) -> Option<String> {
    let go = fs::canonicalize(config.find("go")?).ok()?;
    let version = fs::read_to_string(go.parent()?.parent()?.join("VERSION")).ok()?;
    version.lines().next().map(|line| line.trim().to_owned())
}

/// The place where the builds of one fetch happen, one after the other.
#[derive(Debug)]
pub(in crate::store) struct Workshop<'a> {
    config: &'a StoreConfig,
    cache: &'a Cache,
    /// Made with the first build: most fetches need none.
    scratch: OnceLock<Scratch>,
}

/// How an executable came to be.
#[derive(Debug)]
pub(in crate::store) struct Built {
    /// The compiler that really ran: Go may have fetched a newer one of itself.
    pub(in crate::store) toolchain: String,
    /// For the provenance.
    pub(in crate::store) how: String,
}

impl<'a> Workshop<'a> {
    pub(in crate::store) fn new(config: &'a StoreConfig, cache: &'a Cache) -> Self {
        Self {
            config,
            cache,
            scratch: OnceLock::new(),
        }
    }

    /// Removes the caches now and tells their size in bytes, where there were any.
    pub(in crate::store) fn clear(self) -> Option<u64> {
        self.scratch
            .into_inner()
            .map(|scratch| digest::tree_size(scratch.path()))
    }

    /// Builds the executable `target`.
    pub(in crate::store) fn build(
        &self,
        build: &GoBuild,
        version: &str,
        target: &Path,
        report: Reporter<'_>,
    ) -> Result<Built, StoreError> {
        let go = toolchain::find(self.config, build)?;
        let (shop, module) = self.prepare(build)?;
        create_dir(target.parent().unwrap_or(&shop))?;
        report.started(&format!(
            "building {} from Go module {}",
            report.id, build.package
        ));
        let mut command = go.command();
        command
            .current_dir(&module)
            .env("GOCACHE", shop.join("cache"))
            .env("GOMODCACHE", shop.join("mod"))
            .env("GOTMPDIR", shop.join("tmp"))
            // The user's own flags would make another binary; a writable module cache can be removed.
            .env("GOFLAGS", "-modcacherw")
            .env("GOWORK", "off")
            .env("CGO_ENABLED", "0")
            .args(["build", "-v", "-p", &jobs().to_string()])
            .args(flags(build, version))
            .arg("-o")
            .arg(target)
            .arg(&build.main);
        let mut tally = Tally::new(report);
        go.run(command, BUILD_LIMIT, &mut |said| tally.count(said))?;
        let size = target.metadata().map_or(0, |meta| meta.len());
        report.bytes(size, Some(size));
        let toolchain = self.compiler_of(&go, target);
        let how = format!(
            "built here from Go module {} with {toolchain}, flags {}, verified by its go.sum",
            build.package,
            flags(build, version).join(" "),
        );
        Ok(Built { toolchain, how })
    }

    /// Writes the embedded module out; returns the shop and the module's directory.
    fn prepare(&self, build: &GoBuild) -> Result<(PathBuf, PathBuf), StoreError> {
        if self.scratch.get().is_none() {
            // A second one, made meanwhile by another thread, is merely dropped.
            let _ = self.scratch.set(self.cache.scratch("go")?);
        }
        let shop = self
            .scratch
            .get()
            .map(|scratch| scratch.path().to_path_buf())
            .unwrap_or_default();
        for directory in ["cache", "mod", "tmp"] {
            create_dir(&shop.join(directory))?;
        }
        let module = shop.join("modules").join(&build.module);
        for (path, text) in build_files::go_module(&build.module)? {
            let target = module.join(path);
            create_dir(target.parent().unwrap_or(&module))?;
            fs::write(&target, text).map_err(|error| StoreError::io("write", &target, error))?;
        }
        Ok((shop, module))
    }

    /// `go version FILE` prints `FILE: go1.26.8`.
    fn compiler_of(&self, go: &Tool, executable: &Path) -> String {
        let mut command = go.command();
        command.arg("version").arg(executable);
        let said = go.lines(command, VERSION_LIMIT).unwrap_or_default();
        let named = said
            .iter()
            .find_map(|line| Some(line.rsplit_once(": ")?.1.trim().to_owned()));
        named
            .or_else(|| installed(self.config))
            .unwrap_or_else(|| "go".to_owned())
    }
}

fn flags(build: &GoBuild, version: &str) -> Vec<String> {
    let mut flags = vec![
        "-mod=readonly".to_owned(),
        "-trimpath".to_owned(),
        "-buildvcs=false".to_owned(),
    ];
    if let Some(tags) = &build.tags {
        flags.push(format!("-tags={tags}"));
    }
    flags.push(format!(
        "-ldflags=-s -w -X={}={version}",
        build.version_variable
    ));
    flags
}

/// As many compilers as there are cores and memory for.
fn jobs() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    memory
        .map_or(cores, |kb| cores.min(kb / MEMORY_PER_JOB_KB))
        .max(1)
}

/// Turns the compiler's endless list into a line now and then.
struct Tally<'a> {
    report: Reporter<'a>,
    downloads: u32,
    packages: u32,
    since: Instant,
    noted: Instant,
}

impl<'a> Tally<'a> {
    fn new(report: Reporter<'a>) -> Self {
        let now = Instant::now();
        Self {
            report,
            downloads: 0,
            packages: 0,
            since: now,
            noted: now,
        }
    }

    fn count(&mut self, said: Said<'_>) {
        match said {
            Said::Line(line) if line.starts_with("go: downloading ") => self.downloads += 1,
            Said::Line(_) => self.packages += 1,
            Said::Nothing => {}
        }
        if self.noted.elapsed() >= NOTE_EVERY {
            self.noted = Instant::now();
            self.report.note(&format!(
                "{} modules downloaded, {} packages compiled, {} s",
                self.downloads,
                self.packages,
                self.since.elapsed().as_secs(),
            ));
        }
    }
}
