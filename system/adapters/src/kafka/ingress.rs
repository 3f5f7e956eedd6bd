use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::join_all;
use gauntlet_ports::{
    Ingress, PortError, PortErrorKind, ReadySignal, Subscription, SubscriptionSet,
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::consumer::GroupConsumer;
use super::error::CONSUMER;
use super::settings::KafkaSettings;

/// Consumes a subscription set from Kafka: one group member, with a thread of its own, per group.
///
/// - An offset is committed only when every record before it is settled: its effect committed, or
///   its bytes parked in `<topic>-dlq`.
/// - A retried record holds back its own key, not its partition; the partition's commits wait for
///   it. A crash therefore delivers some settled records again.
/// - During a rebalance nothing is in a handler's hands: partitions change hands between batches.
///
/// `run` ends after `stop` is cancelled, the batch at hand is settled, offsets are committed and
/// the groups are left. Dropping it instead stops the threads soon after. It fails when librdkafka
/// reports a fatal error; brokers that are away are waited for.
///
/// `Invalid` when librdkafka refuses the settings, or a group subscribes to one topic twice.
pub fn ingress(
    settings: &KafkaSettings,
    set: &SubscriptionSet,
    stop: &CancellationToken,
) -> Result<Ingress, PortError> {
    let groups = by_group(set)?;
    let (ready, states) = ReadySignal::over(groups.len());
    let consumers = groups
        .into_iter()
        .zip(states)
        .map(|((group, subscriptions), state)| {
            let config = settings.consumer(&group);
            GroupConsumer::new(settings, &config, subscriptions, state)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Ingress {
        router: None,
        ready,
        run: run(consumers, stop.child_token()).boxed(),
    })
}

async fn run(consumers: Vec<GroupConsumer>, stop: CancellationToken) -> Result<(), PortError> {
    // Threads outlive the future that waits for them, unless they are told.
    let stop_when_dropped = stop.clone().drop_guard();
    let threads = consumers.into_iter().map(|consumer| {
        let (runtime, stop) = (Handle::current(), stop.clone());
        tokio::task::spawn_blocking(move || {
            let ended = consumer.consume(&runtime, &stop);
            // Half of a subscription set is worse than none: it looks alive.
            stop.cancel();
            ended
        })
    });
    let ended = join_all(threads).await;
    drop(stop_when_dropped);
    for thread in ended {
        thread.map_err(|panicked| {
            PortError::new(PortErrorKind::Internal, CONSUMER, "consume", panicked)
        })??;
    }
    Ok(())
}

fn by_group(set: &SubscriptionSet) -> Result<BTreeMap<String, Vec<Subscription>>, PortError> {
    let mut groups: BTreeMap<String, Vec<Subscription>> = BTreeMap::new();
    for subscription in set.iter() {
        let group = groups.entry(subscription.group.clone()).or_default();
        if group.iter().any(|other| other.topic == subscription.topic) {
            return Err(PortError::new(
                PortErrorKind::Invalid,
                CONSUMER,
                "subscribe",
                format!(
                    "group {} subscribes to {} twice",
                    subscription.group, subscription.topic
                ),
            ));
        }
        group.push(subscription.clone());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gauntlet_contract::{Topic, TopicName};
    use gauntlet_ports::testsuite::messaging::Recorder;

    use super::*;

    fn subscription(group: &str, topic: Topic) -> Subscription {
        Subscription {
            topic: TopicName::new("", topic),
            group: group.to_owned(),
            handler: Arc::new(Recorder::accepting()),
        }
    }

    #[test]
    fn topics_of_one_group_share_a_member() {
        let set = SubscriptionSet::default()
            .with(subscription("audit", Topic::TaskEvents))
            .with(subscription("audit", Topic::TaskReminders))
            .with(subscription("recurring", Topic::TaskEvents));
        let groups = by_group(&set).unwrap();
        let sizes: Vec<_> = groups.iter().map(|(g, s)| (g.as_str(), s.len())).collect();
        assert_eq!(sizes, [("audit", 2), ("recurring", 1)]);
    }

    #[test]
    fn one_topic_twice_in_a_group_is_refused() {
        let set = SubscriptionSet::default()
            .with(subscription("audit", Topic::TaskEvents))
            .with(subscription("audit", Topic::TaskEvents));
        let error = ingress(
            &KafkaSettings::new("127.0.0.1:1", "test"),
            &set,
            &CancellationToken::new(),
        )
        .unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid);
    }

    #[tokio::test]
    async fn a_cancelled_ingress_ends_though_no_broker_answers() {
        let set = SubscriptionSet::default().with(subscription("audit", Topic::TaskEvents));
        let stop = CancellationToken::new();
        let settings = KafkaSettings::new("127.0.0.1:1", "test");
        let ingress = ingress(&settings, &set, &stop).unwrap();
        assert!(!ingress.ready.is_ready());
        stop.cancel();
        ingress.run.await.unwrap();
    }
}
