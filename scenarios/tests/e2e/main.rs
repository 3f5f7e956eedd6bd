//! The command line as its users meet it. Without the feature `e2e` nothing is fetched and nothing is
//! started; with it every scenario runs on real components.

mod bad_input;
#[cfg(feature = "e2e")]
mod family;
mod gauntlet;
mod held;
#[cfg(feature = "e2e")]
mod interrupted;
mod logs;
mod processes;
#[cfg(feature = "e2e")]
mod real;
mod stand_in;
