//! The shim alone, for tests of this crate: in use, the `gauntlet` binary plays this part.

use std::process::ExitCode;

use gauntlet_harness::provider::process::shim;

fn main() -> ExitCode {
    // The program's own name and the subcommand come first.
    shim::run(std::env::args_os().skip(2))
}
