//! What a person sees while the gauntlet works: live in a terminal, plain lines in a pipe, nothing
//! with `--quiet`. Progress goes to standard error, so that results can be piped.

mod component;
mod display;
mod finding;
mod step;
mod text;

pub use component::ComponentProgress;
pub use display::{Console, Verbosity};
pub use finding::finding_line;
pub use step::Step;
pub use text::{seconds, slowest_services};
