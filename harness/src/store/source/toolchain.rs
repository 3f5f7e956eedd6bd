//! The Go that is installed, and whether it builds our modules.

use std::fmt;

use crate::store::build_files::{self, GoModule};
use crate::store::config::StoreConfig;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::manifest::GoBuild;
use crate::store::tool::{Tool, VERSION_LIMIT};

/// From this one on, Go fetches a newer Go of itself where a module asks for one.
const FETCHES_ITSELF: GoVersion = GoVersion([1, 21, 0]);
/// What `GOTOOLCHAIN` ends with where fetching is allowed: `auto`, `go1.22.1+auto`.
const AUTO: &str = "auto";

/// `go1.24.11` as numbers; what is not said counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct GoVersion([u32; 3]);

impl GoVersion {
    /// Reads `1.24.11`, `go1.26.8`, `go1.24rc1`; nothing of a development build.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut numbers = [0; 3];
        let parts = text.strip_prefix("go").unwrap_or(text).splitn(3, '.');
        for (number, part) in numbers.iter_mut().zip(parts) {
            let end = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            *number = part[..end].parse().ok()?;
        }
        Some(Self(numbers))
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The `go` on the search path, if it can build `build`; runs it once to ask.
pub(in crate::store) fn find(config: &StoreConfig, build: &GoBuild) -> Result<Tool, StoreError> {
    let needed = needed(build_files::go_module(&build.module)?)?;
    let go = Tool::find(config, &["go"], &mend(needed))?;
    let mut command = go.command();
    command
        // Outside of any module: inside one this question would already fetch a toolchain.
        .current_dir("/")
        .env("GOWORK", "off")
        .args(["env", "GOVERSION", "GOTOOLCHAIN"]);
    let said = go.lines(command, VERSION_LIMIT)?;
    let found = said.first().map_or("", |line| line.trim());
    let policy = said.get(1).map_or("", |line| line.trim());
    // Of a development build nothing is known; Go itself refuses it where it is too old.
    let Some(version) = GoVersion::parse(found) else {
        return Ok(go);
    };
    // Whoever set `local` does not want Go to fetch a compiler. That is theirs to decide.
    if version >= needed || (version >= FETCHES_ITSELF && policy.ends_with(AUTO)) {
        return Ok(go);
    }
    let hint = if version >= FETCHES_ITSELF {
        format!(
            "set GOTOOLCHAIN=auto, so that Go fetches {needed} itself, or {}",
            mend(needed)
        )
    } else {
        mend(needed)
    };
    Err(StoreError::new(
        StoreErrorKind::MissingTool,
        format!(
            "build with {found} at {}: Go {needed} or newer is needed",
            go.path.display()
        ),
        hint,
    ))
}

/// The version in the module's own `go` line, which Go holds it to.
fn needed(module: GoModule) -> Result<GoVersion, StoreError> {
    let stated = module
        .iter()
        .filter(|(path, _)| *path == "go.mod")
        .flat_map(|(_, text)| text.lines())
        .find_map(|line| GoVersion::parse(line.strip_prefix("go ")?));
    stated.ok_or_else(|| {
        StoreError::new(
            StoreErrorKind::Config,
            "find the Go version in a module's go.mod",
            "mend harness/build and build again",
        )
    })
}

fn mend(needed: GoVersion) -> String {
    format!(
        "install Go {needed} or newer from go.dev/dl (Debian 12's golang-go is 1.19, which is too old)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        let version = |text: &str| GoVersion::parse(text).expect(text);
        assert!(version("go1.19.8") < FETCHES_ITSELF);
        assert!(version("go1.9") < version("1.24.11"));
        assert!(version("go1.24.4") < version("1.24.11"));
        assert!(version("go1.26rc1 X:nocoverageredesign") > version("1.24.11"));
        assert_eq!(version("1.24.11").to_string(), "1.24.11");
        assert_eq!(GoVersion::parse("devel go1.27-abc"), None);
        assert_eq!(GoVersion::parse(""), None);
    }

    #[test]
    fn every_module_states_what_it_needs() {
        for module in ["daprd", "scheduler"] {
            let module = build_files::go_module(module).expect("embedded");
            assert!(needed(module).expect("stated") >= FETCHES_ITSELF);
        }
    }
}
