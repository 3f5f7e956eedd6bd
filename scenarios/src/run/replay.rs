//! Has a lane read everything that was ever published once more, and records what its stores held before
//! and after.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use gauntlet_contract::config::{Broker, Role};
use gauntlet_harness::component::rewind;
use gauntlet_harness::ledger::{
    LaneRecord, Moment, Offset, ReplayedGroup, StoredRow, both_readings,
};
use gauntlet_harness::observe::{
    Answer, LaneObserver, RedisKeysObserver, TablesObserver, counter, messages, until,
};
use gauntlet_harness::provider::{Instance, Signal};
use gauntlet_harness::stack::{Lane, Mode, RunningLane, StackError};

use super::Run;
use crate::scenario::Abort;

/// An app drains, and a sidecar waits for its deliveries: each takes a few seconds at the most.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// A group is empty when its last member has left, or else when its session is over, which takes 6 s.
const REWOUND_WITHIN: Duration = Duration::from_secs(30);
/// What a process of the system calls the deliveries that it has settled, by topic and outcome.
const CONSUMED: &str = "todo_events_consumed_total";

/// A group, and a topic that it reads.
type Reading = (String, String);

impl Run {
    /// Sets every consumer group of a lane that has come to rest back to the beginning, and waits until
    /// each has read everything again. Nothing may be offered to the lane meanwhile.
    pub async fn replay(&mut self, lane: &Lane, within: Duration) -> Result<(), Abort> {
        self.phase(lane, "rest");
        let before = self.stored(lane, Moment::Before, within).await?;
        self.phase(lane, "rewind");
        let rewound = self.rewind(lane).await?;
        self.phase(lane, "replay");
        let observer = self.lane_mut(lane)?.observer.clone();
        let ask = || observer.offsets();
        let decide = |offsets: Vec<Offset>| is_at_end(&offsets);
        let at_end = until("the end of each topic again", within, ask, decide).await;
        // Also of a replay that got stuck: where it stands is what there is to see.
        let replayed = self.replayed(lane, &observer, &rewound).await?;
        self.lane_mut(lane)?.record.replayed.extend(replayed);
        at_end.map_err(Abort::during("read everything again"))?;
        let after = self.stored(lane, Moment::After, within).await?;
        let stored = both_readings(before, after);
        self.lane_mut(lane)?.record.stored.extend(stored);
        Ok(())
    }

    /// Every row of a lane's tables and state, and every message that it published for others.
    async fn stored(
        &mut self,
        lane: &Lane,
        moment: Moment,
        within: Duration,
    ) -> Result<Vec<StoredRow>, Abort> {
        let during = "read what is stored";
        let run = self.lane_mut(lane)?;
        let (name, observer) = (run.name.clone(), run.observer.clone());
        let quiet = observer.quiesce(within).await;
        quiet.map_err(Abort::during("wait for the lane to come to rest"))?;
        let mut seen = LaneRecord::new(name, &[]);
        let read = observer.read_into(&mut seen).await;
        read.map_err(Abort::during(during))?;
        if let Some(topic) = unread(&seen) {
            return Err(Abort::because(
                during,
                format!("not all of {topic} was read"),
            ));
        }
        let running = self.running(lane)?;
        let tables = TablesObserver::new(running.database_url());
        let tables = tables.map_err(Abort::during(during))?;
        let rows = tables.read(moment).await;
        tables.close().await;
        let state = RedisKeysObserver::new(running.redis_url(), state_prefix(lane));
        let state = state.map_err(Abort::during(during))?.read(moment).await;
        Ok([
            rows.map_err(Abort::during(during))?,
            state.map_err(Abort::during(during))?,
            messages(&seen, moment),
        ]
        .concat())
    }

    /// Answers where the groups stood before any member of them was there again.
    async fn rewind(&mut self, lane: &Lane) -> Result<Vec<Offset>, Abort> {
        let during = "find the consumer groups";
        let observer = self.lane_mut(lane)?.observer.clone();
        let offsets = observer.offsets().await.map_err(Abort::during(during))?;
        let readings: BTreeSet<Reading> = offsets.iter().map(reading).collect();
        let running = self.running(lane)?;
        let members = Members::of(running, &readings).map_err(Abort::during(during))?;
        let rewound = async {
            members.stop().await?;
            set_back(running, &readings).await?;
            let offsets = observer.offsets().await;
            offsets.map_err(Abort::during("see where the groups stand"))
        };
        let rewound = rewound.await;
        // Whatever came of it: a lane without its consumers cannot be told from one that lost events.
        members.start().await?;
        rewound
    }

    async fn replayed(
        &self,
        lane: &Lane,
        observer: &LaneObserver,
        rewound: &[Offset],
    ) -> Result<Vec<ReplayedGroup>, Abort> {
        let during = "see what was read again";
        let now = observer.offsets().await.map_err(Abort::during(during))?;
        let running = self.running(lane)?;
        let mut groups = Vec::new();
        for wanted in now.iter().map(reading).collect::<BTreeSet<Reading>>() {
            let of = |offsets: &[Offset]| -> Vec<Offset> {
                let found = offsets.iter().filter(|offset| reading(offset) == wanted);
                found.cloned().collect()
            };
            let (rewound, now) = (of(rewound), of(&now));
            let (group, topic) = wanted;
            let role = role_of(running, &group);
            let role = role.ok_or_else(|| Abort::because(during, format!("whose is {group}?")))?;
            let url = format!("{}/metrics", running.url(role));
            let labels = [("topic", topic.as_str()), ("outcome", "done")];
            // It counts from the process's start, which was after the group was set back.
            let redelivered = counter(&url, CONSUMED, &labels).await;
            groups.push(ReplayedGroup {
                held: now.iter().map(held).sum(),
                to_go_when_rewound: to_go(&rewound),
                redelivered: redelivered.map_err(Abort::during(during))?,
                to_go_at_end: to_go(&now),
                group,
                topic,
            });
        }
        Ok(groups)
    }

    pub(super) fn running(&self, lane: &Lane) -> Result<&RunningLane, Abort> {
        let running = self.stack.lane(lane.name());
        running.map_err(Abort::during("find the lane"))
    }
}

/// What stands before the keys of a lane's state where that is in Redis.
pub fn state_prefix(lane: &Lane) -> String {
    format!("{}state:", lane.topic_prefix())
}

/// The processes through which the groups are read.
struct Members {
    /// Apps first: they drain through their sidecars.
    layers: [Vec<Arc<dyn Instance>>; 2],
}

impl Members {
    fn of(running: &RunningLane, readings: &BTreeSet<Reading>) -> Result<Self, StackError> {
        let (mut apps, mut sidecars) = (Vec::new(), Vec::new());
        let consumes = |role: &Role| {
            let group = running.group(*role);
            readings.iter().any(|(reading, _)| *reading == group)
        };
        for role in Role::ALL.into_iter().filter(consumes) {
            apps.push(Arc::clone(running.app(role)?));
            if running.lane().mode() == Mode::Dapr {
                sidecars.push(Arc::clone(running.sidecar(role)?));
            }
        }
        Ok(Self {
            layers: [apps, sidecars],
        })
    }

    async fn stop(&self) -> Result<(), Abort> {
        for layer in &self.layers {
            try_join_all(layer.iter().map(end)).await?;
        }
        Ok(())
    }

    /// All at once, as at the beginning: an app is ready when its sidecar is, which waits for the app.
    async fn start(&self) -> Result<(), Abort> {
        let members = || self.layers.iter().flatten();
        let during = "start the consumers again";
        let begun = try_join_all(members().map(|member| member.restart())).await;
        begun.map_err(Abort::during(during))?;
        let ready = members().map(|member| member.ready(member.ready_within()));
        try_join_all(ready).await.map_err(Abort::during(during))?;
        Ok(())
    }
}

async fn end(member: &Arc<dyn Instance>) -> Result<(), Abort> {
    let during = "stop the consumers";
    let asked = member.signal(Signal::Term).await;
    asked.map_err(Abort::during(during))?;
    let ended = tokio::time::timeout(STOPPED_WITHIN, member.ended()).await;
    let still_there = |_| Abort::because(during, format!("{} does not end", member.id()));
    ended.map(|_| ()).map_err(still_there)
}

/// A broker may take a while to see that a group has no member any more.
async fn set_back(running: &RunningLane, readings: &BTreeSet<Reading>) -> Result<(), Abort> {
    let during = "set the consumer groups back";
    for (group, topic) in readings {
        let ask = || async move {
            match (running.lane().broker(), running.kafka_brokers()) {
                (Broker::Kafka, Some(brokers)) => rewind::kafka_group(brokers, group, topic).await,
                _ => rewind::redis_group(running.redis_url(), group, topic).await,
            }
        };
        let what = format!("{group} at the beginning of {topic}");
        let set_back = until(&what, REWOUND_WITHIN, ask, Answer::Met).await;
        set_back.map_err(Abort::during(during))?;
    }
    Ok(())
}

fn is_at_end(offsets: &[Offset]) -> Answer<()> {
    match to_go(offsets) {
        Some(0) => Answer::Met(()),
        Some(lag) => Answer::NotYet(format!("lag {lag}")),
        None => Answer::NotYet("lag not known".to_owned()),
    }
}

/// None where one of the positions is not known, and where there is none.
fn to_go(offsets: &[Offset]) -> Option<u64> {
    if offsets.is_empty() {
        return None;
    }
    offsets.iter().map(Offset::lag).sum()
}

fn held(offset: &Offset) -> u64 {
    match offset {
        Offset::Partition { start, end, .. } => u64::try_from(end - start).unwrap_or(0),
        Offset::Stream { length, .. } => *length,
    }
}

fn reading(offset: &Offset) -> Reading {
    match offset {
        Offset::Partition { group, topic, .. } => (group.clone(), topic.clone()),
        Offset::Stream { group, stream, .. } => (group.clone(), stream.clone()),
    }
}

fn role_of(running: &RunningLane, group: &str) -> Option<Role> {
    Role::ALL
        .into_iter()
        .find(|role| running.group(*role) == group)
}

/// A topic of which less was read than it holds.
fn unread(seen: &LaneRecord) -> Option<&str> {
    let trail = seen.audit_topics.iter();
    let trail = trail.map(|topic| (&topic.topic, topic.held, topic.read));
    let letters = seen.dead_letter_topics.iter();
    let letters = letters.map(|topic| (&topic.topic, topic.held, topic.read));
    let mut topics = trail.chain(letters);
    let short = topics.find(|(_, held, read)| read < held);
    short.map(|(topic, _, _)| topic.as_str())
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::ledger::sample;

    use super::*;

    fn stream(undelivered: Option<u64>) -> Offset {
        Offset::Stream {
            group: "audit".to_owned(),
            stream: "task-events".to_owned(),
            length: 9,
            pending: 0,
            undelivered,
        }
    }

    #[test]
    fn a_lag_that_is_not_known_is_not_the_end() {
        assert_eq!(is_at_end(&[stream(Some(0))]), Answer::Met(()));
        for offsets in [
            vec![stream(Some(0)), stream(Some(2))],
            vec![stream(Some(0)), stream(None)],
            Vec::new(),
        ] {
            assert!(matches!(is_at_end(&offsets), Answer::NotYet(_)));
        }
    }

    #[test]
    fn a_topic_that_was_read_in_part_is_named() {
        let mut seen = sample::lane("dapr-kafka", 3);
        assert_eq!(unread(&seen), None);
        seen.dead_letter_topics[0].held = 1;
        assert_eq!(unread(&seen), Some("task-events-dlq"));
    }
}
