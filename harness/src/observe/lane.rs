use std::time::{Duration, Instant};

use super::{
    Answer, Counts, EntityCounts, EntityObserver, KafkaObserver, ObserveError, PostgresObserver,
    RedisObserver, until,
};
use crate::ledger::{Lane, LaneRecord, Offset, Seeded};
use crate::provider::Waited;

/// Nothing may change for this long before a lane counts as quiet. Dapr commits Kafka offsets once
/// a second: an event whose consumer died after its effect comes back only after that.
const QUIET_FOR: Duration = Duration::from_millis(1_500);

/// Where a lane's events travel.
#[derive(Clone, Debug)]
pub enum BrokerObserver {
    Kafka(KafkaObserver),
    Redis(RedisObserver),
}

/// Reads all stores of one lane.
#[derive(Clone, Debug)]
pub struct LaneObserver {
    postgres: PostgresObserver,
    entities: EntityObserver,
    broker: BrokerObserver,
}

/// What the stores say while a lane settles.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    counts: Counts,
    entities: EntityCounts,
    /// Of all consumer groups together; none where a broker cannot tell.
    lag: Option<u64>,
}

impl LaneObserver {
    pub fn new(
        postgres: PostgresObserver,
        entities: EntityObserver,
        broker: BrokerObserver,
    ) -> Self {
        Self {
            postgres,
            entities,
            broker,
        }
    }

    pub fn postgres(&self) -> &PostgresObserver {
        &self.postgres
    }

    /// Waits until both outboxes are empty, the consumers have reached the end of their topics, and
    /// nothing of it changed for a while. It does not wait for lost effects: a lane may be quiet with
    /// fewer effects than events, and the checks then say so. Only where a broker cannot tell its
    /// lag does an effect for each event stand in for it.
    pub async fn quiesce(&self, within: Duration) -> Result<Counts, Waited> {
        let mut seen: Option<(Standing, Instant)> = None;
        let decide = |standing: Standing| {
            let since = match &seen {
                Some((before, since)) if *before == standing => *since,
                _ => Instant::now(),
            };
            let answer = if standing.is_drained() && since.elapsed() >= QUIET_FOR {
                Answer::Met(standing.counts)
            } else {
                Answer::NotYet(standing.to_string())
            };
            seen = Some((standing, since));
            answer
        };
        until("a quiet lane", within, || self.standing(), decide).await
    }

    /// The tasks that the database holds, before the first operation: each was put there past the system.
    pub async fn seeded(&self) -> Result<Vec<Seeded>, ObserveError> {
        let mut before = LaneRecord::new(Lane::new(""), &[]);
        self.entities.read_into(&mut before).await?;
        self.postgres.read_into(&mut before).await?;
        // Both are in the order of ids.
        let tasks = before.tasks.into_iter().zip(before.details);
        let seeded = tasks.map(|(row, details)| Seeded { row, details });
        Ok(seeded.collect())
    }

    /// Appends everything that the stores hold to the record.
    ///
    /// Offsets are read before the database: an offset past an event that the database does not
    /// yet show is then a fault of the system, not of the order of reading.
    pub async fn read_into(&self, record: &mut LaneRecord) -> Result<(), ObserveError> {
        record.offsets.extend(self.offsets().await?);
        self.entities.read_into(record).await?;
        self.postgres.read_into(record).await?;
        match &self.broker {
            BrokerObserver::Kafka(kafka) => {
                kafka.read_audit_logs(record).await?;
                kafka.read_dead_letters(record).await
            }
            BrokerObserver::Redis(redis) => {
                redis.read_audit_logs(record).await?;
                redis.read_dead_letters(record).await
            }
        }
    }

    /// Where each consumer group of the lane stands.
    pub async fn offsets(&self) -> Result<Vec<Offset>, ObserveError> {
        match &self.broker {
            BrokerObserver::Kafka(kafka) => kafka.offsets().await,
            BrokerObserver::Redis(redis) => redis.offsets().await,
        }
    }

    async fn standing(&self) -> Result<Standing, ObserveError> {
        let counts = self.postgres.counts().await?;
        let entities = self.entities.counts().await?;
        let lag = self.offsets().await?.iter().map(Offset::lag).sum();
        Ok(Standing {
            counts,
            entities,
            lag,
        })
    }
}

impl Standing {
    fn is_drained(&self) -> bool {
        let is_consumed = match self.lag {
            Some(lag) => lag == 0,
            None => self.counts.effects >= self.entities.owing,
        };
        let is_written = self.entities.early == 0 && self.entities.unsent_lines == 0;
        self.counts.unsent == 0 && is_consumed && is_written
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Standing {
            counts, entities, ..
        } = self;
        match self.lag {
            Some(lag) => write!(f, "{counts}, {entities}, lag {lag}"),
            None => write!(f, "{counts}, {entities}, lag not known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(unsent: u64, effects: u64, lag: Option<u64>) -> Standing {
        Standing {
            counts: Counts {
                events: 11,
                unsent,
                effects,
            },
            entities: EntityCounts {
                unsent_lines: 0,
                early: 0,
                owing: 10,
            },
            lag,
        }
    }

    #[test]
    fn a_lane_is_drained_when_nothing_is_on_its_way() {
        assert!(standing(0, 10, Some(0)).is_drained());
        assert!(!standing(1, 10, Some(0)).is_drained());
        assert!(!standing(0, 10, Some(1)).is_drained());
        let mut unpublished = standing(0, 10, Some(0));
        unpublished.entities.unsent_lines = 1;
        assert!(!unpublished.is_drained());
        let mut kept = standing(0, 10, Some(0));
        kept.entities.early = 1;
        assert!(!kept.is_drained());
    }

    #[test]
    fn lost_effects_do_not_hold_up_the_end() {
        assert!(standing(0, 7, Some(0)).is_drained());
    }

    #[test]
    fn effects_stand_in_for_a_lag_that_is_not_known() {
        assert!(standing(0, 10, None).is_drained());
        assert!(!standing(0, 9, None).is_drained());
        assert_eq!(
            standing(2, 9, None).to_string(),
            "11 events, 2 unsent, 9 effects, 0 audit lines unsent, 0 events early, lag not known"
        );
    }
}
