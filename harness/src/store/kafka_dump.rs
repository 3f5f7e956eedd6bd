//! One start and stop of the broker during which the JVM records the classes that it loads.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::artifact::Artifact;
use super::error::{StoreError, StoreErrorKind};
use super::tool::Tool;
use crate::provider::process::tether::Tethered;

/// Formatting takes 1.2 s, a start 2 s on idle cores; a loaded machine is given ten times that.
const FORMAT_LIMIT: Duration = Duration::from_secs(30);
const START_LIMIT: Duration = Duration::from_secs(45);
/// Writing the archive happens while the JVM ends.
const STOP_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The flags under which the archive is made. Class archives do not depend on heap sizes.
const JVM_FLAGS: [&str; 4] = [
    "-Xms128m",
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
];
const CLUSTER_ID: &str = "Z2F1bnRsZXQtY2RzLWNsYQ";

/// An `ApiVersions` request, version 0: length, key 18, version, correlation 1, no client id.
const API_VERSIONS: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

/// Makes the archive inside `work` and returns its path.
pub(super) fn make(java: &Tool, kafka: &Artifact, work: &Path) -> Result<PathBuf, StoreError> {
    let classpath = kafka.kafka_classpath();
    let (broker, controller) = (free_port()?, free_port()?);
    let properties = work.join("server.properties");
    fs::write(
        &properties,
        server_properties(broker, controller, &work.join("data")),
    )
    .map_err(|error| StoreError::io("write", &properties, error))?;

    let mut format = java.command();
    format
        .args([
            "-cp",
            &classpath,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            CLUSTER_ID,
            "-c",
        ])
        .arg(&properties);
    java.run(format, FORMAT_LIMIT, &mut |_| {})?;

    let archive = work.join("kafka.jsa");
    let log = work.join("broker.log");
    let output = File::create(&log).map_err(|error| StoreError::io("create", &log, error))?;
    let errors = output
        .try_clone()
        .map_err(|error| StoreError::io("open", &log, error))?;
    let mut start = java.command();
    start
        .args(JVM_FLAGS)
        .arg(format!("-XX:ArchiveClassesAtExit={}", archive.display()))
        .args(["-cp", &classpath, "kafka.Kafka"])
        .arg(&properties)
        .stdout(output)
        .stderr(errors);
    let mut broker_process = Recorder {
        child: java.spawn(start)?,
    };
    broker_process
        .answers_within(START_LIMIT, broker)
        .map_err(|why| gave_up(why, &log))?;
    broker_process
        .ends_within(STOP_LIMIT)
        .map_err(|why| gave_up(why, &log))?;
    if archive.is_file() {
        Ok(archive)
    } else {
        Err(gave_up("the JVM wrote no archive", &log))
    }
}

/// The broker of the recording; it never outlives this value.
struct Recorder {
    child: Tethered,
}

impl Recorder {
    fn answers_within(&mut self, limit: Duration, port: u16) -> Result<(), &'static str> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err("the broker ended by itself");
            }
            if asked_versions(port) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err("the broker did not answer in time")
    }

    fn ends_within(&mut self, limit: Duration) -> Result<(), &'static str> {
        self.child
            .ask_to_end()
            .map_err(|_| "the broker could not be signalled")?;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err("the broker did not end in time")
    }
}

fn asked_versions(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, ANSWER_WITHIN) else {
        return false;
    };
    let mut answer = [0; 8];
    stream.set_read_timeout(Some(ANSWER_WITHIN)).is_ok()
        && stream.write_all(&API_VERSIONS).is_ok()
        && stream.read_exact(&mut answer).is_ok()
}

/// A port that was free a moment ago. If another process takes it meanwhile the recording fails, and
/// the next fetch records.
fn free_port() -> Result<u16, StoreError> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| StoreError::io("find a free port on", Path::new("127.0.0.1"), error))
}

/// The log cleaner's buffer takes 128 MB by default, which is the whole heap.
fn server_properties(broker: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{broker}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n\
         log.cleaner.dedupe.buffer.size=2097152\n\
         offsets.topic.num.partitions=1\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n",
        data.display()
    )
}

fn gave_up(why: &'static str, log: &Path) -> StoreError {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last: Vec<_> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(3)
        .collect();
    let said = last.into_iter().rev().collect::<Vec<_>>().join(" | ");
    StoreError::new(
        StoreErrorKind::ToolFailed,
        format!("record Kafka's classes: {why}: {said}"),
        "nothing needs it; the next fetch tries again",
    )
}
