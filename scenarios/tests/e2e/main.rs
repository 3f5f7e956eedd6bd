//! The command line as its users meet it. Without the feature `e2e` nothing is fetched and nothing is
//! started; with it every scenario runs on real components. The feature `engine` adds what needs a
//! container engine.

mod bad_input;
#[cfg(feature = "e2e")]
mod blackbox;
#[cfg(feature = "engine")]
mod containers;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "e2e")]
mod evidence;
#[cfg(feature = "e2e")]
mod family;
mod gauntlet;
mod held;
#[cfg(feature = "e2e")]
mod held_stack;
#[cfg(feature = "e2e")]
mod interrupted;
#[cfg(feature = "e2e")]
mod judged;
mod logs;
#[cfg(feature = "e2e")]
mod machine;
mod processes;
#[cfg(feature = "e2e")]
mod readme;
#[cfg(feature = "e2e")]
mod real;
mod scenario;
mod selection;
mod stand_in;
#[cfg(feature = "e2e")]
mod under_load;
