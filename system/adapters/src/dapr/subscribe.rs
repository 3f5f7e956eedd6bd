use gauntlet_contract::TopicName;
use gauntlet_ports::Settle;
use serde::Serialize;

/// One entry of the answer to `GET /dapr/subscribe`. Dapr's names, hence the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declared {
    pubsubname: String,
    topic: String,
    route: String,
    /// A topic of the same component: the sidecar moves an event there when it is dropped.
    dead_letter_topic: String,
}

impl Declared {
    pub(super) fn new(pubsub_name: &str, topic: &TopicName) -> Self {
        Self {
            pubsubname: pubsub_name.to_owned(),
            topic: topic.to_string(),
            route: route(topic),
            dead_letter_topic: topic.dead_letter().to_string(),
        }
    }
}

/// The path that a topic's events are posted to.
pub(super) fn route(topic: &TopicName) -> String {
    format!("/events/{topic}")
}

/// The body of an answer to a delivery. Dapr takes any other word for a retry, and a 404 for
/// success, so every answer is 200 with one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Success,
    Retry,
    Drop,
}

impl Answer {
    pub(super) const DROP: Self = Self {
        status: Status::Drop,
    };
}

impl From<&Settle> for Answer {
    fn from(settle: &Settle) -> Self {
        let status = match settle {
            Settle::Done => Status::Success,
            Settle::Retry => Status::Retry,
            Settle::DeadLetter(_) => Status::Drop,
        };
        Self { status }
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_contract::Topic;

    use super::*;

    #[test]
    fn the_declaration_is_what_dapr_reads() {
        let topic = TopicName::new("dapr-kafka.", Topic::TaskEvents);
        let declared = serde_json::to_string(&[Declared::new("pubsub", &topic)]).unwrap();
        assert_eq!(
            declared,
            r#"[{"pubsubname":"pubsub","topic":"dapr-kafka.task-events","route":"/events/dapr-kafka.task-events","deadLetterTopic":"dapr-kafka.task-events-dlq"}]"#
        );
    }

    #[test]
    fn the_three_words_of_dapr() {
        let word = |settle: Settle| serde_json::to_string(&Answer::from(&settle)).unwrap();
        assert_eq!(word(Settle::Done), r#"{"status":"SUCCESS"}"#);
        assert_eq!(word(Settle::Retry), r#"{"status":"RETRY"}"#);
        assert_eq!(
            word(Settle::DeadLetter("poison".to_owned())),
            r#"{"status":"DROP"}"#
        );
        assert_eq!(
            serde_json::to_string(&Answer::DROP).unwrap(),
            r#"{"status":"DROP"}"#
        );
    }
}
