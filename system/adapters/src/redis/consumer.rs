use std::time::{Duration, Instant};

use gauntlet_ports::{SourceState, Subscription};
use redis::{Client, RedisResult};
use tokio_util::sync::CancellationToken;

use super::dead_letters::RedisDeadLetters;
use super::settings::RedisSettings;
use super::stream::{Entry, GroupConnection, Membership};
use crate::consume::{BATCH_MAX, Backoff, Intake, Message, decode};

/// Longest blocking read; bounds how late a cancellation or a due retry is noticed.
const READ_WAIT_MAX: Duration = Duration::from_millis(250);
/// Unsettled entries that are held before reading stops. While one key is being retried, others
/// go on up to here; it also bounds what a crash redelivers.
const BACKLOG_MAX: usize = 256;
/// Signs of life within one `claim_idle`: one may fail, and one may be late.
const KEEPS_PER_IDLE: u32 = 3;

/// One subscription, as one consumer of its group.
pub(super) struct StreamConsumer {
    client: Client,
    member: Membership,
    intake: Intake<Entry>,
    /// Settled, and not known to be acknowledged.
    unacknowledged: Vec<String>,
    claim_idle: Duration,
    claimed_at: Instant,
    state: SourceState,
    stop: CancellationToken,
}

impl StreamConsumer {
    pub(super) fn new(
        client: Client,
        settings: &RedisSettings,
        subscription: Subscription,
        state: SourceState,
        stop: CancellationToken,
    ) -> Self {
        Self {
            client,
            member: Membership {
                stream: subscription.topic.to_string(),
                group: subscription.group.clone(),
                consumer: settings.consumer.clone(),
            },
            intake: Intake::new(subscription),
            unacknowledged: Vec::new(),
            claim_idle: settings.claim_idle,
            claimed_at: Instant::now(),
            state,
            stop,
        }
    }

    /// Consumes until stopped. Redis may go away and come back at any time; what is unsettled or
    /// unacknowledged by then is carried over to the next connection.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let Err(error) = self.session(&mut failures).await else {
                break;
            };
            self.state.interrupted();
            failures += 1;
            tracing::warn!(
                stream = self.member.stream,
                failures,
                error = &error as &dyn std::error::Error,
                "consuming stalls; reconnecting"
            );
            let pause = tokio::time::sleep(Backoff::RECONNECT.after(failures));
            self.stop.run_until_cancelled(pause).await;
        }
        self.state.interrupted();
    }

    /// One connection's life: ends well when stopped, else with what broke it.
    async fn session(&mut self, failures: &mut u32) -> RedisResult<()> {
        let mut group = GroupConnection::open(&self.client, self.member.clone()).await?;
        let dead_letters = RedisDeadLetters(group.connection());
        self.recover(&mut group, &dead_letters).await?;
        self.state.consuming();
        *failures = 0;
        while !self.stop.is_cancelled() {
            if self.claimed_at.elapsed() >= self.claim_idle / KEEPS_PER_IDLE {
                self.claim(&mut group).await?;
            }
            self.read(&mut group).await?;
            self.attempt(&mut group, &dead_letters).await?;
        }
        group.leave().await
    }

    /// Settles what a crashed predecessor was given, before anything newer is read: its entries
    /// come free one by one as they reach `claim_idle`, and a task's later events must not
    /// overtake them. Bounded, because a live replica always has something pending.
    async fn recover(
        &mut self,
        group: &mut GroupConnection,
        dead_letters: &RedisDeadLetters,
    ) -> RedisResult<()> {
        let started_at = Instant::now();
        let step = self.claim_idle / 20;
        while !self.stop.is_cancelled() {
            self.claim(group).await?;
            self.attempt(group, dead_letters).await?;
            let others = group
                .pending()
                .await?
                .saturating_sub(self.intake.unsettled());
            if others == 0 || started_at.elapsed() > self.claim_idle + step {
                break;
            }
            // Redis cannot tell when an entry comes free.
            let pause = tokio::time::sleep(step);
            self.stop.run_until_cancelled(pause).await;
        }
        Ok(())
    }

    /// Keeps what is being worked on, then takes over what others have left.
    async fn claim(&mut self, group: &mut GroupConnection) -> RedisResult<()> {
        let ours: Vec<String> = self
            .intake
            .positions()
            .map(|entry| entry.id.clone())
            .collect();
        let kept = group.keep(&ours).await?;
        self.intake.retain(|entry| kept.contains(&entry.id));
        for entry in group.claim(self.claim_idle).await? {
            self.admit(entry);
        }
        self.claimed_at = Instant::now();
        Ok(())
    }

    async fn read(&mut self, group: &mut GroupConnection) -> RedisResult<()> {
        let wait = self
            .intake
            .next_due_in()
            .map_or(READ_WAIT_MAX, |due_in| due_in.min(READ_WAIT_MAX));
        let room = BACKLOG_MAX.saturating_sub(self.intake.unsettled());
        if room == 0 {
            let pause = tokio::time::sleep(wait);
            self.stop.run_until_cancelled(pause).await;
            return Ok(());
        }
        for entry in group.read(room.min(BATCH_MAX), wait).await? {
            self.admit(entry);
        }
        Ok(())
    }

    fn admit(&mut self, entry: Entry) {
        let envelope = decode(&entry.data);
        let key = entry
            .key
            .clone()
            .or_else(|| envelope.as_ref().ok().map(|e| e.partitionkey.clone()));
        self.intake.push(Message {
            order: order(&entry.id),
            key,
            envelope,
            position: entry,
        });
    }

    async fn attempt(
        &mut self,
        group: &mut GroupConnection,
        dead_letters: &RedisDeadLetters,
    ) -> RedisResult<()> {
        let settled = self.intake.attempt(dead_letters).await;
        self.unacknowledged
            .extend(settled.into_iter().map(|entry| entry.id));
        group.acknowledge(&self.unacknowledged).await?;
        self.unacknowledged.clear();
        Ok(())
    }
}

/// A stream id, `<milliseconds>-<sequence>`, as the order that it stands for.
fn order(id: &str) -> (u64, u64) {
    let (millis, sequence) = id.split_once('-').unwrap_or((id, "0"));
    // Ids come from the server; one that is no number would be a server that is not Redis.
    (
        millis.parse().unwrap_or(u64::MAX),
        sequence.parse().unwrap_or(u64::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_numbers() {
        assert!(order("999-10") < order("1000-2"));
        assert!(order("1000-2") < order("1000-10"));
        assert_eq!(order("1526919030474-55"), (1_526_919_030_474, 55));
    }
}
