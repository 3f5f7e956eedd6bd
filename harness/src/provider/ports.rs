use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

use crate::error::{StackError, StackErrorKind};

/// Ports that one run may use: the largest stack takes about fifty, and strangers' ports are skipped.
const PORTS_IN_A_SLOT: u16 = 64;
/// Below lie the ports of well-known servers.
const LOWEST_PORT: u16 = 20_000;
/// Where Linux begins its ephemeral range unless told otherwise.
const USUAL_EPHEMERAL_START: u16 = 32_768;
const EPHEMERAL_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// A block of ports that is this run's alone until it is dropped.
///
/// The block is claimed by binding its first number as a UDP socket. Unlike a lock file that claim
/// holds between users and between different `GAUNTLET_HOME`s, nobody can connect to it by mistake,
/// and the kernel gives it back however the harness ends. The ports lie below the ephemeral range, so
/// that no outgoing connection of anybody takes one between the test and its use.
#[derive(Debug)]
pub struct PortSlot {
    _claim: UdpSocket,
    first: u16,
    next: Mutex<u16>,
}

impl PortSlot {
    /// Claims the first free block of this machine.
    pub fn acquire() -> Result<Self, StackError> {
        Self::acquire_in(LOWEST_PORT, below_ephemeral())
    }

    fn acquire_in(lowest: u16, end: u16) -> Result<Self, StackError> {
        let slots = (end - lowest) / PORTS_IN_A_SLOT;
        (0..slots)
            .map(|slot| lowest + slot * PORTS_IN_A_SLOT)
            .find_map(|first| {
                let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok()?;
                Some(Self {
                    _claim: claim,
                    first,
                    next: Mutex::new(first + 1),
                })
            })
            .ok_or_else(|| {
                StackError::new(
                    StackErrorKind::NoPort,
                    format!(
                        "claim a block of ports, all {slots} between {lowest} and {end} are taken"
                    ),
                    "end another run: `gauntlet status` lists them, `gauntlet down` ends one",
                )
            })
    }

    /// The next port of the block that nobody listens on. `purpose` is for the error alone.
    pub fn take(&self, purpose: &str) -> Result<u16, StackError> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let end = self.first + PORTS_IN_A_SLOT;
        while *next < end {
            let port = *next;
            *next += 1;
            // A stranger may sit on a port of ours without knowing of slots.
            if is_free(port) {
                return Ok(port);
            }
            tracing::debug!(
                port,
                purpose,
                "port is in use by another program, taking the next"
            );
        }
        Err(StackError::new(
            StackErrorKind::NoPort,
            format!(
                "find a free port for {purpose} between {} and {end}",
                self.first
            ),
            format!(
                "see `ss -ltnp` for who listens on ports {} to {end}, and end it",
                self.first
            ),
        ))
    }
}

/// Whether nobody listens on it, on any interface: some components cannot be bound to one, and a stranger
/// on another interface is in their way. A machine may have no IPv6 at all.
fn is_free(port: u16) -> bool {
    let taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    !TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_err_and(|error| taken(&error))
        && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

/// The first ephemeral port. Where somebody made the whole range ephemeral there is nothing below it;
/// then the usual bound is as good as any, and the test of each port still stands.
fn below_ephemeral() -> u16 {
    std::fs::read_to_string(EPHEMERAL_RANGE)
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .filter(|start| *start >= LOWEST_PORT + PORTS_IN_A_SLOT)
        .unwrap_or(USUAL_EPHEMERAL_START)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn slots_that_are_held_at_once_share_no_port() {
        let claims: Vec<_> = (0..8).map(|_| thread::spawn(PortSlot::acquire)).collect();
        let slots: Vec<_> = claims
            .into_iter()
            .map(|claim| claim.join().unwrap().unwrap())
            .collect();
        let mut ports = HashSet::new();
        for slot in &slots {
            for _ in 0..10 {
                assert!(ports.insert(slot.take("test").unwrap()));
            }
        }
        assert_eq!(ports.len(), 80);
    }

    #[test]
    fn a_port_in_use_is_skipped() {
        let slot = PortSlot::acquire().unwrap();
        let taken = slot.take("probe").unwrap();
        let _stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, taken + 1)).unwrap();
        assert_ne!(slot.take("test").unwrap(), taken + 1);
    }

    #[test]
    fn planted_listener_on_another_interface_is_in_the_way_too() {
        let slot = PortSlot::acquire().unwrap();
        let taken = slot.take("probe").unwrap();
        let another = Ipv4Addr::new(127, 0, 0, 2);
        let _stranger = TcpListener::bind((another, taken + 1)).unwrap();
        assert_ne!(slot.take("test").unwrap(), taken + 1);
    }

    #[test]
    fn an_exhausted_range_names_the_mend() {
        let slot = PortSlot::acquire().unwrap();
        let error = PortSlot::acquire_in(slot.first, slot.first + PORTS_IN_A_SLOT).unwrap_err();
        assert_eq!(error.kind(), StackErrorKind::NoPort);
        assert!(error.to_string().contains("gauntlet down"), "{error}");
        while slot.take("test").is_ok() {}
        assert_eq!(
            slot.take("kafka").unwrap_err().kind(),
            StackErrorKind::NoPort
        );
    }
}
