//! The masked record of the cases as evidence: a file a lane, of which `diff` shows what the comparison saw.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::case_mask::{MASKED, mask};
use super::{LaneRecord, LaneView, Ledger, cases_as_told};

/// The comparison could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the masked cases to {}", path.display())]
pub struct CaseFileError {
    pub path: PathBuf,
    #[source]
    source: io::Error,
}

/// Writes `cases-<lane>.jsonl` for each lane that has cases into `dir`, which must exist: first what is
/// masked and why, then a line for each answer and row. Returns the paths. The files of lanes that did the
/// same have the same bytes, but for the cases in which one was asked something else on purpose.
pub fn write_cases(ledger: &Ledger, dir: &Path) -> Result<Vec<PathBuf>, CaseFileError> {
    let records = ledger.lanes().map(LaneView::record);
    records
        .filter(|record| !record.cases.is_empty())
        .map(|record| {
            let path = dir.join(format!("cases-{}.jsonl", record.lane));
            match write_lane(record, &path) {
                Ok(()) => Ok(path),
                Err(source) => Err(CaseFileError { path, source }),
            }
        })
        .collect()
}

fn write_lane(record: &LaneRecord, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for rule in MASKED {
        let how = format!("{:?}", rule.treatment);
        let rule = json!({"masked": rule.column, "how": how, "because": rule.because});
        writeln!(out, "{rule}")?;
    }
    for case in cases_as_told(record) {
        for line in mask(&case) {
            let line = json!({"case": case.name, "place": line.place, "value": line.value});
            writeln!(out, "{line}")?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::case_sample::lane_of_cases;

    #[test]
    fn lanes_that_did_the_same_have_files_with_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let lanes = ["direct-redis", "dapr-kafka"].map(|lane| lane_of_cases(lane, &["a", "b"]));
        let ledger = Ledger::new("equivalence", lanes.to_vec());
        let paths = write_cases(&ledger, folder.path()).unwrap();
        let texts: Vec<String> = paths
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(paths.len(), 2);
        assert_eq!(texts[0], texts[1]);
        assert!(texts[0].contains("\"case\":\"b\""), "{}", texts[0]);
    }

    #[test]
    fn a_lane_without_cases_has_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new("burst-1000", vec![lane_of_cases("direct-redis", &[])]);
        assert!(write_cases(&ledger, folder.path()).unwrap().is_empty());
    }
}
