//! The `gauntlet` command line: grammar in `args`, a module for each command.

pub mod args;
mod aside;
mod closing;
mod completions;
mod conclude;
mod dispatch;
mod down;
mod env;
mod fetch;
mod held;
mod hold;
mod images;
mod interrupt;
mod list;
mod logs;
mod output;
mod providers;
mod report;
mod run;
mod session;
mod status;
mod up;
mod wait;

pub use dispatch::main;
pub use providers::Chosen;
pub use session::Session;
