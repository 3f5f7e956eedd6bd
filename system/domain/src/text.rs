//! Rules for what people type.

use gauntlet_contract::task::{DESCRIPTION_MAX_CHARS, TITLE_MAX_CHARS};

use crate::command::Violation;

/// Trims a title and checks it: 1–200 characters (Unicode scalar values) on one line.
pub(crate) fn title(raw: &str, violations: &mut Vec<Violation>) -> String {
    let title = raw.trim();
    let chars = title.chars().count();
    if !(1..=TITLE_MAX_CHARS).contains(&chars) {
        violations.push(Violation {
            field: "title",
            detail: format!("must have 1 to {TITLE_MAX_CHARS} characters, has {chars}"),
        });
    }
    if title.chars().any(char::is_control) {
        violations.push(Violation {
            field: "title",
            detail: "must not contain control characters".to_owned(),
        });
    }
    title.to_owned()
}

/// Checks a description: at most 10,000 characters. Line breaks and tabs are what people write in
/// a text; every other control character is refused (NUL cannot even be stored in Postgres).
pub(crate) fn description(raw: &str, violations: &mut Vec<Violation>) -> String {
    // Not trimmed: leading blanks and final line breaks may be meant.
    let chars = raw.chars().count();
    if chars > DESCRIPTION_MAX_CHARS {
        violations.push(Violation {
            field: "description",
            detail: format!("must have at most {DESCRIPTION_MAX_CHARS} characters, has {chars}"),
        });
    }
    let is_refused = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if raw.chars().any(is_refused) {
        violations.push(Violation {
            field: "description",
            detail: "must not contain control characters other than line breaks and tabs"
                .to_owned(),
        });
    }
    raw.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title_violations(raw: &str) -> usize {
        let mut violations = Vec::new();
        title(raw, &mut violations);
        violations.len()
    }

    fn description_violations(raw: &str) -> usize {
        let mut violations = Vec::new();
        description(raw, &mut violations);
        violations.len()
    }

    #[test]
    fn a_title_is_measured_in_characters_after_trimming() {
        let longest = "ä".repeat(TITLE_MAX_CHARS);
        assert_eq!(title_violations(&format!("  {longest} \n")), 0);
        assert_eq!(title_violations(&format!("{longest}x")), 1);
        assert_eq!(title_violations(""), 1);
        assert_eq!(title_violations(" \t\n"), 1);
    }

    #[test]
    fn control_characters_are_refused() {
        assert_eq!(title_violations("a\0b"), 1);
        assert_eq!(title_violations("a\nb"), 1);
        assert_eq!(title_violations("a\u{85}b"), 1);
        assert_eq!(description_violations("a\0b"), 1);
        assert_eq!(description_violations("a\u{1b}[31m"), 1);
        assert_eq!(description_violations("line\r\n\tline"), 0);
    }

    #[test]
    fn a_description_may_be_empty_but_not_endless() {
        assert_eq!(description_violations(""), 0);
        assert_eq!(
            description_violations(&"ä".repeat(DESCRIPTION_MAX_CHARS)),
            0
        );
        assert_eq!(
            description_violations(&"ä".repeat(DESCRIPTION_MAX_CHARS + 1)),
            1
        );
    }
}
