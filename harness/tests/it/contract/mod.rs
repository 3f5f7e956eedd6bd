//! What is true of every provider. Each trial gets a bench on one, and knows nothing more of it.

mod beats;
mod once;
mod plan;
mod restart;
mod signals;
mod start;
mod stop;
mod trials;
