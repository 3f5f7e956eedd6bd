//! A suite that knows the system by HTTP alone: named cases, each of which plays a user and says what every
//! answer has to be.
//!
//! What a case expects is written down from the requirements, and from nothing that the system answered.

mod actor;
mod answer;
mod call;
mod case;
mod cases;
mod inputs;
mod play;
mod stage;
mod surprise;
#[cfg(test)]
mod wrong_answers;

pub use case::{Case, Control, EVENTS, Feature, type_of};
pub use cases::{all, controls};
pub use inputs::Inputs;
pub use play::{Cast, Played, Site, play_all};
pub use stage::Variant;
pub use surprise::Surprise;
