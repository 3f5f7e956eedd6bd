//! The last steps between `fork` and the service's own program, run inside the child.
//!
//! They need the child's process and no unsafe code, so they are a program of their own: the harness
//! executes itself as `gauntlet exec-child`, and that replaces itself by the service.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Pid, Uid, getppid, setgid, setgroups, setuid};

use crate::provider::RunAs;

/// The subcommand under which the harness's executable must call [`run`].
pub const SUBCOMMAND: &str = "exec-child";
/// What a shell uses for a program that cannot be executed.
const CANNOT_EXECUTE: u8 = 127;

/// Becomes the program that `arguments` name; returns only if that failed.
///
/// Shape: `--parent PID [--uid N --gid N] -- PROGRAM ARG…`
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let error = match Request::parse(arguments) {
        Ok(request) => become_program(&request),
        Err(message) => io::Error::other(message),
    };
    // Standard error is the service's log: this is where whoever looks for the reason looks.
    let _ = writeln!(
        io::stderr(),
        "gauntlet {SUBCOMMAND}: failed to execute the service: {error}"
    );
    ExitCode::from(CANNOT_EXECUTE)
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    parent: i32,
    run_as: Option<RunAs>,
    program: OsString,
    args: Vec<OsString>,
}

impl Request {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut parent, mut uid, mut gid) = (None, None, None);
        loop {
            let flag = arguments.next().ok_or("the arguments end before `--`")?;
            match flag.to_str() {
                Some("--") => break,
                Some("--parent") => parent = Some(number(&mut arguments)?),
                Some("--uid") => uid = Some(number(&mut arguments)?),
                Some("--gid") => gid = Some(number(&mut arguments)?),
                _ => return Err(format!("unknown flag {}", flag.display())),
            }
        }
        let run_as = match (uid, gid) {
            (Some(uid), Some(gid)) => Some(RunAs { uid, gid }),
            (None, None) => None,
            _ => return Err("--uid and --gid go together".to_owned()),
        };
        Ok(Self {
            parent: parent.ok_or("--parent is missing")?,
            run_as,
            program: arguments.next().ok_or("no program after `--`")?,
            args: arguments.collect(),
        })
    }
}

fn number<T: std::str::FromStr>(
    arguments: &mut impl Iterator<Item = OsString>,
) -> Result<T, String> {
    let text = arguments.next().ok_or("a flag lacks its number")?;
    text.to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("'{}' is not a number", text.display()))
}

fn become_program(request: &Request) -> io::Error {
    if let Err(error) = prepare(request) {
        return error;
    }
    let error = Command::new(&request.program).args(&request.args).exec();
    io::Error::new(
        error.kind(),
        format!("{}: {error}", request.program.display()),
    )
}

fn prepare(request: &Request) -> io::Result<()> {
    if let Some(RunAs { uid, gid }) = request.run_as {
        // Groups first: without root they could not be given up any more.
        setgroups(&[])?;
        setgid(Gid::from_raw(gid))?;
        setuid(Uid::from_raw(uid))?;
    }
    // After the change of user, because that clears it.
    set_pdeathsig(Signal::SIGKILL)?;
    // The parent may have died before the line above, and then no signal comes any more.
    if getppid() != Pid::from_raw(request.parent) {
        return Err(io::Error::other("the harness is gone"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, String> {
        Request::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn flags_of_the_service_stay_the_services() {
        let request = parse("--parent 7 --uid 1 --gid 2 -- sleep --uid 5 -- 9").unwrap();
        assert_eq!(request.parent, 7);
        assert_eq!(request.run_as, Some(RunAs { uid: 1, gid: 2 }));
        assert_eq!(request.program, "sleep");
        assert_eq!(request.args, ["--uid", "5", "--", "9"]);
    }

    #[test]
    fn half_a_request_is_refused() {
        for line in [
            "-- sleep",
            "--parent x -- sleep",
            "--parent 1 --uid 2 -- sleep",
            "--parent 1 --",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
