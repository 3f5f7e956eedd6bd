//! Entry of the `gauntlet` command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    gauntlet_scenarios::cli::main()
}
