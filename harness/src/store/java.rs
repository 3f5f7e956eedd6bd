//! The JVM that runs Kafka: found, and new enough for it.

use std::fs;
use std::path::Path;

use super::config::{StoreConfig, is_executable};
use super::error::{StoreError, StoreErrorKind};
use super::tool::{Tool, VERSION_LIMIT};

/// Kafka's servers run on no older one since 4.0.
const NEEDED: u32 = 17;
const MEND: &str = "install a Java runtime, 17 or newer (Debian: apt-get install default-jre-headless), or set JAVA_HOME";

/// Finds a `java` that runs Kafka: an installation named by the user comes before the search path.
pub(super) fn find(config: &StoreConfig) -> Result<Tool, StoreError> {
    let preferred = config.java_home.as_ref().map(|home| home.join("bin/java"));
    let java = match preferred.filter(|java| is_executable(java)) {
        Some(java) => Tool::at(config, "java", java),
        None => Tool::find(config, &["java"], MEND)?,
    };
    // One that does not tell is tried: Kafka says clearly enough what it misses.
    match feature_version(&identity(&java)?) {
        Some(found) if found < NEEDED => Err(StoreError::new(
            StoreErrorKind::MissingTool,
            format!(
                "run Kafka on the Java {found} of {}: {NEEDED} or newer is needed",
                java.path.display()
            ),
            MEND,
        )),
        _ => Ok(java),
    }
}

/// What the installation says of itself in its `release` file, else what `java -version` says.
pub(super) fn identity(java: &Tool) -> Result<String, StoreError> {
    let real = fs::canonicalize(&java.path)
        .map_err(|error| StoreError::io("resolve", &java.path, error))?;
    let release = real
        .parent()
        .and_then(Path::parent)
        .map(|home| home.join("release"));
    if let Some(text) = release.and_then(|path| fs::read_to_string(path).ok()) {
        return Ok(format!("{}\n{text}", real.display()));
    }
    let mut command = java.command();
    command.arg("-version");
    Ok(java.lines(command, VERSION_LIMIT)?.join("\n"))
}

/// 17 of `JAVA_VERSION="17.0.19"` or `openjdk version "17.0.19" 2026-04-21`; 8 of `"1.8.0_392"`.
fn feature_version(identity: &str) -> Option<u32> {
    let stated = identity
        .lines()
        .filter(|line| line.starts_with("JAVA_VERSION=") || line.contains(" version \""))
        .find_map(|line| line.split('"').nth(1))?;
    let mut numbers = stated
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().ok());
    match numbers.next()?? {
        1 => numbers.next()?,
        feature => Some(feature),
    }
}

#[cfg(test)]
mod tests {
    use super::feature_version;

    #[test]
    fn versions_are_found_in_what_installations_really_say() {
        for (said, version) in [
            (
                "/usr/lib/jvm\nIMPLEMENTOR=\"Debian\"\nJAVA_RUNTIME_VERSION=\"17.0.19+10\"\nJAVA_VERSION=\"17.0.19\"\n",
                Some(17),
            ),
            (
                "openjdk version \"21.0.8\" 2025-07-15\nOpenJDK Runtime",
                Some(21),
            ),
            ("java version \"1.8.0_392\"", Some(8)),
            ("openjdk version \"26-ea\" 2026-03-17", Some(26)),
            ("a Java of somebody's own", None),
        ] {
            assert_eq!(feature_version(said), version, "{said}");
        }
    }
}
