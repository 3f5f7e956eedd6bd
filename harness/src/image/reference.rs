use crate::error::{StackError, StackErrorKind};

/// A reference that means one image: without a tag the engine would take it for all of a repository.
pub(super) fn with_tag(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains([':', '@']) {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    }
}

/// The tag, or what a digest says instead.
pub(super) fn tag(reference: &str) -> &str {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    name.split_once(['@', ':']).map_or("latest", |(_, tag)| tag)
}

/// Checks what a person named. The engine knows the grammar; this catches what cannot be meant.
pub(super) fn named(variable: &str, text: &str) -> Result<String, StackError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && text.chars().all(plain) {
        return Ok(with_tag(text));
    }
    Err(StackError::new(
        StackErrorKind::Config,
        format!("take the image '{text}' that {variable} names: that is no reference"),
        format!("set {variable} to a reference such as name/image:tag, or unset it"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_a_tag_means_the_latest_one() {
        for (given, whole, its_tag) in [
            ("postgres", "postgres:latest", "latest"),
            ("postgres:17.6", "postgres:17.6", "17.6"),
            (
                "mirror.local:5000/postgres",
                "mirror.local:5000/postgres:latest",
                "latest",
            ),
            ("mirror.local:5000/a/b:1", "mirror.local:5000/a/b:1", "1"),
            ("a/b@sha256:00ff", "a/b@sha256:00ff", "sha256:00ff"),
        ] {
            assert_eq!(with_tag(given), whole);
            assert_eq!(tag(&with_tag(given)), its_tag);
        }
    }

    #[test]
    fn planted_nonsense_is_refused_with_the_variables_name() {
        for text in ["", "a b", "-rm", "kafka;ls", "käfka"] {
            let error = named("GAUNTLET_KAFKA_IMAGE", text).unwrap_err();
            assert!(
                error.to_string().contains("GAUNTLET_KAFKA_IMAGE"),
                "{error}"
            );
        }
    }
}
