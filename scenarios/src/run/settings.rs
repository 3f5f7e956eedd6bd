use std::time::Duration;

use gauntlet_harness::stack::StackKind;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What the command line decides about a run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub offered: StackKind,
    pub seed: u64,
    /// For scenarios that watch something over time; none leaves the scenario's own length.
    pub duration: Option<Duration>,
}

impl Settings {
    /// The random choices of one scenario. They depend on the seed and on the scenario alone, so that
    /// a scenario replays alike whether it runs by itself or among others.
    pub(super) fn rng(&self, scenario: &str, repeat: u32) -> ChaCha8Rng {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..12].copy_from_slice(&repeat.to_le_bytes());
        for (slot, byte) in seed[12..].iter_mut().zip(scenario.bytes()) {
            *slot = byte;
        }
        ChaCha8Rng::from_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_seed_replays_and_repeats_differ() {
        let settings = Settings {
            offered: StackKind::Full,
            seed: 7,
            duration: None,
        };
        let draw = |scenario: &str, repeat| settings.rng(scenario, repeat).random::<u64>();
        assert_eq!(draw("consumer-crash", 1), draw("consumer-crash", 1));
        assert_ne!(draw("consumer-crash", 1), draw("consumer-crash", 2));
        assert_ne!(draw("consumer-crash", 1), draw("burst-1000", 1));
    }
}
