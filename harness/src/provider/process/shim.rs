//! The last steps between `fork` and the service's own program, run inside the child.
//!
//! They need the child's process and no unsafe code, so they are a program of their own: the harness
//! executes itself as `gauntlet exec-child`, and that replaces itself by the service. For a tool, which has
//! children of its own, it stays as the supervisor between the two (`tether`).

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Pid, Uid, getppid, setgid, setgroups, setuid};

use super::supervisor;
use crate::provider::RunAs;

/// The subcommand under which the harness's executable must call [`run`].
pub const SUBCOMMAND: &str = "exec-child";
/// Asks for a supervisor instead of the program itself.
pub(super) const SUPERVISED: &str = "--supervised";
/// What a shell uses for a program that cannot be executed.
const CANNOT_EXECUTE: u8 = 127;

/// Becomes the program that `arguments` name, or runs it supervised.
///
/// Shape: `--parent PID [--uid N --gid N] -- PROGRAM ARG…`, which returns only if it failed, or
/// `--supervised -- PROGRAM ARG…`, which ends as the program ends.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let failure = match Request::parse(arguments) {
        Ok(request) => match request.life {
            Life::OfParent { pid, run_as } => become_program(&request.program, pid, run_as),
            Life::Supervised => match supervisor::run(&request.program) {
                Ok(end) => return end,
                Err(error) => error,
            },
        },
        Err(message) => io::Error::other(message),
    };
    // Standard error is the program's log: this is where whoever looks for the reason looks.
    let _ = writeln!(
        io::stderr(),
        "gauntlet {SUBCOMMAND}: failed to execute the program: {failure}"
    );
    ExitCode::from(CANNOT_EXECUTE)
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    life: Life,
    program: CommandLine,
}

/// A program and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub(super) path: OsString,
    pub(super) args: Vec<OsString>,
}

/// What the program's life hangs on.
#[derive(Debug, PartialEq, Eq)]
enum Life {
    /// It alone, on the process that starts it.
    OfParent { pid: i32, run_as: Option<RunAs> },
    /// It and all that it starts, on standard input being open.
    Supervised,
}

impl Request {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let (mut parent, mut uid, mut gid, mut supervised) = (None, None, None, None);
        loop {
            let flag = arguments.next().ok_or("the arguments end before `--`")?;
            match flag.to_str() {
                Some("--") => break,
                Some(SUPERVISED) => supervised = Some(Life::Supervised),
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
        let life = match (supervised, parent, run_as) {
            (None, Some(pid), run_as) => Life::OfParent { pid, run_as },
            (Some(supervised), None, None) => supervised,
            _ => return Err("either --parent or --supervised is needed, and no more".to_owned()),
        };
        Ok(Self {
            life,
            program: CommandLine {
                path: arguments.next().ok_or("no program after `--`")?,
                args: arguments.collect(),
            },
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

fn become_program(program: &CommandLine, parent: i32, run_as: Option<RunAs>) -> io::Error {
    if let Err(error) = prepare(parent, run_as) {
        return error;
    }
    let error = Command::new(&program.path).args(&program.args).exec();
    io::Error::new(error.kind(), format!("{}: {error}", program.path.display()))
}

fn prepare(parent: i32, run_as: Option<RunAs>) -> io::Result<()> {
    if let Some(RunAs { uid, gid }) = run_as {
        // Groups first: without root they could not be given up any more.
        setgroups(&[])?;
        setgid(Gid::from_raw(gid))?;
        setuid(Uid::from_raw(uid))?;
    }
    // After the change of user, because that clears it.
    set_pdeathsig(Signal::SIGKILL)?;
    // The parent may have died before the line above, and then no signal comes any more.
    if getppid() != Pid::from_raw(parent) {
        return Err(io::Error::other("whoever started it is gone"));
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
        let run_as = Some(RunAs { uid: 1, gid: 2 });
        assert_eq!(request.life, Life::OfParent { pid: 7, run_as });
        assert_eq!(request.program.path, "sleep");
        assert_eq!(request.program.args, ["--uid", "5", "--", "9"]);
    }

    #[test]
    fn half_a_request_is_refused() {
        for line in [
            "-- sleep",
            "--parent x -- sleep",
            "--parent 1 --uid 2 -- sleep",
            "--parent 1 --",
            "--supervised --parent 1 -- sleep",
            "--supervised --uid 1 --gid 2 -- sleep",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
