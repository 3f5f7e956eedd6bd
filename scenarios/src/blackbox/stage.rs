use super::actor::Actor;
use super::inputs::Inputs;

/// Whether a control is played as it is, or otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    Ordinary,
    Planted,
}

/// What a case plays with: the user that it is about, a stranger to that user, and the inputs.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) me: Actor,
    pub(super) stranger: Actor,
    pub(super) inputs: Inputs,
    pub(super) variant: Variant,
}
