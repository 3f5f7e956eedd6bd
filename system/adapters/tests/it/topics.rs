use gauntlet_contract::{Topic, TopicName};
use uuid::Uuid;

/// A topic that no other test knows.
pub(crate) fn fresh_topic() -> TopicName {
    TopicName::new(
        &format!("it-{}.", Uuid::now_v7().simple()),
        Topic::TaskEvents,
    )
}
