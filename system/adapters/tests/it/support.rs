use gauntlet_contract::{Topic, TopicName};
use uuid::Uuid;

/// The value of a variable that names a broker. Panics when it is unset.
pub(crate) fn broker(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: the feature contract-real needs a real broker there")
    })
}

/// A topic that no other test knows.
pub(crate) fn fresh_topic() -> TopicName {
    TopicName::new(
        &format!("it-{}.", Uuid::now_v7().simple()),
        Topic::TaskEvents,
    )
}
