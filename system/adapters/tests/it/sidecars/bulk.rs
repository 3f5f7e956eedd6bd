use std::collections::VecDeque;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use gauntlet_adapters::dapr::{DaprPublisher, DaprSettings};
use gauntlet_contract::{TaskId, TopicName};
use gauntlet_harness::component::redis::Redis;
use gauntlet_ports::testsuite::messaging::{SETTLE_WITHIN, task_event};
use gauntlet_ports::{Ack, Publisher as _};
use libtest_mimic::Trial;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Client};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};

use super::{AUDIT, BoxError, COMPONENTS, PUBSUB, Seat, common, folder};
use crate::components::{Components, Ground};
use crate::topics::fresh_topic;
use crate::trials::trials;

/// What the app answers, a delivery a line: of three entries it has done with the first, and of the two that
/// come again it gives up the one and has done with the other.
const ANSWERS: [&[&str]; 2] = [&["SUCCESS", "RETRY", "RETRY"], &["DROP", "SUCCESS"]];

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::bulk =>
        a_bulk_subscription_loses_a_dropped_event_and_parks_another_in_its_place,
    )
}

/// A sidecar that delivers three events at a time. For one trial.
#[derive(Clone)]
pub(crate) struct Bulk {
    sidecar: String,
    redis: String,
    topic: TopicName,
    /// Ids of events, a delivery a row.
    delivered: watch::Receiver<Vec<Vec<String>>>,
}

#[derive(Clone)]
struct App {
    answers: Arc<Mutex<VecDeque<&'static [&'static str]>>>,
    delivered: watch::Sender<Vec<Vec<String>>>,
}

impl Bulk {
    pub(crate) async fn start(ground: &Ground, redis: &Redis) -> Result<Self, BoxError> {
        let topic = fresh_topic();
        let (sender, delivered) = watch::channel(Vec::new());
        let app = App {
            answers: Arc::new(Mutex::new(VecDeque::from(ANSWERS))),
            delivered: sender,
        };
        let declared = json!([{
            "pubsubname": PUBSUB,
            "topic": topic.as_str(),
            "route": "/bulk",
            "deadLetterTopic": topic.dead_letter().as_str(),
            // The count alone makes a batch: the wait is longer than the trial.
            "bulkSubscribe": {
                "enabled": true,
                "maxMessagesCount": ANSWERS[0].len(),
                "maxAwaitDurationMs": 600_000,
            },
        }]);
        let router = Router::new()
            .route("/bulk", post(take))
            .with_state(app)
            .route("/dapr/subscribe", get(async move || Json(declared)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(axum::serve(listener, router).into_future());
        let home = ground.site.run.temp_dir("bulk")?;
        let seat = Seat {
            name: "bulk".to_owned(),
            app_id: AUDIT,
            app: address,
            resources: vec![common(), with_workers(&home)?],
            env: vec![
                ("REDIS_HOST".to_owned(), redis.peers().to_owned()),
                ("CONSUMER_GROUP".to_owned(), format!("{topic}.{{appID}}")),
            ],
            home: &home,
        };
        Ok(Self {
            sidecar: seat.take(ground).await?,
            redis: redis.url(),
            topic,
            delivered,
        })
    }

    /// Ids of what was parked, once something was.
    async fn parked(&self) -> Vec<String> {
        let client = Client::open(self.redis.as_str()).unwrap();
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(SETTLE_WITHIN));
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let wait = usize::try_from(SETTLE_WITHIN.as_millis() / 2).unwrap();
        let options = StreamReadOptions::default().block(wait);
        let stream = self.topic.dead_letter();
        let mut connection = connection.await.unwrap();
        let reply: Option<StreamReadReply> = connection
            .xread_options(&[stream.as_str()], &["0"], &options)
            .await
            .unwrap();
        let entries = reply.expect("a dead letter").keys.remove(0).ids;
        let id = |data: Vec<u8>| {
            let event: Value = serde_json::from_slice(&data).unwrap();
            event["id"].as_str().unwrap().to_owned()
        };
        let data = entries.iter().map(|entry| entry.get("data").unwrap());
        data.map(id).collect()
    }
}

/// The system's Redis component, with as many workers as a batch has entries: each holds one.
fn with_workers(home: &Path) -> Result<std::path::PathBuf, BoxError> {
    let component = fs::read_to_string(Path::new(COMPONENTS).join("redis/pubsub.yaml"))?;
    let one = "- name: concurrency\n      value: \"1\"";
    let several = one.replace('1', &ANSWERS[0].len().to_string());
    assert!(component.contains(one), "{component}");
    folder(home, "resources-bulk", &component.replace(one, &several))
}

async fn take(State(app): State<App>, Json(batch): Json<Value>) -> Json<Value> {
    let entries = batch["entries"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ids: Vec<_> = entries.iter().map(|it| text(&it["event"]["id"])).collect();
    let answers = app.answers.lock().await.pop_front().unwrap_or_default();
    let statuses: Vec<_> = entries
        .iter()
        .zip(answers)
        .map(|(entry, status)| json!({ "entryId": entry["entryId"], "status": status }))
        .collect();
    app.delivered.send_modify(|delivered| delivered.push(ids));
    Json(json!({ "statuses": statuses }))
}

/// Why deliveries are not taken in bulk (decision 0019).
async fn a_bulk_subscription_loses_a_dropped_event_and_parks_another_in_its_place(bench: Bulk) {
    let publisher = DaprPublisher::new(&DaprSettings {
        http_url: bench.sidecar.clone(),
        pubsub_name: PUBSUB.to_owned(),
        timeout: Duration::from_secs(10),
    });
    let publisher = publisher.unwrap();
    for _ in ANSWERS[0] {
        let event = [task_event(TaskId::generate(), 1)];
        let acks = publisher.publish(&bench.topic, &event).await;
        assert_eq!(acks, [Ack::Ok]);
    }
    let mut delivered = bench.delivered.clone();
    let both = delivered.wait_for(|rows| rows.len() == ANSWERS.len());
    let rows = tokio::time::timeout(SETTLE_WITHIN, both).await;
    let rows = rows.expect("delivered again").unwrap().clone();
    let [first, again] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(again, &first[1..], "what was to come again");
    let (given_up, done) = (&again[0], &again[1]);
    // The entry's place in the batch is looked up in the shorter one that came again.
    assert_eq!(bench.parked().await, std::slice::from_ref(done));
    assert_ne!(given_up, done);
}
