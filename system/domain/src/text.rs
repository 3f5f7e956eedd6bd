//! Rules for what people type.

use gauntlet_contract::label::NAME_MAX_CHARS;
use gauntlet_contract::task::{DESCRIPTION_MAX_CHARS, TITLE_MAX_CHARS};

use crate::change::Violation;

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

/// Trims the name of a tag or category and checks it: 1–50 characters on one line.
pub(crate) fn name(raw: &str, violations: &mut Vec<Violation>) -> String {
    let name = raw.trim();
    let chars = name.chars().count();
    if !(1..=NAME_MAX_CHARS).contains(&chars) {
        let detail = format!("must have 1 to {NAME_MAX_CHARS} characters, has {chars}");
        violations.push(Violation::new("name", detail));
    }
    if name.chars().any(char::is_control) {
        violations.push(Violation::new(
            "name",
            "must not contain control characters",
        ));
    }
    name.to_owned()
}

/// Reads a colour, `#rrggbb` or `#rgb`, as `#rrggbb` in lower case.
pub(crate) fn color(raw: &str, violations: &mut Vec<Violation>) -> String {
    let digits = raw.strip_prefix('#').unwrap_or_default();
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
    match digits.len() {
        6 if is_hex => raw.to_ascii_lowercase(),
        3 if is_hex => {
            let doubled = digits.chars().flat_map(|c| [c, c]);
            format!("#{}", doubled.collect::<String>().to_ascii_lowercase())
        }
        _ => {
            let detail = "must be a hex colour such as #ff8800";
            violations.push(Violation::new("color", detail));
            raw.to_owned()
        }
    }
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

    #[test]
    fn a_colour_is_six_hex_digits_or_three() {
        let read = |raw: &str| {
            let mut violations = Vec::new();
            let color = color(raw, &mut violations);
            violations.is_empty().then_some(color)
        };
        assert_eq!(read("#FF8800").as_deref(), Some("#ff8800"));
        assert_eq!(read("#F80").as_deref(), Some("#ff8800"));
        for wrong in [
            "", "#", "ff8800", "#ff880", "#ff88000", "#gg8800", "red", "#ÄÖÜ",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
