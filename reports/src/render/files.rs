//! Reports on disk: written whole, read back only where the schema is known.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::{ReadError, ReadErrorKind, RenderError, RenderErrorKind};
use super::{render_html, render_junit, render_markdown};
use crate::evidence::{Report, SCHEMA};

/// Where the four renderings of one report are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub json: PathBuf,
    pub markdown: PathBuf,
    pub junit: PathBuf,
    pub html: PathBuf,
}

/// Renders a report into `report.json`, `report.md`, `junit.xml` and `report.html` in `dir`, which
/// is created when missing.
///
/// Everything is rendered before the first byte is written, and each file appears whole or not at
/// all: a reader never meets half a report.
pub fn write_all(report: &Report, dir: &Path) -> Result<Written, RenderError> {
    let rendered = [
        ("report.json", render_json(report)?),
        ("report.md", render_markdown(report)),
        ("junit.xml", render_junit(report)?),
        ("report.html", render_html(report)?),
    ];
    let failed = |path: &Path, source: io::Error| {
        RenderError::new(
            RenderErrorKind::Write {
                path: path.to_owned(),
            },
            source,
        )
    };
    fs::create_dir_all(dir).map_err(|source| failed(dir, source))?;
    for (name, text) in &rendered {
        replace(dir, name, text).map_err(|source| failed(&dir.join(name), source))?;
    }
    let [json, markdown, junit, html] = rendered.map(|(name, _)| dir.join(name));
    Ok(Written {
        json,
        markdown,
        junit,
        html,
    })
}

/// The report as indented JSON, the schema's name first.
pub fn render_json(report: &Report) -> Result<String, RenderError> {
    let mut json = serde_json::to_string_pretty(report)
        .map_err(|source| RenderError::new(RenderErrorKind::Json, source))?;
    json.push('\n');
    Ok(json)
}

/// Reads a report back, and refuses any schema but the one this crate knows.
pub fn read(path: &Path) -> Result<Report, ReadError> {
    let malformed = |source: serde_json::Error| {
        ReadError::new(path, ReadErrorKind::Malformed, Some(source.into()))
    };
    let text = fs::read_to_string(path)
        .map_err(|source| ReadError::new(path, ReadErrorKind::Io, Some(source.into())))?;
    // The schema comes first: a report of a later version may not have this version's shape, and
    // "missing field" would send the reader looking for damage that is not there.
    let Header { schema } = serde_json::from_str(&text).map_err(malformed)?;
    if schema.as_deref() != Some(SCHEMA) {
        return Err(ReadError::new(
            path,
            ReadErrorKind::UnknownSchema { found: schema },
            None,
        ));
    }
    serde_json::from_str(&text).map_err(malformed)
}

#[derive(Deserialize)]
struct Header {
    schema: Option<String>,
}

fn replace(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    // In the same folder, since a rename across file systems is a copy. The process id keeps two
    // writers apart.
    let draft = dir.join(format!(".{name}.{}", std::process::id()));
    let written = write_synced(&draft, text).and_then(|()| fs::rename(&draft, dir.join(name)));
    if written.is_err() {
        // The write's own error is the one to report; a draft that cannot be removed adds nothing.
        drop(fs::remove_file(&draft));
    }
    written
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
