use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::vocabulary::{FILLERS, PEOPLE, PROJECTS, THINGS, VERBS};

/// One description in so many tasks.
const DESCRIBED_OF_TEN: u32 = 3;
/// One title in so many names a ticket, whose number no other title of the user has.
const TICKETS_OF_TEN: u32 = 2;

/// A title such as `Review invoice with Anna` or `Fix printer, cobalt-4711`.
pub(super) fn title(rng: &mut ChaCha8Rng, number: u32) -> String {
    let verb = frequent_first(rng, &VERBS);
    let thing = frequent_first(rng, &THINGS);
    let (first, rest) = verb.split_at(1);
    let begun = format!("{}{rest} {thing}", first.to_uppercase());
    if rng.random_range(0..10) < TICKETS_OF_TEN {
        let project = PROJECTS[rng.random_range(0..PROJECTS.len())];
        return format!("{begun}, {project}-{number}");
    }
    match rng.random_range(0..3) {
        0 => format!("{begun} with {}", frequent_first(rng, &PEOPLE)),
        1 => format!("{begun} for {}", frequent_first(rng, &PEOPLE)),
        _ => begun,
    }
}

/// One sentence or several; none for most tasks.
pub(super) fn description(rng: &mut ChaCha8Rng) -> Option<String> {
    if rng.random_range(0..10) >= DESCRIBED_OF_TEN {
        return None;
    }
    let words = rng.random_range(6..28);
    let words: Vec<&str> = (0..words)
        .map(|_| match rng.random_range(0..4) {
            0 => frequent_first(rng, &THINGS),
            1 => frequent_first(rng, &PEOPLE),
            _ => frequent_first(rng, &FILLERS),
        })
        .collect();
    let sentences: Vec<String> = words.chunks(9).map(|words| words.join(" ")).collect();
    Some(format!("{}.", sentences.join(".\n")))
}

/// The smallest of two places: the first of `n` words comes about `2n` times as often as the last.
fn frequent_first<'a>(rng: &mut ChaCha8Rng, words: &[&'a str]) -> &'a str {
    let first = rng.random_range(0..words.len());
    let second = rng.random_range(0..words.len());
    words[first.min(second)]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::seed::{FREQUENT, RARE};

    #[test]
    fn a_frequent_word_is_in_hundreds_of_titles_and_a_rare_one_in_a_handful() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts: HashMap<String, usize> = HashMap::new();
        for number in 0..10_000 {
            for word in title(&mut rng, number).split(' ') {
                *counts.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        assert!(counts[FREQUENT] > 500, "{}", counts[FREQUENT]);
        let rare = counts[RARE];
        assert!((1..50).contains(&rare), "{rare}");
    }
}
