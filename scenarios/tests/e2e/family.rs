//! What came from a process, in whatever generation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::processes::{lives, stat};

/// Those of the processes that run.
pub(crate) fn living(pids: &BTreeSet<u32>) -> BTreeSet<u32> {
    pids.iter().copied().filter(|pid| lives(*pid)).collect()
}

/// All that came from a process, in whatever generation, as they are now.
pub(crate) fn descendants(ancestor: u32) -> BTreeSet<u32> {
    let parents: BTreeMap<u32, u32> = processes()
        .filter_map(|pid| Some((pid, stat(pid)?.0)))
        .collect();
    let mut family = BTreeSet::from([ancestor]);
    loop {
        let before = family.len();
        let children = parents.iter().filter(|(_, parent)| family.contains(parent));
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        family.extend(children);
        if family.len() == before {
            family.remove(&ancestor);
            return family;
        }
    }
}

/// The command line, its parts apart by blanks; empty of one that is gone.
pub(crate) fn command_line(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
