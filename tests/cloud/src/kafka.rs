//! Kafka: one broker, which is its own controller (KRaft).

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use perennial_tests::until;
use serde::Deserialize;

use crate::{Installed, Process, deployed, ports};

/// How long it may take to start on a busy machine.
const READY: Duration = Duration::from_secs(90);

/// What every broker of the test bed is called; any name of 16 bytes in base64url.
const CLUSTER: &str = "cGVyZW5uaWFsLXRlc3Q";

/// A running broker.
#[derive(Debug)]
pub struct Kafka {
    /// The broker.
    pub process: Process,
    installed: Installed,
    folder: PathBuf,
    port: u16,
}

/// A message as the broker has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// The key that chose the partition.
    pub key: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The event.
    pub value: String,
}

impl Kafka {
    /// Starts a broker with the topics that are declared.
    pub(crate) fn start(installed: &Installed, folder: &Path) -> Self {
        let [port, controller] = ports::free();
        let data = folder.join("kafka");
        let properties = folder.join("kafka.properties");
        fs::write(&properties, configuration(port, controller, &data)).unwrap();
        let java = |name: &str, memory: &str, class: &str| {
            Process::new(name, "java", folder).args([
                memory,
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                "-cp",
                &installed.kafka_classes(),
                class,
            ])
        };
        let format = java("kafka-format", "-Xmx128m", "kafka.tools.StorageTool");
        format.args(["format", "-t", CLUSTER, "-c"]).args([&properties]).run();
        let mut process = java("kafka", "-Xmx512m", "kafka.Kafka").args([&properties]);
        process.start();
        let mut kafka = Self { process, installed: installed.clone(), folder: folder.to_owned(), port };
        kafka.wait_until_ready();
        kafka
            .topics()
            .args(["declare", &kafka.address()])
            .args([deployed("topics.json")])
            .args(["local"])
            .run();
        kafka
    }

    /// Waits until it takes connections.
    pub fn wait_until_ready(&mut self) {
        until("Kafka listens", READY, || {
            self.process.must_run();
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// All that is on a topic now, partition by partition.
    pub fn read(&self, topic: &str) -> Vec<Record> {
        let printed = self.topics().args(["read", &self.address(), topic]).run();
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Has Kafka's own producer send so many records of so many bytes to a topic, each to be taken by all replicas, compressed as
    /// those of the sidecars are; gives how many it sent a second.
    pub fn produce(&self, topic: &str, records: usize, bytes: usize) -> f64 {
        let printed = Process::new("producer", "java", &self.folder)
            .args(["-Xmx256m", "-cp", &self.installed.kafka_classes()])
            .args(["org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--throughput", "-1"])
            .args(["--num-records", &records.to_string(), "--record-size", &bytes.to_string()])
            .args(["--producer-props", &format!("bootstrap.servers={}", self.address())])
            .args(["acks=all", "compression.type=snappy"])
            .run();
        // The last line is that of the whole.
        let mut rates =
            printed.lines().filter_map(|line| line.split_once(" records/sec")?.0.rsplit_once(' '));
        let rate = rates.next_back().and_then(|(_, rate)| rate.parse().ok());
        rate.unwrap_or_else(|| panic!("the producer says no rate:\n{printed}"))
    }

    /// Puts a message on a topic, under a key as the relay's is; gives its partition.
    pub fn put(&self, topic: &str, key: &str, message: &str) -> i32 {
        let put = self.topics().args(["put", &self.address(), topic, key, message]).run();
        put.trim().parse().unwrap()
    }

    fn topics(&self) -> Process {
        Process::new("topics", self.installed.program("topics"), &self.folder)
    }
}

fn configuration(port: u16, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=10485760
",
        data.display()
    )
}
