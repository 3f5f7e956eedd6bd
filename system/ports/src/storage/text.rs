//! What text is searched and ordered by. It is computed here and not by a store, so that every store
//! answers the same, whatever its locale.

/// Longest word that is searched for, in characters; of longer ones the beginning counts.
pub const WORD_MAX_CHARS: usize = 64;

/// Cuts text into words: runs of letters and digits, in lower case.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.chars()
                .flat_map(char::to_lowercase)
                .take(WORD_MAX_CHARS)
                .collect()
        })
}

/// What titles and names are ordered by, byte for byte: without regard to case.
pub fn title_key(title: &str) -> String {
    title.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_at_whatever_is_neither_letter_nor_digit() {
        let cut: Vec<_> = words("Käse-Brot, 2 Stück (ÄÖ)\n🦀e-mail").collect();
        assert_eq!(cut, ["käse", "brot", "2", "stück", "äö", "e", "mail"]);
        assert_eq!(words(" ,;\t").count(), 0);
    }

    #[test]
    fn a_long_word_counts_by_its_beginning() {
        let word = words(&"x".repeat(WORD_MAX_CHARS + 1)).next();
        assert_eq!(word.map(|word| word.len()), Some(WORD_MAX_CHARS));
    }
}
