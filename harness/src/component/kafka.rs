//! Kafka in `KRaft` mode: broker and controller in one JVM.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::kafka_admin::{KafkaProbe, create_topics};
use super::site::{Site, write};
use super::template::{self, Template};
use super::tree;
use crate::error::StackError;
use crate::provider::process::OneShot;
use crate::provider::{Endpoint, ServiceId, ServiceSpec, StopSignal};
use crate::store::Artifact;

/// 0.9 s with a class archive, 2 s without, on idle cores.
const READY_WITHIN: Duration = Duration::from_secs(45);
/// 1.2 s on idle cores.
const FORMAT_WITHIN: Duration = Duration::from_secs(45);
/// Any valid one; a fixed one lets a formatted directory serve all runs.
const CLUSTER_ID: &str = "Z2F1bnRsZXQtc3RhY2stMQ";
const DATA: &str = "data";

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
    address: SocketAddr,
    spec: ServiceSpec,
}

impl Kafka {
    /// Prepares a formatted log directory and the plan to run on it. `java` is the JVM's executable.
    pub async fn plan(artifact: &Artifact, java: &Path, site: &Site) -> Result<Self, StackError> {
        let address = site.address("kafka")?;
        let controller = site.address("kafka's controller")?;
        let home = site.temp_dir("kafka")?;
        let data = home.join(DATA);
        let (properties, logging) = (
            home.join("server.properties"),
            home.join("log4j2.properties"),
        );
        write(&properties, server_properties(address, controller, &data))?;
        write(&logging, LOGGING)?;
        let jvm = Jvm {
            java: java.to_owned(),
            classpath: artifact.kafka_classpath(),
            logging,
        };
        prepare_data(artifact, &jvm, &properties, &data, site).await?;
        let mut args: Vec<String> = JVM_FLAGS.map(str::to_owned).to_vec();
        if let Some(archive) = artifact.kafka_class_archive() {
            args.push(format!("-XX:SharedArchiveFile={}", archive.display()));
        }
        args.extend(jvm.main("kafka.Kafka"));
        args.push(properties.display().to_string());
        let spec = ServiceSpec {
            id: ServiceId::shared("kafka"),
            program: jvm.java,
            args,
            env: Vec::new(),
            working_dir: home,
            run_as: None,
            endpoints: vec![Endpoint::new("kafka", address.to_string())],
            readiness: Arc::new(KafkaProbe::new(address)),
            ready_within: READY_WITHIN,
            stop_signal: StopSignal::Term,
            provenance: Some(artifact.provenance.clone()),
        };
        Ok(Self { address, spec })
    }

    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// The bootstrap address, `host:port`.
    pub fn brokers(&self) -> String {
        self.address.to_string()
    }

    /// Makes topics; one that exists already is an error, because somebody else's events may be in it.
    pub async fn create_topics(&self, topics: &[NewTopic]) -> Result<(), StackError> {
        create_topics(self.address, topics).await
    }
}

struct Jvm {
    java: PathBuf,
    classpath: String,
    logging: PathBuf,
}

impl Jvm {
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
    artifact: &Artifact,
    jvm: &Jvm,
    properties: &Path,
    data: &Path,
    site: &Site,
) -> Result<(), StackError> {
    let key = template::key("kafka", &artifact.version, &[CLUSTER_ID.to_owned()]);
    let template = match Template::find(&site.templates, &key).await? {
        Template::Ready(template) => template,
        Template::Missing(making) => {
            format(jvm, properties, making.dir(), site).await?;
            // Where the properties say, from where it is copied back below.
            tree::copy(data, &making.dir().join(DATA), None)
                .and_then(|()| std::fs::remove_dir_all(data))
                .map_err(|error| StackError::io("take to the template", data, error))?;
            making.publish()?
        }
    };
    tree::copy(&template.join(DATA), data, None)
        .map_err(|error| StackError::io("copy the formatted directory to", data, error))
}

async fn format(jvm: &Jvm, properties: &Path, home: &Path, site: &Site) -> Result<(), StackError> {
    let mut args = jvm.main("kafka.tools.StorageTool");
    args.extend(["format", "-t", CLUSTER_ID, "-c"].map(str::to_owned));
    args.push(properties.display().to_string());
    let format = OneShot {
        what: "format Kafka's log directory".to_owned(),
        program: jvm.java.clone(),
        args,
        env: Vec::new(),
        working_dir: home.to_owned(),
        run_as: None,
        log: site.run.log_file(&ServiceId::shared("kafka-format")),
        within: FORMAT_WITHIN,
    };
    site.launcher.run(&format).await
}

/// A single node needs one replica of everything. The log cleaner's buffer would by default take as
/// much as the whole heap. Topics appear only when they are asked for, or a misnamed one would
/// swallow events instead of refusing them.
fn server_properties(broker: SocketAddr, controller: SocketAddr, data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{broker},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
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
        data.display()
    )
}
