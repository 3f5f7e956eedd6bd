use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gauntlet_contract::config::{Broker, Role};
use gauntlet_contract::{TaskId, Topic, UserId};
use gauntlet_harness::ledger::{Lane as LaneName, LaneRecord, NoiseFloor};
use gauntlet_harness::observe::{
    BrokerObserver, EntityObserver, KafkaObserver, LaneObserver, LaneTopics, LatestInstance,
    PostgresObserver, Reading, RedisObserver,
};
use gauntlet_harness::stack::{RunningLane, Stack};
use gauntlet_loadgen::arrival::Arrival;
use gauntlet_loadgen::client::{Client, Completion, Target, User};
use gauntlet_loadgen::{
    BeginSeries, ChangeTasks, CreateTasks, Generator, LivingTask, LoadError, MixOf, MixTasks, Plan,
    SettleInstances,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use uuid::Builder;

use super::aftermath::{living, owed};
use super::journal::{self, Purpose};
use super::offer::{Offer, OpenLoads};
use crate::scenario::Abort;

/// Owners of the tasks. Several, so that no row or index page of one user is everybody's.
const USERS: usize = 10;
/// Owners of series, besides.
const KEEPERS: usize = 5;
/// Longer than any run, so that no token ends in the middle of one.
const TOKEN_TTL: Duration = Duration::from_hours(25);
/// The consumer that owes an effect for each event.
const CONSUMER: &str = "audit";

/// One lane while a scenario runs on it.
#[derive(Debug)]
pub(super) struct LaneRun {
    pub(super) name: LaneName,
    pub(super) observer: LaneObserver,
    pub(super) record: LaneRecord,
    client: Client,
    users: Vec<Arc<User>>,
    /// Owners of series. They own nothing else, so that mixed changes leave the instances alone.
    keepers: Vec<Arc<User>>,
    /// What a load of the mix asks for and changes, as far as no load did.
    mix: MixOf,
    loads: u32,
    /// Begun, and not in the record yet.
    open: OpenLoads,
    /// What this machine alone does to a timer, where that was measured.
    pub(super) noise: Option<NoiseFloor>,
    read: bool,
}

/// What a load does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Creations alone.
    Creations,
    /// Creations, and in turn with them changes of the tasks that the lane's earlier loads left.
    Changes,
    /// Creations of tasks that each begin a series.
    Series,
}

impl LaneRun {
    pub(super) fn open(
        stack: &Stack,
        lane: &RunningLane,
        rng: &mut ChaCha8Rng,
    ) -> anyhow::Result<Self> {
        let mut user = || {
            let id = UserId(Builder::from_random_bytes(rng.random()).into_uuid());
            let token = stack.token_for(id, TOKEN_TTL)?;
            anyhow::Ok(Arc::new(User::new(id, &token)?))
        };
        let mut users = |count| (0..count).map(|_| user()).collect::<Result<_, _>>();
        let name = LaneName::new(lane.name());
        Ok(Self {
            record: LaneRecord::new(name.clone(), &[CONSUMER]),
            name,
            observer: observer(lane)?,
            client: Client::new(target(lane)?)?,
            users: users(USERS)?,
            keepers: users(KEEPERS)?,
            mix: MixOf::default(),
            loads: 0,
            open: OpenLoads::default(),
            noise: None,
            read: false,
        })
    }

    /// Starts a load. Its keys are unique in the lane.
    pub(super) fn begin(
        &mut self,
        arrival: Arrival,
        work: Work,
        purpose: Purpose,
    ) -> anyhow::Result<Offer> {
        let keys = self.next_keys();
        let users = self.users.clone();
        let plan = match work {
            Work::Creations => Plan::new(arrival, CreateTasks::new(keys, users)),
            Work::Changes => Plan::new(arrival, ChangeTasks::new(keys, users, self.living())),
            Work::Series => Plan::new(arrival, BeginSeries::new(keys, self.keepers.clone())),
        };
        self.start(plan.connected_by(connections_for(&arrival)), purpose)
    }

    /// Starts a load of mixed changes that also settles what is open of the lane's series now.
    pub(super) async fn begin_settling(
        &mut self,
        arrival: Arrival,
        purpose: Purpose,
    ) -> anyhow::Result<Offer> {
        let changes = ChangeTasks::new(self.next_keys(), self.users.clone(), self.living());
        self.begin_settling_among(changes, arrival, purpose).await
    }

    /// The same, and the changes are of few tasks at a time.
    pub(super) async fn begin_contending(
        &mut self,
        arrival: Arrival,
        purpose: Purpose,
    ) -> anyhow::Result<Offer> {
        let changes = ChangeTasks::of_few(self.next_keys(), self.users.clone(), self.living());
        self.begin_settling_among(changes, arrival, purpose).await
    }

    async fn begin_settling_among(
        &mut self,
        changes: ChangeTasks,
        arrival: Arrival,
        purpose: Purpose,
    ) -> anyhow::Result<Offer> {
        let latest = self.observer.postgres().latest_instances().await?;
        let open = open_instances(&latest, &self.keepers);
        let work = SettleInstances::new(self.next_keys(), changes, open);
        self.start(Plan::new(arrival, work), purpose)
    }

    /// What the next loads of the mix are of.
    pub(super) fn prepare_mix(&mut self, mix: MixOf) {
        self.mix = mix;
    }

    /// Starts a load of what was prepared. Its changes are not offered again.
    pub(super) fn begin_mix(
        &mut self,
        arrival: Arrival,
        purpose: Purpose,
    ) -> anyhow::Result<Offer> {
        let wanted = MixTasks::changes_in(arrival.count());
        let prepared = self.mix.changes.len();
        anyhow::ensure!(
            prepared >= wanted,
            "{wanted} changes are wanted and {prepared} prepared"
        );
        let left = self.mix.changes.split_off(wanted);
        let of = self.mix.clone();
        self.mix.changes = left;
        let work = MixTasks::new(self.next_keys(), self.users.clone(), of);
        self.start(Plan::new(arrival, work), purpose)
    }

    pub(super) fn users(&self) -> &[Arc<User>] {
        &self.users
    }

    /// For questions outside any load.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    fn next_keys(&mut self) -> String {
        self.loads += 1;
        format!("{}-{}", self.name, self.loads)
    }

    fn start(&mut self, plan: Plan, purpose: Purpose) -> anyhow::Result<Offer> {
        let load = Generator::new(self.client.clone(), plan).start()?;
        Ok(self.open.open(load, purpose))
    }

    /// Waits for the end of a load and enters it into the record.
    pub(super) async fn finish(&mut self, offer: &Offer) -> Result<(), LoadError> {
        self.open.finish(offer, &mut self.record).await
    }

    /// Stops the loads that still run and enters what they had offered.
    pub(super) async fn stop_loads(&mut self, within: Duration) -> Result<(), Abort> {
        self.open.stop(&mut self.record, within).await
    }

    /// Appends the final state of the lane's stores to the record, once.
    pub(super) async fn read(&mut self) -> Result<(), Abort> {
        // Into a copy: a reading that is given up or fails half-way is done again from the beginning,
        // and what it had read so far would then be there twice.
        let mut record = self.record.clone();
        let read = self.observer.read_into(&mut record).await;
        read.map_err(Abort::during("read the final state"))?;
        journal::count_unsent(&mut record.faults, self.open.unsent());
        record.set_aside_untouched();
        self.record = record;
        self.read = true;
        if let Some(generator) = &mut self.record.generator {
            generator.noise = self.noise;
        }
        Ok(())
    }

    pub(super) fn is_read(&self) -> bool {
        self.read
    }

    /// Effects that are owed so far.
    pub(super) fn owed(&self) -> u64 {
        owed(&self.record.operations)
    }

    /// What the loads so far left, each with its owner.
    fn living(&self) -> Vec<LivingTask> {
        let owners: HashMap<_, _> = self.users.iter().map(|user| (user.id().0, user)).collect();
        let living = living(&self.record.operations).into_iter();
        living
            .filter_map(|task| {
                Some(LivingTask {
                    user: Arc::clone(owners.get(&task.user_id)?),
                    id: TaskId(task.task_id),
                    state: task.state,
                })
            })
            .collect()
    }
}

/// Every replica of the lane's api: what is offered is dealt to all of them.
fn target(lane: &RunningLane) -> anyhow::Result<Target> {
    let mut target = Target::new(&lane.api_url())?;
    for replica in lane.api_urls().iter().skip(1) {
        target = target.and_replica(replica)?;
    }
    Ok(target)
}

/// The latest instances that are not completed, each with its owner.
fn open_instances(latest: &[LatestInstance], keepers: &[Arc<User>]) -> Vec<LivingTask> {
    let open = latest.iter().filter(|instance| !instance.is_completed);
    let open = open.filter_map(|instance| {
        let owner = |user: &&Arc<User>| user.id().0 == instance.user_id;
        Some(LivingTask {
            user: Arc::clone(keepers.iter().find(owner)?),
            id: TaskId(instance.task_id),
            state: Completion::Undone,
        })
    });
    open.collect()
}

/// A burst is about the system, not about a thousand TCP handshakes in the moment that it begins.
/// Other loads open connections as they need them.
fn connections_for(arrival: &Arrival) -> usize {
    match arrival {
        Arrival::Burst(burst) => usize::try_from(burst.size).unwrap_or(usize::MAX),
        Arrival::Steady(_) | Arrival::Ramp(_) | Arrival::Spike(_) => 0,
    }
}

/// What the ledger and the checks call a role's sidecar.
pub fn sidecar_process(role: Role) -> String {
    format!("daprd-{}", role.as_str())
}

/// What each role consumes. Of the others' topics nobody reads any yet.
const CONSUMED: [(Role, Topic); 2] = [
    (Role::Audit, Topic::TaskEvents),
    (Role::Recurring, Topic::TaskRecurrence),
];

fn observer(lane: &RunningLane) -> anyhow::Result<LaneObserver> {
    let postgres = PostgresObserver::new(lane.database_url())?;
    let owing = lane.topic(Topic::TaskEvents);
    let entities = EntityObserver::new(lane.database_url(), owing.as_str())?;
    let name = |topic| lane.topic(topic).as_str().to_owned();
    let letters = |(_, topic)| lane.topic(topic).dead_letter().as_str().to_owned();
    let topics = LaneTopics {
        readings: CONSUMED
            .map(|(role, topic)| Reading {
                group: lane.group(role),
                topic: name(topic),
            })
            .to_vec(),
        dead_letters: CONSUMED.map(letters).to_vec(),
        audit_logs: name(Topic::AuditLogs),
    };
    let broker = match (lane.lane().broker(), lane.kafka_brokers()) {
        (Broker::Kafka, Some(brokers)) => {
            BrokerObserver::Kafka(KafkaObserver::new(brokers, topics))
        }
        (Broker::Kafka, None) => anyhow::bail!("lane {} has no Kafka to observe", lane.name()),
        (Broker::Redis, _) => BrokerObserver::Redis(RedisObserver::new(lane.redis_url(), topics)?),
    };
    Ok(LaneObserver::new(postgres, entities, broker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_completed_or_of_a_stranger_is_not_open() {
        let keeper = |_| Arc::new(User::new(UserId::generate(), "token").expect("a token"));
        let keepers: Vec<Arc<User>> = (0..2).map(keeper).collect();
        let latest = |user: UserId, is_completed| LatestInstance {
            task_id: TaskId::generate().0,
            user_id: user.0,
            is_completed,
        };
        let latest = [
            latest(keepers[1].id(), false),
            latest(keepers[0].id(), true),
            latest(UserId::generate(), false),
        ];
        let open = open_instances(&latest, &keepers);
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].id.0, latest[0].task_id);
        assert_eq!(open[0].user.id(), keepers[1].id());
        assert_eq!(open[0].state, Completion::Undone);
    }
}
