use std::fmt;
use std::sync::Arc;

/// A secret's name, as it is in every store: 1 to 253 letters, digits, `_`, `-` and `.`, with no dot in
/// front. It can be the name of a variable, of a file and of a key of a Kubernetes secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// What a secret's name must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "name a secret {0:?}: 1 to 253 letters, digits, `_`, `-` and `.` are allowed, with no dot in front"
)]
pub struct InvalidSecretName(pub String);

impl SecretName {
    /// A key of a Kubernetes secret may be as long.
    const MAX_BYTES: usize = 253;

    pub fn new(text: impl Into<String>) -> Result<Self, InvalidSecretName> {
        let text = text.into();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let is_name = (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().all(is_allowed)
            // Neither a way out of a folder nor one of the files that Kubernetes keeps for itself.
            && !text.starts_with('.');
        if is_name {
            Ok(Self(text))
        } else {
            Err(InvalidSecretName(text))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that must not be written down anywhere. It has no `Display`, and its `Debug` does not show
/// it. It is never empty: in every store an empty value counts as none.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// None of an empty value.
    pub fn new(value: impl Into<Arc<str>>) -> Option<Self> {
        let value = value.into();
        (!value.is_empty()).then_some(Self(value))
    }

    /// The value, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("hunter2").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(format!("{:#?}", Some(&secret)), "Some(\n    Secret(..),\n)");
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(Secret::new(""), None);
    }

    #[test]
    fn a_name_is_one_in_every_store() {
        for text in ["JWT_KEY", "tls.crt", "a-1", &"x".repeat(253)] {
            assert_eq!(
                SecretName::new(text).map(|name| name.0).as_deref(),
                Ok(text)
            );
        }
        let long = "x".repeat(254);
        for text in ["", ".", "..data", "../x", "a/b", "a b", "é", "a\n", &long] {
            assert_eq!(SecretName::new(text), Err(InvalidSecretName(text.into())));
        }
    }
}
