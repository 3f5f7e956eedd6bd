use std::fmt;

/// Names an entry of a state store: 1 to [`Key::MAX_BYTES`] bytes, no control characters, no `||`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// What a key must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("use an empty key")]
    Empty,
    #[error("use a key of {bytes} bytes: {} is the limit", Key::MAX_BYTES)]
    TooLong { bytes: usize },
    #[error("use a key with a control character in it")]
    ControlCharacter,
    #[error("use a key with `||` in it: Dapr parts its own prefix from the key by that")]
    Separator,
}

impl Key {
    /// Every backend takes as much.
    pub const MAX_BYTES: usize = 255;

    pub fn new(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidKey::TooLong { bytes: text.len() });
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidKey::ControlCharacter);
        }
        if text.contains("||") {
            return Err(InvalidKey::Separator);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_backend_could_not_take_is_refused() {
        let longest = "k".repeat(Key::MAX_BYTES);
        assert_eq!(
            Key::new(longest.clone()).map(|key| key.0),
            Ok(longest.clone())
        );
        let bytes = Key::MAX_BYTES + 1;
        for (text, refusal) in [
            (String::new(), InvalidKey::Empty),
            (longest + "k", InvalidKey::TooLong { bytes }),
            ("a\nb".to_owned(), InvalidKey::ControlCharacter),
            ("a\0".to_owned(), InvalidKey::ControlCharacter),
            ("app||key".to_owned(), InvalidKey::Separator),
        ] {
            assert_eq!(Key::new(text), Err(refusal));
        }
        for text in ["a|b", "a/b c?d=é%20", "🦀"] {
            assert_eq!(Key::new(text).map(|key| key.0), Ok(text.to_owned()));
        }
    }
}
