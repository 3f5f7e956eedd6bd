//! The conditions of a list of tasks, as queries spell them.

use gauntlet_contract::task::{TAGS_MAX, TITLE_MAX_CHARS};
use gauntlet_contract::{LabelId, Priority, TaskStatus};
use gauntlet_ports::{CategoryFilter, OverdueFilter, TaskFilter, TimeRange, words};
use jiff::{RoundMode, SignedDuration, Span, SpanRelativeTo, Timestamp, TimestampRound, Unit};

use super::query::Fields;

pub(super) const NOT_A_TIME: &str = "must be an RFC 3339 time; a + in it is written %2B";
/// No store need know a time before the first one of RFC 3339.
pub(super) const YEAR_ZERO: Timestamp = Timestamp::constant(-62_167_219_200, 0);
/// How `due_within` is written: numbers of weeks, days, hours, minutes and seconds. Nothing here tells that these
/// come in this order, and each once.
pub(super) const DUE_WITHIN: &str = "^[0-9]+[wdhms]( ?[0-9]+[wdhms])*$";
/// How far `due_within` looks ahead at most: ten years.
const DUE_WITHIN_MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// Reads the conditions:
/// - `q`: words, each of which must begin one of the title or description;
/// - `status`, `priority`: any of several, with commas;
/// - `category`: an id, or `none`;
/// - `tag`: all of several, with commas or in several fields;
/// - `due_from`, `due_to`, `created_from`, `created_to`: from included, to not;
/// - `overdue=true`: due before `now` and not completed; `overdue=false`: every other task;
/// - `due_within=7d`: due from `now` on, until then, and not completed.
pub(super) fn filter(fields: &mut Fields, now: Timestamp) -> TaskFilter {
    let expected =
        format!("must have 1 to {TITLE_MAX_CHARS} characters, a letter or digit among them");
    let text = fields.read("q", &expected, words_of);
    let given = fields.list(
        "status",
        "must be pending, in_progress or completed; several with commas",
        TaskStatus::from_name,
    );
    // In one order, whatever order they were given in, and each once.
    let is_given = |status: &TaskStatus| given.contains(status);
    let status = TaskStatus::ALL.into_iter().filter(is_given).collect();
    let mut priority = fields.list(
        "priority",
        "must be low, medium, high or urgent; several with commas",
        Priority::from_name,
    );
    priority.sort_unstable();
    priority.dedup();
    let category = fields.read(
        "category",
        "must be a category's id, or none",
        |text| match text {
            "none" => Some(CategoryFilter::Uncategorized),
            id => id.parse().ok().map(CategoryFilter::Is),
        },
    );
    let mut filter = TaskFilter {
        text: text.unwrap_or_default(),
        status,
        priority,
        category,
        tags: tags(fields),
        due: range(fields, "due_from", "due_to"),
        created: range(fields, "created_from", "created_to"),
        overdue: overdue(fields, now),
        series: None,
    };
    due_within(fields, &mut filter, now);
    filter
}

fn words_of(text: &str) -> Option<Vec<String>> {
    if text.chars().count() > TITLE_MAX_CHARS {
        return None;
    }
    let mut found: Vec<String> = Vec::new();
    for word in words(text) {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    (!found.is_empty()).then_some(found)
}

/// A task has so many tags at most, so a list of more could not find anything.
fn tags(fields: &mut Fields) -> Vec<LabelId> {
    let expected = "must be a tag's id; several with commas, or in several fields";
    let mut tags = fields.lists("tag", expected, |id| id.parse().ok());
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > TAGS_MAX {
        fields.refuse("tag", &format!("must be at most {TAGS_MAX}"));
    }
    tags
}

fn range(fields: &mut Fields, from: &str, to: &str) -> TimeRange {
    TimeRange {
        from: fields.read(from, NOT_A_TIME, time),
        before: fields.read(to, NOT_A_TIME, time),
    }
}

/// Tasks have times of whole microseconds. The next one is at once the first at or after a bound that
/// is included, and the first that is not before one that is not.
/// None where a store could not hold it.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    if time < YEAR_ZERO {
        return None;
    }
    let to_micros = TimestampRound::new()
        .smallest(Unit::Microsecond)
        .mode(RoundMode::Ceil);
    time.round(to_micros).ok()
}

fn overdue(fields: &mut Fields, now: Timestamp) -> Option<OverdueFilter> {
    fields.read("overdue", "must be true or false", |text| match text {
        "true" => Some(OverdueFilter::At(now)),
        "false" => Some(OverdueFilter::NotAt(now)),
        _ => None,
    })
}

fn due_within(fields: &mut Fields, filter: &mut TaskFilter, now: Timestamp) {
    let expected = "must be a time such as 7d, 36h or 90m, of ten years at most";
    let Some(until) = fields.read("due_within", expected, |text| ahead(text, now)) else {
        return;
    };
    let due = &mut filter.due;
    due.from = Some(due.from.map_or(now, |from| from.max(now)));
    due.before = Some(due.before.map_or(until, |before| before.min(until)));
    if filter.status.is_empty() {
        filter.status = TaskStatus::ALL.to_vec();
    }
    filter
        .status
        .retain(|status| *status != TaskStatus::Completed);
    if filter.status.is_empty() {
        fields.refuse(
            "due_within",
            "asks for what is not completed, and status for nothing else",
        );
    }
}

/// The end of a time that begins now. A day has 24 hours here: only a zone could tell otherwise.
fn ahead(text: &str, now: Timestamp) -> Option<Timestamp> {
    if !is_spelled(text) {
        return None;
    }
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    if !duration.is_positive() || duration > DUE_WITHIN_MAX {
        return None;
    }
    now.checked_add(duration).ok()
}

/// Whether the text is as [`DUE_WITHIN`] tells. A parser of spans takes more: names of units, fractions and
/// what ISO 8601 has.
fn is_spelled(text: &str) -> bool {
    const UNITS: [char; 5] = ['w', 'd', 'h', 'm', 's'];
    text.split_inclusive(UNITS)
        .enumerate()
        .all(|(place, part)| {
            let part = match part.strip_prefix(' ') {
                Some(part) if place > 0 => part,
                _ => part,
            };
            let number = part.strip_suffix(UNITS).unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_next_microsecond() {
        let at = |text: &str| time(text).map(|time| time.to_string());
        let whole = "2026-01-01T00:00:00.000001Z";
        assert_eq!(at(whole).as_deref(), Some(whole));
        assert_eq!(at("2026-01-01T00:00:00.000000001Z").as_deref(), Some(whole));
        assert_eq!(at("2026-01-01"), None);
    }

    #[test]
    fn times_ahead_are_read_as_people_write_them() {
        let now: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
        let hours = |text: &str| ahead(text, now).map(|end| end.duration_since(now).as_hours());
        assert_eq!(hours("7d"), Some(168));
        assert_eq!(hours("1w"), Some(168));
        assert_eq!(hours("1d 12h"), Some(36));
        assert_eq!(hours("1d12h"), Some(36));
        assert_eq!(hours("90m"), Some(1));
        for wrong in [
            "",
            "7",
            "0d",
            "-7d",
            "1mo",
            "1y",
            "soon",
            "4000d",
            "9999999999d",
            "P7D",
            "7days",
            "7 d",
            " 7d",
            "7d ",
            "1.5h",
            "1d  12h",
            "12h 1d",
        ] {
            assert_eq!(hours(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn words_are_searched_for_once_each() {
        assert_eq!(
            words_of("Milk, milk & bread"),
            Some(vec!["milk".into(), "bread".into()])
        );
        assert_eq!(words_of(" & "), None);
        assert_eq!(words_of(&"x".repeat(TITLE_MAX_CHARS + 1)), None);
    }
}
