//! The ledger as evidence: one file of JSON lines a lane, in which every row is a line of its own.
//! It can be searched with line tools, and read back to be judged again.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AuditMessage, AuditOutboxRow, AuditTopic, CaseRecord, ClientTrace, DeadLetter, DeadLetterTopic,
    Dropped, Effect, EndingRecord, FaultRecord, GeneratorRecord, InboxRow, Lane, LaneRecord,
    Ledger, MemorySample, Offset, Operation, OutboxRow, ProbeRecord, Read, ReplayedGroup,
    RestartRecord, Seeded, SeededAnswer, StoredRow, TaskDetails, TaskRow, TraceIntake, TraceSpan,
};

/// Name and version of the format; the first line of each file carries it.
pub const SCHEMA: &str = "gauntlet.ledger/1";

/// Why a ledger file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {}", path.display())]
pub struct LedgerFileError {
    pub kind: LedgerFileErrorKind,
    pub path: PathBuf,
    #[source]
    source: io::Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFileErrorKind {
    #[error("failed to write ledger file")]
    Write,
    #[error("failed to read ledger file")]
    Read,
    #[error("failed to understand line {line} of ledger file")]
    Malformed { line: usize },
}

/// First line of a file.
#[derive(Serialize, Deserialize)]
struct Header {
    schema: String,
    scenario: String,
    lane: Lane,
    consumers: Vec<String>,
    poison: Vec<Uuid>,
    #[serde(default)]
    besides: Vec<Uuid>,
    #[serde(default)]
    besides_up_to: Vec<(Uuid, u64)>,
    #[serde(default)]
    besides_deleted: Vec<Uuid>,
    #[serde(default)]
    seeded_each: Vec<(Uuid, u64)>,
    #[serde(default)]
    untouched: u64,
}

/// A line as it is read; the tag is the row's kind. Tags stand outside the row, since raw JSON
/// cannot be taken out of a row that serde has to look into first.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header(Header),
    Operation(Operation),
    Read(Read),
    Seeded(Seeded),
    SeededAnswer(SeededAnswer),
    Task(TaskRow),
    Details(TaskDetails),
    Event(OutboxRow),
    Inbox(InboxRow),
    Effect(Box<Effect>),
    AuditOutbox(AuditOutboxRow),
    AuditMessage(AuditMessage),
    AuditTopic(AuditTopic),
    DeadLetter(DeadLetter),
    DeadLetterTopic(DeadLetterTopic),
    Dropped(Dropped),
    Offset(Offset),
    Fault(FaultRecord),
    Restart(RestartRecord),
    Memory(MemorySample),
    Case(Box<CaseRecord>),
    Probe(ProbeRecord),
    Replayed(ReplayedGroup),
    Stored(StoredRow),
    Span(TraceSpan),
    ClientTrace(ClientTrace),
    TraceIntake(TraceIntake),
    Generator(GeneratorRecord),
    Ending(EndingRecord),
}

/// The same line as it is written, without a copy of the row.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LineRef<'a> {
    Header(&'a Header),
    Operation(&'a Operation),
    Read(&'a Read),
    Seeded(&'a Seeded),
    SeededAnswer(&'a SeededAnswer),
    Task(&'a TaskRow),
    Details(&'a TaskDetails),
    Event(&'a OutboxRow),
    Inbox(&'a InboxRow),
    Effect(&'a Effect),
    AuditOutbox(&'a AuditOutboxRow),
    AuditMessage(&'a AuditMessage),
    AuditTopic(&'a AuditTopic),
    DeadLetter(&'a DeadLetter),
    DeadLetterTopic(&'a DeadLetterTopic),
    Dropped(&'a Dropped),
    Offset(&'a Offset),
    Fault(&'a FaultRecord),
    Restart(&'a RestartRecord),
    Memory(&'a MemorySample),
    Case(&'a CaseRecord),
    Probe(&'a ProbeRecord),
    Replayed(&'a ReplayedGroup),
    Stored(&'a StoredRow),
    Span(&'a TraceSpan),
    ClientTrace(&'a ClientTrace),
    TraceIntake(&'a TraceIntake),
    Generator(&'a GeneratorRecord),
    Ending(&'a EndingRecord),
}

/// Writes `ledger-<lane>.jsonl` for each lane into `dir`, which must exist, and returns the paths.
/// A file keeps its lane's rows in the order of the ledger, kind by kind.
pub fn write_jsonl(ledger: &Ledger, dir: &Path) -> Result<Vec<PathBuf>, LedgerFileError> {
    ledger
        .lanes()
        .map(|view| {
            let path = dir.join(format!("ledger-{}.jsonl", view.record().lane));
            match write_lane(ledger.scenario(), view.record(), &path) {
                Ok(()) => Ok(path),
                Err(source) => Err(LedgerFileError {
                    kind: LedgerFileErrorKind::Write,
                    path,
                    source,
                }),
            }
        })
        .collect()
}

/// Adds how the services of each lane ended to the files that [`write_jsonl`] left in `dir`.
pub fn append_endings(ledger: &Ledger, dir: &Path) -> Result<(), LedgerFileError> {
    for view in ledger.lanes() {
        let record = view.record();
        let path = dir.join(format!("ledger-{}.jsonl", record.lane));
        let append = || {
            let mut out = BufWriter::new(File::options().append(true).open(&path)?);
            write_rows(&mut out, &record.endings, LineRef::Ending)?;
            out.flush()
        };
        append().map_err(|source| LedgerFileError {
            kind: LedgerFileErrorKind::Write,
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

/// Reads files of [`write_jsonl`], all of one scenario, back into a ledger.
pub fn read_jsonl(paths: &[PathBuf]) -> Result<Ledger, LedgerFileError> {
    let mut scenario = String::new();
    let mut lanes = Vec::with_capacity(paths.len());
    for path in paths {
        let (header, record) = read_lane(path)?;
        scenario = header;
        lanes.push(record);
    }
    Ok(Ledger::new(scenario, lanes))
}

fn write_lane(scenario: &str, record: &LaneRecord, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let header = Header {
        schema: SCHEMA.to_owned(),
        scenario: scenario.to_owned(),
        lane: record.lane.clone(),
        consumers: record.consumers.clone(),
        poison: record.poison.clone(),
        besides: record.besides.clone(),
        besides_up_to: record.besides_up_to.clone(),
        besides_deleted: record.besides_deleted.clone(),
        seeded_each: record.seeded_each.clone(),
        untouched: record.untouched,
    };
    write_rows(&mut out, [&header], LineRef::Header)?;
    write_rows(&mut out, &record.operations, LineRef::Operation)?;
    write_rows(&mut out, &record.reads, LineRef::Read)?;
    write_rows(&mut out, &record.seeded, LineRef::Seeded)?;
    write_rows(&mut out, &record.seeded_answers, LineRef::SeededAnswer)?;
    write_rows(&mut out, &record.tasks, LineRef::Task)?;
    write_rows(&mut out, &record.details, LineRef::Details)?;
    write_rows(&mut out, &record.events, LineRef::Event)?;
    write_rows(&mut out, &record.inbox, LineRef::Inbox)?;
    write_rows(&mut out, &record.effects, LineRef::Effect)?;
    write_rows(&mut out, &record.audit_outbox, LineRef::AuditOutbox)?;
    write_rows(&mut out, &record.audit_messages, LineRef::AuditMessage)?;
    write_rows(&mut out, &record.audit_topics, LineRef::AuditTopic)?;
    write_rows(&mut out, &record.dead_letters, LineRef::DeadLetter)?;
    write_rows(
        &mut out,
        &record.dead_letter_topics,
        LineRef::DeadLetterTopic,
    )?;
    write_rows(&mut out, &record.dropped, LineRef::Dropped)?;
    write_rows(&mut out, &record.offsets, LineRef::Offset)?;
    write_rows(&mut out, &record.faults, LineRef::Fault)?;
    write_rows(&mut out, &record.restarts, LineRef::Restart)?;
    write_rows(&mut out, &record.memory, LineRef::Memory)?;
    write_rows(&mut out, &record.cases, LineRef::Case)?;
    write_rows(&mut out, &record.probes, LineRef::Probe)?;
    write_rows(&mut out, &record.replayed, LineRef::Replayed)?;
    write_rows(&mut out, &record.stored, LineRef::Stored)?;
    write_rows(&mut out, &record.spans, LineRef::Span)?;
    write_rows(&mut out, &record.client_traces, LineRef::ClientTrace)?;
    write_rows(&mut out, &record.trace_intake, LineRef::TraceIntake)?;
    write_rows(&mut out, &record.generator, LineRef::Generator)?;
    write_rows(&mut out, &record.endings, LineRef::Ending)?;
    out.flush()
}

fn write_rows<'a, T: 'a>(
    out: &mut impl Write,
    rows: impl IntoIterator<Item = &'a T>,
    line: impl Fn(&'a T) -> LineRef<'a>,
) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, &line(row))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// The scenario's name, and the lane.
fn read_lane(path: &Path) -> Result<(String, LaneRecord), LedgerFileError> {
    let fail = |kind, source| LedgerFileError {
        kind,
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(|source| fail(LedgerFileErrorKind::Read, source))?;
    // A header must come first, and only once: two files put together are two ledgers.
    let mut scenario = None;
    let mut record = LaneRecord::new(Lane::new(""), &[]);
    for (index, text) in BufReader::new(file).lines().enumerate() {
        let text = text.map_err(|source| fail(LedgerFileErrorKind::Read, source))?;
        let malformed = |source| fail(LedgerFileErrorKind::Malformed { line: index + 1 }, source);
        let line = serde_json::from_str(&text).map_err(|error| malformed(error.into()))?;
        match (line, &scenario) {
            (Line::Header(header), None) if header.schema == SCHEMA => {
                record.lane = header.lane;
                record.consumers = header.consumers;
                record.poison = header.poison;
                record.besides = header.besides;
                record.besides_up_to = header.besides_up_to;
                record.besides_deleted = header.besides_deleted;
                record.seeded_each = header.seeded_each;
                record.untouched = header.untouched;
                scenario = Some(header.scenario);
            }
            (Line::Header(header), _) => {
                let what = format!("a header of {} does not belong here", header.schema);
                return Err(malformed(io::Error::other(what)));
            }
            (line, _) => record.add(line),
        }
    }
    let headless = || io::Error::other("the file does not begin with a header");
    let malformed = LedgerFileErrorKind::Malformed { line: 1 };
    Ok((scenario.ok_or_else(|| fail(malformed, headless()))?, record))
}

impl LaneRecord {
    fn add(&mut self, line: Line) {
        match line {
            // Headers are the reader's business: it knows where one may stand.
            Line::Header(_) => {}
            Line::Operation(row) => self.operations.push(row),
            Line::Read(row) => self.reads.push(row),
            Line::Seeded(row) => self.seeded.push(row),
            Line::SeededAnswer(row) => self.seeded_answers.push(row),
            Line::Task(row) => self.tasks.push(row),
            Line::Details(row) => self.details.push(row),
            Line::Event(row) => self.events.push(row),
            Line::Inbox(row) => self.inbox.push(row),
            Line::Effect(row) => self.effects.push(*row),
            Line::AuditOutbox(row) => self.audit_outbox.push(row),
            Line::AuditMessage(row) => self.audit_messages.push(row),
            Line::AuditTopic(row) => self.audit_topics.push(row),
            Line::DeadLetter(row) => self.dead_letters.push(row),
            Line::DeadLetterTopic(row) => self.dead_letter_topics.push(row),
            Line::Dropped(row) => self.dropped.push(row),
            Line::Offset(row) => self.offsets.push(row),
            Line::Fault(row) => self.faults.push(row),
            Line::Restart(row) => self.restarts.push(row),
            Line::Memory(row) => self.memory.push(row),
            Line::Case(row) => self.cases.push(*row),
            Line::Probe(row) => self.probes.push(row),
            Line::Replayed(row) => self.replayed.push(row),
            Line::Stored(row) => self.stored.push(row),
            Line::Span(row) => self.spans.push(row),
            Line::ClientTrace(row) => self.client_traces.push(row),
            Line::TraceIntake(row) => self.trace_intake = Some(row),
            Line::Generator(row) => self.generator = Some(row),
            Line::Ending(row) => self.endings.push(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{
        Block, CgroupMemory, Ended, FaultKind, FaultSide, Micros, ProbeKind, ReadKind, sample,
        trace_sample,
    };

    #[test]
    fn what_is_written_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut spoilt = sample::lane("direct-kafka", 4);
        spoilt.poison.push(sample::event_id(9));
        spoilt.besides.push(sample::task_id(9));
        spoilt.besides_up_to.push((sample::task_id(9), 3));
        spoilt.endings.push(EndingRecord {
            service: "direct-kafka/api".to_owned(),
            ended: Ended::Code(0),
        });
        spoilt.besides_deleted.push(sample::task_id(9));
        spoilt.seeded_each.push((sample::task_id(9), 3));
        sample::seed(&mut spoilt, 2);
        sample::read(&mut spoilt, ReadKind::Search);
        spoilt.untouched = 7;
        crate::ledger::stored_sample::replay(&mut spoilt);
        trace_sample::trace(&mut spoilt);
        trace_sample::begin_by_client(&mut spoilt, 1);
        spoilt.audit_messages.push(AuditMessage::read(b"not\njson"));
        spoilt.dead_letters.push(DeadLetter {
            topic: "task-events-dlq".to_owned(),
            event_id: None,
            raw: "not\njson".to_owned(),
        });
        spoilt.faults.push(FaultRecord {
            what: FaultKind::Pause,
            target: "audit".to_owned(),
            side: FaultSide::Consumer,
            injected_at: Micros(1),
            healed_at: Some(Micros(2)),
            failed_attempts: 3,
        });
        spoilt.probes.push(ProbeRecord {
            block: Block::AccessControl,
            kind: ProbeKind::FailingTwin,
            case: "a stranger".to_owned(),
            expected: "403".to_owned(),
            got: "200".to_owned(),
            felt: "{}\n200".to_owned(),
        });
        let ledger = Ledger::new("burst", vec![sample::lane("dapr-kafka", 3), spoilt]);
        let paths = write_jsonl(&ledger, dir.path()).unwrap();
        let read = read_jsonl(&paths).unwrap();
        assert_eq!(read.scenario(), "burst");
        let records = |ledger: &Ledger| -> Vec<LaneRecord> {
            ledger.lanes().map(|view| view.record().clone()).collect()
        };
        assert_eq!(records(&read), records(&ledger));
    }

    #[test]
    fn a_ledger_from_before_the_allowance_of_bursts_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::new("burst", vec![sample::lane("a", 300)]);
        let path = write_jsonl(&ledger, dir.path()).unwrap().remove(0);
        let text = std::fs::read_to_string(&path).unwrap();
        let now = "\"late\":0,\"allowed_micros\":0,\"beyond_5ms\":null";
        assert!(text.contains(now), "{text}");
        std::fs::write(&path, text.replace(now, "\"late_beyond_5ms\":7")).unwrap();
        let read = read_jsonl(&[path]).unwrap();
        let view = read.lanes().next().unwrap();
        let generator = view.record().generator.as_ref().unwrap();
        assert_eq!((generator.late, generator.beyond_5ms), (7, None));
        assert_eq!(generator.late_after(), std::time::Duration::from_millis(5));
    }

    #[test]
    fn a_sample_without_a_cgroup_is_the_line_that_it_always_was() {
        let mut sample = MemorySample {
            process: "daprd-api".to_owned(),
            at: Micros(1),
            rss_bytes: 2,
            rss_high_water_bytes: 3,
            anonymous_bytes: 4,
            file_bytes: 5,
            cgroup: None,
        };
        let old = r#"{"memory":{"process":"daprd-api","at":1,"rss_bytes":2,"rss_high_water_bytes":3,"anonymous_bytes":4,"file_bytes":5}}"#;
        let written = |sample: &MemorySample| {
            let mut out = Vec::new();
            write_rows(&mut out, [sample], LineRef::Memory).unwrap();
            String::from_utf8(out).unwrap()
        };
        let read = |text: &str| match serde_json::from_str(text).unwrap() {
            Line::Memory(sample) => sample,
            _ => panic!("{text}"),
        };
        assert_eq!(written(&sample), format!("{old}\n"));
        assert_eq!(read(old), sample);
        sample.cgroup = Some(CgroupMemory {
            usage_bytes: 6,
            working_set_bytes: 5,
            anonymous_bytes: 4,
            peak_bytes: Some(7),
            limit_bytes: None,
        });
        let new = written(&sample);
        let cgroup = r#""cgroup":{"usage_bytes":6,"working_set_bytes":5,"anonymous_bytes":4,"peak_bytes":7}}}"#;
        assert!(new.contains(cgroup), "{new}");
        assert_eq!(read(&new), sample);
    }

    #[test]
    fn a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::new("burst", vec![sample::lane("a", 1)]);
        let path = write_jsonl(&ledger, dir.path()).unwrap().remove(0);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"operation\"", "\"operatic\"", 1)).unwrap();
        let error = read_jsonl(&[path]).unwrap_err();
        assert_eq!(error.kind, LedgerFileErrorKind::Malformed { line: 2 });
    }

    #[test]
    fn a_file_without_header_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.jsonl");
        std::fs::write(&path, "").unwrap();
        let error = read_jsonl(&[path]).unwrap_err();
        assert_eq!(error.kind, LedgerFileErrorKind::Malformed { line: 1 });
    }
}
