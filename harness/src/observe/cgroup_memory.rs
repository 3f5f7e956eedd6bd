//! The memory of a cgroup, from the kernel's own files: what a container engine, the kubelet and the
//! out-of-memory killer go by, without asking any of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ObserveError, ObserveErrorKind};
use crate::ledger::CgroupMemory;

/// Which of the kernel's two interfaces a cgroup has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Documentation/admin-guide/cgroup-v1/memory.rst. The keys with `total_` include the cgroups
    /// below, as the usage does.
    V1,
    /// Documentation/admin-guide/cgroup-v2.rst; `memory.peak` came with Linux 5.19.
    V2,
}

/// Names of what is read.
struct Names {
    usage: &'static str,
    peak: &'static str,
    limit: &'static str,
    inactive_file: &'static str,
    anonymous: &'static str,
}

impl Version {
    fn names(self) -> Names {
        match self {
            Version::V1 => Names {
                usage: "memory.usage_in_bytes",
                peak: "memory.max_usage_in_bytes",
                limit: "memory.limit_in_bytes",
                inactive_file: "total_inactive_file",
                anonymous: "total_rss",
            },
            Version::V2 => Names {
                usage: "memory.current",
                peak: "memory.peak",
                limit: "memory.max",
                inactive_file: "inactive_file",
                anonymous: "anon",
            },
        }
    }
}

/// A memory cgroup that holds a watched process and nothing of the harness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroup {
    version: Version,
    dir: PathBuf,
}

impl Cgroup {
    pub(super) fn new(version: Version, dir: PathBuf) -> Self {
        Self { version, dir }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the memory controller is at work in it.
    pub(super) fn is_accounted(&self) -> bool {
        self.dir.join(self.version.names().usage).is_file()
    }

    /// Reads what the cgroup holds now. A cgroup that is gone is an error.
    ///
    /// The working set is the usage without the file pages that the kernel would take back first, as
    /// cAdvisor counts it (`setMemoryStats` in container/libcontainer/handler.go) and the kubelet
    /// after it.
    pub(super) fn memory(&self) -> Result<CgroupMemory, ObserveError> {
        let names = self.version.names();
        let usage_bytes = parse(names.usage, &self.read(names.usage)?)?;
        let stat = self.read("memory.stat")?;
        let inactive_file = field(&stat, names.inactive_file)?;
        Ok(CgroupMemory {
            usage_bytes,
            // Read one after the other: the usage may have fallen before.
            working_set_bytes: usage_bytes.saturating_sub(inactive_file),
            anonymous_bytes: field(&stat, names.anonymous)?,
            peak_bytes: self.peak(names.peak)?,
            limit_bytes: self.limit(names.limit)?,
        })
    }

    /// None on a version 2 kernel before 5.19.
    fn peak(&self, name: &'static str) -> Result<Option<u64>, ObserveError> {
        match fs::read_to_string(self.dir.join(name)) {
            Ok(text) => parse(name, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(name, error)),
        }
    }

    /// No limit is `max` in version 2. In version 1 it is the highest multiple of a page that is a
    /// positive signed number, and no machine has half of that.
    fn limit(&self, name: &'static str) -> Result<Option<u64>, ObserveError> {
        let text = self.read(name)?;
        if text.trim() == "max" {
            return Ok(None);
        }
        let limit = parse(name, &text)?;
        Ok((limit < 1 << 62).then_some(limit))
    }

    fn read(&self, name: &'static str) -> Result<String, ObserveError> {
        fs::read_to_string(self.dir.join(name)).map_err(|error| unreadable(name, error))
    }
}

fn field(stat: &str, key: &str) -> Result<u64, ObserveError> {
    let mut pairs = stat.lines().filter_map(|line| line.split_once(' '));
    let found = pairs.find(|(name, _)| *name == key);
    let (_, value) = found.ok_or_else(|| {
        let what = format!("{key} of memory.stat");
        ObserveError::new(ObserveErrorKind::Decode, what, "there is no such line")
    })?;
    parse(key, value)
}

fn parse(name: &str, text: &str) -> Result<u64, ObserveError> {
    let decode = |source| ObserveError::new(ObserveErrorKind::Decode, name, source);
    text.trim().parse().map_err(decode)
}

fn unreadable(name: &str, error: io::Error) -> ObserveError {
    ObserveError::new(ObserveErrorKind::Read, name, error)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A cgroup with these files.
    struct Fake {
        dir: TempDir,
        cgroup: Cgroup,
    }

    impl Fake {
        fn new(version: Version, files: &[(&str, &str)]) -> Self {
            let dir = TempDir::new().unwrap();
            let cgroup = Cgroup::new(version, dir.path().to_owned());
            let fake = Self { dir, cgroup };
            for (name, text) in files {
                fake.write(name, text);
            }
            fake
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn memory(&self) -> CgroupMemory {
            self.cgroup.memory().unwrap()
        }
    }

    fn v1() -> Fake {
        let stat = "cache 1\ninactive_file 2\ntotal_rss 30000\ntotal_inactive_file 8000\n";
        Fake::new(
            Version::V1,
            &[
                ("memory.usage_in_bytes", "50000\n"),
                ("memory.max_usage_in_bytes", "70000\n"),
                ("memory.limit_in_bytes", "9223372036854771712\n"),
                ("memory.stat", stat),
            ],
        )
    }

    fn v2() -> Fake {
        Fake::new(
            Version::V2,
            &[
                ("memory.current", "50000\n"),
                ("memory.peak", "60000\n"),
                ("memory.max", "134217728\n"),
                ("memory.stat", "anon 20000\ninactive_file 9000\n"),
            ],
        )
    }

    #[test]
    fn version_1_is_read() {
        let fake = v1();
        let expected = CgroupMemory {
            usage_bytes: 50_000,
            working_set_bytes: 42_000,
            anonymous_bytes: 30_000,
            peak_bytes: Some(70_000),
            limit_bytes: None,
        };
        assert_eq!(fake.memory(), expected);
        fake.write("memory.limit_in_bytes", "134217728\n");
        assert_eq!(fake.memory().limit_bytes, Some(128 << 20));
    }

    #[test]
    fn version_2_is_read() {
        let fake = v2();
        let expected = CgroupMemory {
            usage_bytes: 50_000,
            working_set_bytes: 41_000,
            anonymous_bytes: 20_000,
            peak_bytes: Some(60_000),
            limit_bytes: Some(128 << 20),
        };
        assert_eq!(fake.memory(), expected);
        fake.write("memory.max", "max\n");
        assert_eq!(fake.memory().limit_bytes, None);
    }

    #[test]
    fn a_kernel_without_memory_peak_has_no_peak() {
        let fake = v2();
        fs::remove_file(fake.dir.path().join("memory.peak")).unwrap();
        let memory = fake.memory();
        assert_eq!((memory.peak_bytes, memory.usage_bytes), (None, 50_000));
    }

    #[test]
    fn more_inactive_pages_than_usage_leave_no_working_set() {
        let fake = v2();
        fake.write("memory.stat", "anon 20000\ninactive_file 50001\n");
        assert_eq!(fake.memory().working_set_bytes, 0);
    }

    #[test]
    fn a_cgroup_that_is_gone_is_an_error() {
        let Fake { dir, cgroup } = v1();
        drop(dir);
        let error = cgroup.memory().unwrap_err();
        assert_eq!(error.to_string(), "read memory.usage_in_bytes");
    }

    #[test]
    fn files_of_another_shape_are_an_error() {
        let fake = v2();
        for text in ["anon 20000\n", "anon many\ninactive_file 9000\n"] {
            fake.write("memory.stat", text);
            let error = fake.cgroup.memory().unwrap_err();
            assert_eq!(error.kind(), ObserveErrorKind::Decode, "{text}");
        }
    }
}
