//! Kafka in `KRaft` mode: broker and controller in one JVM.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::kafka_admin::{KafkaProbe, create_topics};
use super::runnable::{Origin, Runnable};
use super::site::{Listener, Site, write};
use super::template::{self, Template};
use super::tree;
use crate::error::StackError;
use crate::provider::{Endpoint, Limits, Mount, OneShot, ServiceId, ServiceSpec, StopSignal};

/// 0.9 s with a class archive, 2 s without, on idle cores.
const READY_WITHIN: Duration = Duration::from_secs(45);
/// 1.2 s on idle cores.
const FORMAT_WITHIN: Duration = Duration::from_secs(45);
/// Any valid one; a fixed one lets a formatted directory serve all runs.
const CLUSTER_ID: &str = "Z2F1bnRsZXQtc3RhY2stMQ";
const DATA: &str = "data";
/// The heap, and as much again for everything that a JVM has outside of it; page cache on top is given
/// back under pressure.
const LIMITS: Limits = Limits::memory_mib(1024);
/// Where the project's own image has its jars, and ours as well.
const JARS_IN_AN_IMAGE: &str = "/opt/kafka/libs/*";

/// The class archive was recorded under this collector and serves no other. Performance data would be
/// left behind in /tmp by a killed JVM.
const JVM_FLAGS: [&str; 5] = [
    "-Xms128m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
];

const LOGGING: &str = "\
status = error
appender.stdout.type = Console
appender.stdout.name = STDOUT
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = STDOUT
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
logger.groups.name = org.apache.kafka.coordinator.group
logger.groups.level = info
";

/// A topic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    pub partitions: i32,
}

/// A planned broker, and the way to talk to it once it runs.
#[derive(Debug, Clone)]
pub struct Kafka {
    for_harness: SocketAddr,
    for_peers: String,
    spec: ServiceSpec,
}

/// Clients of a broker connect where it says that it is. The harness and the other services know it by
/// different addresses, so it listens twice.
struct Listeners {
    harness: Listener,
    peers: Listener,
    controller: SocketAddr,
}

impl Kafka {
    /// Prepares a formatted log directory and the plan to run on it. `java` is the JVM's executable.
    pub async fn plan(kafka: &Runnable, java: &Path, site: &Site) -> Result<Self, StackError> {
        let id = ServiceId::shared("kafka");
        let listeners = Listeners {
            harness: site.listener(&id, "kafka")?,
            peers: site.listener(&id, "kafka for the other services")?,
            controller: site.private_address("kafka's controller")?,
        };
        let home = site.writable_dir("kafka")?;
        let data = home.join(DATA);
        let (properties, logging) = (
            home.join("server.properties"),
            home.join("log4j2.properties"),
        );
        write(&properties, server_properties(&listeners, &data))?;
        write(&logging, LOGGING)?;
        let jvm = Jvm::of(kafka, java, logging);
        prepare_data(kafka, &jvm, &home, &properties, site).await?;
        let mut args: Vec<String> = JVM_FLAGS.map(str::to_owned).to_vec();
        if let Origin::File(artifact) = &kafka.origin
            && let Some(archive) = artifact.kafka_class_archive()
        {
            args.push(format!("-XX:SharedArchiveFile={}", archive.display()));
        }
        args.extend(jvm.main("kafka.Kafka"));
        args.push(properties.display().to_string());
        let ports = vec![listeners.harness.port()];
        let spec = ServiceSpec {
            id,
            program: jvm.java,
            package: kafka.package(vec![Mount::writable(&home)], ports, LIMITS),
            args,
            env: Vec::new(),
            working_dir: home,
            run_as: site.provider.run_as(),
            endpoints: vec![Endpoint::new(
                "kafka",
                listeners.harness.harness.to_string(),
            )],
            readiness: Arc::new(KafkaProbe::new(listeners.harness.harness)),
            ready_within: READY_WITHIN,
            stop_signal: StopSignal::Term,
            provenance: Some(kafka.provenance.clone()),
        };
        Ok(Self {
            for_harness: listeners.harness.harness,
            for_peers: listeners.peers.peers,
            spec,
        })
    }

    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// The harness's bootstrap address, `host:port`.
    pub fn brokers(&self) -> String {
        self.for_harness.to_string()
    }

    /// The other services' bootstrap address, `host:port`.
    pub fn peers(&self) -> &str {
        &self.for_peers
    }

    /// Makes topics; one that exists already is an error, because somebody else's events may be in it.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<(), StackError> {
        create_topics(self.for_harness, topics).await
    }
}

struct Jvm {
    java: PathBuf,
    classpath: String,
    logging: PathBuf,
}

impl Jvm {
    fn of(kafka: &Runnable, java: &Path, logging: PathBuf) -> Self {
        let (java, classpath) = match &kafka.origin {
            Origin::File(artifact) => (java.to_owned(), artifact.kafka_classpath()),
            Origin::Image(_) | Origin::Built => (kafka.entry.clone(), JARS_IN_AN_IMAGE.to_owned()),
        };
        Self {
            java,
            classpath,
            logging,
        }
    }

    fn main(&self, class: &str) -> Vec<String> {
        let logging = format!("-Dlog4j2.configurationFile={}", self.logging.display());
        vec![
            logging,
            "-cp".to_owned(),
            self.classpath.clone(),
            class.to_owned(),
        ]
    }
}

/// Formatting starts a JVM for what is three small files. They hold no port and no path, so they are
/// made once for each version.
async fn prepare_data(
    kafka: &Runnable,
    jvm: &Jvm,
    home: &Path,
    properties: &Path,
    site: &Site,
) -> Result<(), StackError> {
    let data = home.join(DATA);
    let name = format!("kafka-{}", kafka.stem());
    let key = template::key(&name, &kafka.version, &[CLUSTER_ID.to_owned()]);
    let template = match Template::find(&site.templates, &key).await? {
        Template::Ready(template) => template,
        Template::Missing(making) => {
            format(kafka, jvm, home, properties, site).await?;
            // Where the properties say, from where it is copied back below.
            tree::copy(&data, &making.dir().join(DATA), None)
                .and_then(|()| std::fs::remove_dir_all(&data))
                .map_err(|error| StackError::io("take to the template", &data, error))?;
            making.publish()?
        }
    };
    tree::copy(&template.join(DATA), &data, site.provider.run_as())
        .map_err(|error| StackError::io("copy the formatted directory to", &data, error))
}

async fn format(
    kafka: &Runnable,
    jvm: &Jvm,
    home: &Path,
    properties: &Path,
    site: &Site,
) -> Result<(), StackError> {
    let mut args = jvm.main("kafka.tools.StorageTool");
    args.extend(["format", "-t", CLUSTER_ID, "-c"].map(str::to_owned));
    args.push(properties.display().to_string());
    let format = OneShot {
        what: "format Kafka's log directory".to_owned(),
        program: jvm.java.clone(),
        package: kafka.package(vec![Mount::writable(home)], Vec::new(), LIMITS),
        args,
        env: Vec::new(),
        working_dir: home.to_owned(),
        run_as: site.provider.run_as(),
        log: site.run.log_file(&ServiceId::shared("kafka-format")),
        within: FORMAT_WITHIN,
    };
    site.provider.run_once(format, &site.run).await
}

/// A single node needs one replica of everything. The log cleaner's buffer would by default take as
/// much as the whole heap. Topics appear only when they are asked for, or a misnamed one would
/// swallow events instead of refusing them.
fn server_properties(listeners: &Listeners, data: &Path) -> String {
    let Listeners {
        harness,
        peers,
        controller,
    } = listeners;
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
controller.listener.names=CONTROLLER
listeners=PEERS://{},HARNESS://{},CONTROLLER://{controller}
advertised.listeners=PEERS://{},HARNESS://{}
inter.broker.listener.name=PEERS
listener.security.protocol.map=PEERS:PLAINTEXT,HARNESS:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
",
        peers.bind,
        harness.bind,
        peers.peers,
        harness.harness,
        data.display()
    )
}
