//! The harness's inner subcommands alone, for tests of this crate: in use, the `gauntlet` binary plays this
//! part.

use std::process::ExitCode;

use gauntlet_harness::provider::containers::reaper;
use gauntlet_harness::provider::process::shim;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(subcommand) if subcommand == reaper::SUBCOMMAND => reaper::run(arguments),
        _ => shim::run(arguments),
    }
}
