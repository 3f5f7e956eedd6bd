//! Which replica of the api publishes what all of them commit.

use std::time::Duration;

use gauntlet_contract::config::Role;
use gauntlet_harness::observe::{Answer, ObserveError, counter, until};
use gauntlet_harness::stack::{Lane, Member};

use super::Run;
use crate::scenario::Abort;

/// As many as the outbox is divided into. Each is one replica's at a time.
const SHARDS: u64 = 16;
/// What a replica calls the shards that it holds, by outbox.
const SHARDS_HELD: &str = "todo_relay_shards_held";
const OF_API: (&str, &str) = ("outbox", "api");
/// A lease that is not renewed ends after 3 s, and the next who asks has it, within a second. A busy machine
/// takes its time over the asking.
const HELD_WITHIN: Duration = Duration::from_secs(15);

/// A replica of the api, and where it tells of itself.
struct Teller {
    replica: Member,
    url: String,
}

impl Run {
    /// Waits until every shard of the outbox has its holder, and answers who has the most of them.
    pub async fn publishing_replica(&self, lane: &Lane) -> Result<Member, Abort> {
        let during = "wait for holders of all shards";
        let tellers = self.tellers(lane)?;
        let ask = || shards_of(&tellers);
        let held = until(during, HELD_WITHIN, ask, |held: Vec<u64>| {
            all(&held, held.clone())
        })
        .await;
        let held = held.map_err(Abort::during(during))?;
        let most = tellers.iter().zip(held).max_by_key(|(_, shards)| *shards);
        let most = most.ok_or_else(|| Abort::because(during, "the lane has no api"))?;
        Ok(most.0.replica)
    }

    /// Waits until replicas other than this one hold every shard.
    pub async fn taken_over_from(&self, lane: &Lane, replica: Member) -> Result<(), Abort> {
        let during = "wait for others to hold all shards";
        let mut others = self.tellers(lane)?;
        others.retain(|teller| teller.replica != replica);
        let ask = || shards_of(&others);
        let taken = until(during, HELD_WITHIN, ask, |held: Vec<u64>| all(&held, ())).await;
        taken.map_err(Abort::during(during))
    }

    fn tellers(&self, lane: &Lane) -> Result<Vec<Teller>, Abort> {
        let running = self.stack.lane(lane.name());
        let urls = running.map_err(Abort::during("find the lane"))?.api_urls();
        let tellers = (0..).zip(urls).map(|(replica, url)| Teller {
            replica: Member {
                role: Role::Api,
                replica,
            },
            url: format!("{url}/metrics"),
        });
        Ok(tellers.collect())
    }
}

async fn shards_of(tellers: &[Teller]) -> Result<Vec<u64>, ObserveError> {
    let mut held = Vec::new();
    for teller in tellers {
        held.push(counter(&teller.url, SHARDS_HELD, &[OF_API]).await?);
    }
    Ok(held)
}

/// A replica that was held up tells of shards that it has no more, until it asks for them again: then they are
/// more than there are.
fn all<T>(held: &[u64], answer: T) -> Answer<T> {
    match held.iter().sum() {
        SHARDS => Answer::Met(answer),
        other => Answer::NotYet(format!("{other} of {SHARDS} shards are held")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_to_be_held_by_one_each() {
        assert_eq!(all(&[0, 16], 7), Answer::Met(7));
        assert_eq!(all(&[5, 11], 7), Answer::Met(7));
        for held in [vec![], vec![0, 15], vec![16, 16]] {
            assert!(matches!(all(&held, ()), Answer::NotYet(_)), "{held:?}");
        }
    }
}
