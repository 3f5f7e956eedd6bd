//! Puts tasks into a lane's database as an import would: past the service, by the documented columns.
//!
//! Through the API 100,000 tasks would take minutes, and each would have its event. What the service makes
//! of a text (the words that are searched, the key that titles are ordered by) is made here once more, by
//! decision 0016 and not by the service's code.

use std::fmt::{Display, Write as _};

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::seed::{SeedLabel, SeedTask, VERSION};

/// Rows to a message. Some megabytes: large enough that the server does not wait for the next one.
const CHUNK_ROWS: usize = 10_000;
/// Longest word that is searched for, in characters.
const WORD_MAX_CHARS: usize = 64;

const COPY_LABELS: &str = "COPY labels (id, user_id, kind, name, name_key, color, version, \
     created_at, updated_at) FROM STDIN";
const COPY_TASKS: &str = "COPY tasks (id, user_id, title, title_key, description, search, status, \
     priority, due_at, time_zone, category_id, tags, version, text_version, created_at, updated_at, \
     completed_at) FROM STDIN";
/// The planner knows the tables as it would know them in years: counted, and with the pages marked whose
/// rows all can see.
const SETTLE: &str = "VACUUM (ANALYZE) tasks, labels";

/// Why tasks could not be put into a database.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}")]
pub struct SeedingError {
    what: &'static str,
    #[source]
    source: sqlx::Error,
}

/// Puts all labels and tasks into the database, each table at once or not at all. No commit of the service may be
/// under way, because the tables are tidied afterwards.
pub async fn seed(
    database_url: &str,
    labels: &[SeedLabel],
    tasks: &[SeedTask],
) -> Result<(), SeedingError> {
    let mut connection = PgConnection::connect(database_url)
        .await
        .map_err(during("connect to the lane's database"))?;
    let lines = labels.iter().map(label_line);
    copy(&mut connection, COPY_LABELS, lines, "seed labels").await?;
    let lines = tasks.iter().map(task_line);
    copy(&mut connection, COPY_TASKS, lines, "seed tasks").await?;
    let settled = sqlx::raw_sql(SETTLE).execute(&mut connection).await;
    settled.map_err(during("let Postgres count what was seeded"))?;
    connection
        .close()
        .await
        .map_err(during("take leave of the lane's database"))
}

fn during(what: &'static str) -> impl FnOnce(sqlx::Error) -> SeedingError {
    move |source| SeedingError { what, source }
}

async fn copy(
    connection: &mut PgConnection,
    statement: &str,
    lines: impl Iterator<Item = String>,
    what: &'static str,
) -> Result<(), SeedingError> {
    let mut lines = lines.peekable();
    let mut copying = connection
        .copy_in_raw(statement)
        .await
        .map_err(during(what))?;
    while lines.peek().is_some() {
        let chunk: String = lines.by_ref().take(CHUNK_ROWS).collect();
        copying
            .send(chunk.into_bytes())
            .await
            .map_err(during(what))?;
    }
    copying.finish().await.map_err(during(what))?;
    Ok(())
}

fn label_line(label: &SeedLabel) -> String {
    let mut line = Line::default();
    line.plain(label.id);
    line.plain(label.user_id);
    line.plain(label.kind);
    line.text(&label.name);
    line.text(&label.name.to_lowercase());
    line.plain(label.color);
    line.plain(VERSION);
    line.plain(label.created_at);
    line.plain(label.created_at);
    line.end()
}

fn task_line(task: &SeedTask) -> String {
    let mut line = Line::default();
    line.plain(task.id);
    line.plain(task.user_id);
    line.text(&task.title);
    line.text(&task.title.to_lowercase());
    line.optional(task.description.as_deref().map(escaped));
    line.text(&search(
        task.user_id,
        &task.title,
        task.description.as_deref(),
    ));
    line.plain(task.status);
    line.plain(task.priority);
    line.optional(task.due.map(|(at, _)| at));
    line.optional(task.due.map(|(_, zone)| zone));
    line.optional(task.category_id);
    let tags: Vec<String> = task.tags.iter().map(Uuid::to_string).collect();
    line.plain(format_args!("{{{}}}", tags.join(",")));
    line.plain(VERSION);
    line.plain(VERSION);
    line.plain(task.created_at);
    line.plain(task.updated_at);
    line.optional(task.completed_at);
    line.end()
}

/// A `tsvector` literal: the words of the title (weight A) and of the description (B), each at its place and
/// with the end of the user's id before it.
fn search(user_id: Uuid, title: &str, description: Option<&str>) -> String {
    let id = user_id.to_string();
    let mine = &id[id.len() - 8..];
    let title = words(title).map(|word| (word, 'A'));
    let description = words(description.unwrap_or_default()).map(|word| (word, 'B'));
    let lexemes = (1..).zip(title.chain(description));
    let lexemes: Vec<String> = lexemes
        .map(|(place, (word, weight))| format!("'{mine}{word}':{place}{weight}"))
        .collect();
    lexemes.join(" ")
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|c: char| !c.is_alphanumeric());
    runs.filter(|run| !run.is_empty()).map(|run| {
        let lower = run.chars().flat_map(char::to_lowercase);
        lower.take(WORD_MAX_CHARS).collect()
    })
}

/// A row of `COPY` in its text format.
#[derive(Default)]
struct Line(String);

impl Line {
    /// For values that have none of the format's own characters.
    fn plain(&mut self, value: impl Display) {
        if !self.0.is_empty() {
            self.0.push('\t');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value}");
    }

    fn text(&mut self, value: &str) {
        self.plain(escaped(value));
    }

    fn optional(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(value),
            None => self.plain("\\N"),
        }
    }

    fn end(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> SeedTask {
        let at = "2026-01-02T03:04:05.006Z".parse().unwrap();
        SeedTask {
            id: Uuid::from_u128(1),
            user_id: Uuid::from_u128(0xabcd),
            title: "Buy Käse, 2 kg".to_owned(),
            description: Some("a\\b\nnew\tline".to_owned()),
            status: "pending",
            priority: 3,
            due: None,
            category_id: None,
            tags: vec![Uuid::from_u128(2), Uuid::from_u128(3)],
            created_at: at,
            updated_at: at,
            completed_at: None,
        }
    }

    #[test]
    fn a_row_has_its_columns_and_no_characters_that_end_them_early() {
        let line = task_line(&task());
        let columns: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        let named = COPY_TASKS.split(['(', ')']).nth(1).unwrap().split(',');
        assert_eq!(columns.len(), named.count());
        assert_eq!(columns[3], "buy käse, 2 kg");
        assert_eq!(columns[4], "a\\\\b\\nnew\\tline");
        assert_eq!(columns[8], "\\N");
        assert_eq!(
            columns[11],
            "{00000000-0000-0000-0000-000000000002,00000000-0000-0000-0000-000000000003}"
        );
        assert_eq!(columns[14], "2026-01-02T03:04:05.006Z");
    }

    #[test]
    fn words_are_cut_and_marked_as_decision_0016_has_it() {
        let user_id = Uuid::from_u128(0xabcd);
        assert_eq!(
            search(user_id, "Buy Käse, 2 kg", Some("KÄSE!")),
            "'0000abcdbuy':1A '0000abcdkäse':2A '0000abcd2':3A '0000abcdkg':4A '0000abcdkäse':5B"
        );
        assert_eq!(search(user_id, "?!", None), "");
    }
}
