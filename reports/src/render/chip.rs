use serde::Serialize;

use crate::standing::{Bar, Standing};

/// A verdict as the page shows it: mark, word and a class for the colour.
#[derive(Debug, Serialize)]
pub(super) struct Chip {
    class: Standing,
    mark: &'static str,
    word: &'static str,
}

impl Chip {
    pub(super) fn new(standing: Standing, bar: Bar) -> Chip {
        Chip {
            class: standing,
            mark: standing.mark(),
            word: standing.word(bar),
        }
    }
}
