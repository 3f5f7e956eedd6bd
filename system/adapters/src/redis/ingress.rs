use futures::FutureExt;
use futures::future::join_all;
use gauntlet_ports::{Ingress, PortError, ReadySignal, SubscriptionSet};
use redis::Client;
use tokio_util::sync::CancellationToken;

use super::consumer::StreamConsumer;
use super::error::{CONSUMER, port_error};
use super::settings::RedisSettings;

/// Consumes a subscription set from Redis Streams, one connection per subscription.
///
/// - An entry is acknowledged only when its effect is committed or its bytes are parked in
///   `<topic>-dlq`. A retried entry holds back its own key.
/// - Entries of a replica that has died are taken over once they are idle for `claim_idle`.
/// - Order per key holds while one replica consumes a group, across its crashes too. Redis hands
///   the entries of a group to whichever replica asks, so with several of them effects must be
///   gated on the task's version.
///
/// `run` ends after `stop` is cancelled and the batch at hand is settled and acknowledged. It
/// never fails: a Redis that is away is waited for, and `ready` tells.
///
/// `Invalid` when the URL is none.
pub fn ingress(
    settings: &RedisSettings,
    set: &SubscriptionSet,
    stop: &CancellationToken,
) -> Result<Ingress, PortError> {
    let client = Client::open(settings.url.as_str())
        .map_err(|error| port_error(CONSUMER, "configure", error))?;
    let (ready, states) = ReadySignal::over(set.iter().count());
    let consumers: Vec<StreamConsumer> = set
        .iter()
        .zip(states)
        .map(|(subscription, state)| {
            StreamConsumer::new(
                client.clone(),
                settings,
                subscription.clone(),
                state,
                stop.clone(),
            )
        })
        .collect();
    let run = join_all(consumers.into_iter().map(StreamConsumer::run));
    Ok(Ingress {
        router: None,
        ready,
        run: run.map(|_ended| Ok(())).boxed(),
    })
}
