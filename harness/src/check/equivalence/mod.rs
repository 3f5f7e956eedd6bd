//! Whether several lanes do the same: cases of the black-box suite, their answers and their effects.

mod as_expected;
mod compared;
mod coverage;
mod planted_divergence;
mod same_effects;

pub use as_expected::CasesAsExpected;
pub use coverage::CaseCoverage;
pub use planted_divergence::PlantedDivergence;
pub use same_effects::SameEffects;

pub(super) use compared::{compare, judged, masked_columns};
