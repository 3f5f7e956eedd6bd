use nix::errno::Errno;
use nix::sys::signal::{Signal as Posix, kill, killpg};
use nix::unistd::{Pid, getpid};
use procfs::process::{ProcState, Process, Stat, all_processes};
use serde::{Deserialize, Serialize};

use crate::provider::Signal;

/// A process that cannot be mistaken for a later one with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    /// Clock ticks between boot and its start.
    pub(crate) start_ticks: u64,
}

impl Identity {
    /// None where no such process lives.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        stat(pid).map(|stat| Self {
            pid,
            start_ticks: stat.starttime,
        })
    }

    /// Whether the very same process still runs. A zombie does not.
    pub(crate) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    pub(super) fn send(self, signal: Posix) {
        if self.is_alive() {
            // The one failure left is that it ended in between, which is what was wanted or is noticed.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

fn stat(pid: i32) -> Option<Stat> {
    let stat = Process::new(pid).ok()?.stat().ok()?;
    let dead = matches!(stat.state(), Ok(ProcState::Zombie | ProcState::Dead));
    (!dead).then_some(stat)
}

/// The leader and all that came from it: its process group, its children, and theirs.
///
/// Both ways are needed: each backend of Postgres makes a process group of its own, and a grandchild
/// whose parent ended is a child of init.
pub(super) fn family(leader: Identity) -> Vec<Identity> {
    let table: Vec<Stat> = all_processes()
        .into_iter()
        .flatten()
        .filter_map(|process| process.ok()?.stat().ok())
        .collect();
    let mut members = vec![leader];
    let mut next = 0;
    while let Some(parent) = members.get(next).copied() {
        next += 1;
        for stat in &table {
            let related = stat.ppid == parent.pid || stat.pgrp == leader.pid;
            let member = Identity {
                pid: stat.pid,
                start_ticks: stat.starttime,
            };
            if related && !members.contains(&member) {
                members.push(member);
            }
        }
    }
    members
}

/// Delivers a signal as the whole service has to feel it.
///
/// A request to end goes to the leader's group, and the leader tells the others in its own way. Kill, pause
/// and resume reach every member, or half of a service would go on.
pub(super) fn deliver(leader: Identity, signal: Signal) -> nix::Result<()> {
    if !leader.is_alive() {
        return Ok(());
    }
    let relatives = match signal {
        Signal::Kill | Signal::Pause | Signal::Resume => family(leader),
        Signal::Term | Signal::Interrupt => Vec::new(),
    };
    let sent = match killpg(Pid::from_raw(leader.pid), signal.posix()) {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    };
    relatives
        .into_iter()
        .filter(|member| *member != leader)
        .for_each(|member| member.send(signal.posix()));
    sent
}

/// Kills a leader and everything that came from it. The leader must be known to be ours.
pub(crate) fn kill_family(leader: Identity) {
    kill_all(&family(leader));
}

/// Kills everything that came from this process, once; see to it that it is waited for.
pub(super) fn kill_descendants() {
    let Some(ourselves) = Identity::of(getpid().as_raw()) else {
        return;
    };
    let mut members = family(ourselves);
    members.retain(|member| *member != ourselves);
    kill_all(&members);
}

pub(super) fn kill_all(members: &[Identity]) {
    for member in members {
        member.send(Posix::SIGKILL);
    }
}
