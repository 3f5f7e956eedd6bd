use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};

/// Prints a completion script, ready to be sourced.
pub(super) fn completions(args: &CompletionsArgs) {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "gauntlet",
        &mut std::io::stdout(),
    );
}
