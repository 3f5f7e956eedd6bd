//! Finds the memory cgroup of a process of this host, without asking any engine.

use std::path::{Component, Path, PathBuf};

use procfs::process::{MountInfo, MountInfos};
use procfs::{FromRead, ProcessCGroups};

use super::cgroup_memory::{Cgroup, Version};
use super::{ObserveError, ObserveErrorKind};

/// Where a process stands in the hierarchy that accounts memory, as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    version: Version,
    path: PathBuf,
}

/// The cgroups of processes of this host, in their order; none for a process that has none of its
/// own, or shares it with another of them: the numbers would not be that process's.
pub(super) fn own_cgroups(pids: &[i32]) -> Vec<Option<Cgroup>> {
    let host = Host::new("/proc");
    let found = pids.iter().map(|pid| match host.own_cgroup(*pid) {
        Ok(found) => found,
        Err(error) => {
            // The process itself is sampled all the same; what is missing shows in the record.
            tracing::warn!(pid, %error, "its cgroup is not sampled");
            None
        }
    });
    unshared(&found.collect::<Vec<_>>())
}

fn unshared(found: &[Option<Cgroup>]) -> Vec<Option<Cgroup>> {
    let alone = |position: usize, cgroup: &Cgroup| {
        let mut others = found.iter().enumerate();
        // The memory of a cgroup includes that of the cgroups below.
        !others.any(|(other, found)| {
            let inside = |found: &Cgroup| found.dir().starts_with(cgroup.dir());
            other != position && found.as_ref().is_some_and(inside)
        })
    };
    let cgroups = found.iter().enumerate();
    cgroups
        .map(|(position, found)| found.clone().filter(|cgroup| alone(position, cgroup)))
        .collect()
}

/// The files of a kernel.
struct Host {
    proc: PathBuf,
}

impl Host {
    fn new(proc: impl Into<PathBuf>) -> Self {
        Self { proc: proc.into() }
    }

    /// None where the harness itself is in the same cgroup or below it, which holds for the root;
    /// where no file system shows the cgroup here; and where its memory is not accounted.
    fn own_cgroup(&self, pid: i32) -> Result<Option<Cgroup>, ObserveError> {
        let failed = |source: procfs::ProcError| {
            let what = format!("the cgroup of process {pid}");
            ObserveError::new(ObserveErrorKind::Read, what, source)
        };
        let place = self.place(&pid.to_string()).map_err(failed)?;
        let harness = self.place("self").map_err(failed)?;
        let (Some(place), Some(harness)) = (place, harness) else {
            return Ok(None);
        };
        if harness.path.starts_with(&place.path) {
            return Ok(None);
        }
        let mounts = MountInfos::from_file(self.proc.join("self/mountinfo")).map_err(failed)?;
        let mut cgroups = mounts
            .iter()
            .filter(|mount| accounts_memory(place.version, mount))
            .filter_map(|mount| below(mount, &place.path))
            .map(|dir| Cgroup::new(place.version, dir));
        // A hierarchy without the memory controller, as version 2 is beside version 1, accounts none.
        Ok(cgroups.find(Cgroup::is_accounted))
    }

    /// cgroups(7): a line a hierarchy. The memory controller is in a version 1 hierarchy if a line
    /// names it; else it can only be in the one of version 2, whose line has the number 0.
    fn place(&self, process: &str) -> procfs::ProcResult<Option<Place>> {
        let lines = ProcessCGroups::from_file(self.proc.join(process).join("cgroup"))?;
        let v1 = lines.0.iter().find(|line| {
            let mut controllers = line.controllers.iter();
            controllers.any(|controller| controller == "memory")
        });
        let v2 = || lines.0.iter().find(|line| line.hierarchy == 0);
        let found = match v1 {
            Some(line) => Some((Version::V1, line)),
            None => v2().map(|line| (Version::V2, line)),
        };
        Ok(found.map(|(version, line)| Place {
            version,
            path: PathBuf::from(&line.pathname),
        }))
    }
}

/// Whether a mount shows the hierarchy that accounts memory in this version.
fn accounts_memory(version: Version, mount: &MountInfo) -> bool {
    match version {
        Version::V1 => mount.fs_type == "cgroup" && mount.super_options.contains_key("memory"),
        Version::V2 => mount.fs_type == "cgroup2",
    }
}

/// Where a mount shows a path of its hierarchy; none where it shows another part of it. A path that
/// begins with `..` is outside of this process's cgroup namespace, and no mount made in here has it.
fn below(mount: &MountInfo, path: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(&mount.root).ok()?;
    let inside = !rest.components().any(|part| part == Component::ParentDir);
    inside.then(|| mount.mount_point.join(rest))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const PID: i32 = 4_711;

    /// A tree of made-up files in place of /proc and /sys/fs/cgroup.
    struct Fake {
        root: TempDir,
        mounts: String,
    }

    impl Fake {
        fn new() -> Self {
            Self {
                root: TempDir::new().unwrap(),
                mounts: "22 1 0:5 / /proc rw,relatime shared:5 - proc proc rw\n".to_owned(),
            }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.root.path().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn mount(&mut self, root: &str, point: &str, kind: &str, options: &str) {
            let point = self.path(point);
            let point = point.to_str().unwrap();
            let line = format!("35 31 0:32 {root} {point} rw - {kind} {kind} {options}\n");
            self.mounts.push_str(&line);
        }

        /// The lines of the watched process and of the harness, and which cgroup is found then.
        fn find(&self, watched: &str, harness: &str) -> Option<Cgroup> {
            self.write(&format!("proc/{PID}/cgroup"), &format!("{watched}\n"));
            self.write("proc/self/cgroup", &format!("{harness}\n"));
            self.write("proc/self/mountinfo", &self.mounts);
            Host::new(self.path("proc")).own_cgroup(PID).unwrap()
        }

        fn cgroup(&self, version: Version, dir: &str) -> Cgroup {
            Cgroup::new(version, self.path(dir))
        }
    }

    fn v1() -> Fake {
        let mut fake = Fake::new();
        fake.mount("/", "cpu", "cgroup", "rw,cpu");
        fake.mount("/", "memory", "cgroup", "rw,memory");
        fake.write("memory/memory.usage_in_bytes", "");
        fake.write("memory/docker/abc/memory.usage_in_bytes", "");
        fake
    }

    fn v2() -> Fake {
        let mut fake = Fake::new();
        fake.mount("/", "unified", "cgroup2", "rw");
        fake.write("unified/system.slice/abc.scope/memory.current", "");
        fake
    }

    #[test]
    fn version_1_is_found_in_the_memory_hierarchy() {
        let fake = v1();
        let lines = "5:cpu,cpuacct:/other\n4:memory:/docker/abc";
        assert_eq!(
            fake.find(lines, "4:memory:/user"),
            Some(fake.cgroup(Version::V1, "memory/docker/abc"))
        );
    }

    #[test]
    fn version_2_is_found_in_the_one_hierarchy() {
        let fake = v2();
        assert_eq!(
            fake.find("0::/system.slice/abc.scope", "0::/user.slice"),
            Some(fake.cgroup(Version::V2, "unified/system.slice/abc.scope"))
        );
    }

    #[test]
    fn on_a_hybrid_host_the_hierarchy_with_memory_counts() {
        let mut fake = v1();
        fake.mount("/", "unified", "cgroup2", "rw");
        // The same path in both; the one of version 2 has no memory controller.
        fake.write("unified/docker/abc/cgroup.procs", "4711\n");
        assert_eq!(
            fake.find("4:memory:/docker/abc\n0::/docker/abc", "4:memory:/\n0::/"),
            Some(fake.cgroup(Version::V1, "memory/docker/abc"))
        );
    }

    #[test]
    fn memory_that_nobody_accounts_is_none() {
        let fake = v2();
        assert_eq!(fake.find("0::/without/memory", "0::/user.slice"), None);
        assert_eq!(fake.find("4:freezer:/abc", "4:freezer:/"), None);
    }

    #[test]
    fn planted_root_cgroup_is_not_the_process_s_own() {
        let fake = v1();
        for harness in ["/", "/user", "/../user"] {
            let found = fake.find("4:memory:/", &format!("4:memory:{harness}"));
            assert_eq!(found, None, "{harness}");
        }
    }

    #[test]
    fn planted_cgroup_of_the_harness_is_not_the_process_s_own() {
        let fake = v1();
        let find = |harness: &str| {
            let harness = format!("4:memory:{harness}");
            fake.find("4:memory:/docker/abc", &harness)
        };
        for harness in ["/docker/abc", "/docker/abc/below"] {
            assert_eq!(find(harness), None, "{harness}");
        }
        // Names that begin alike are different cgroups, and one below the harness's has its own memory.
        for harness in ["/docker/abcd", "/docker"] {
            assert!(find(harness).is_some(), "{harness}");
        }
    }

    #[test]
    fn planted_cgroup_of_two_watched_processes_is_neither_s_own() {
        let cgroup = |dir: &str| Some(Cgroup::new(Version::V2, PathBuf::from(dir)));
        let [shared, own, inner] = [cgroup("/a"), cgroup("/c"), cgroup("/d/e")];
        let found = [shared.clone(), None, shared, own.clone()];
        assert_eq!(unshared(&found), [None, None, None, own]);
        assert_eq!(unshared(&[cgroup("/d"), inner.clone()]), [None, inner]);
    }

    #[test]
    fn a_mount_of_a_part_shows_that_part_alone() {
        let mut fake = Fake::new();
        fake.mount("/other", "elsewhere", "cgroup", "rw,memory");
        fake.mount("/docker", "part", "cgroup", "rw,memory");
        fake.write("part/abc/memory.usage_in_bytes", "");
        let harness = "4:memory:/docker/harness";
        assert_eq!(
            fake.find("4:memory:/docker/abc", harness),
            Some(fake.cgroup(Version::V1, "part/abc"))
        );
        assert_eq!(fake.find("4:memory:/user/abc", harness), None);
    }

    #[test]
    fn planted_path_outside_the_namespace_leads_nowhere() {
        let mut fake = Fake::new();
        fake.mount("/", "inner/unified", "cgroup2", "rw");
        // What a path that is followed literally would find.
        fake.write("inner/unified/any", "");
        fake.write("inner/abc/memory.current", "");
        assert_eq!(fake.find("0::/../abc", "0::/"), None);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        let fake = v1();
        let error = Host::new(fake.path("proc")).own_cgroup(PID).unwrap_err();
        assert_eq!(error.to_string(), "read the cgroup of process 4711");
    }

    #[test]
    fn this_process_has_no_cgroup_beside_the_harness() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert_eq!(own_cgroups(&[pid, i32::MAX]), [None, None]);
    }
}
