use std::sync::Arc;
use std::time::Duration;

use gauntlet_harness::ledger::{LaneRecord, Micros};
use gauntlet_loadgen::{Load, LoadError, LoadRecord, Progress};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::journal::{self, Purpose};
use crate::scenario::Abort;

/// A load that is running. The scenario waits for its progress; the lane has a hold on it too, because
/// what was offered has to enter the record even where the scenario is given up in the middle.
#[derive(Debug)]
pub struct Offer {
    load: Arc<Mutex<Load>>,
    progress: watch::Receiver<Progress>,
    purpose: Purpose,
}

impl Offer {
    /// Waits until so many operations were acknowledged.
    pub async fn acknowledged_at_least(&self, wanted: u64) -> Result<(), Abort> {
        let reached = self.load.lock().await.acknowledged_at_least(wanted).await;
        reached.map(|_| ()).map_err(Abort::during("offer the load"))
    }

    /// Waits until so many operations were offered, whatever became of them.
    pub async fn offered_at_least(&self, wanted: u64) -> Result<(), Abort> {
        let reached = self.load.lock().await.offered_at_least(wanted).await;
        reached.map(|_| ()).map_err(Abort::during("offer the load"))
    }

    /// The load as it stands, for a display.
    pub(super) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    async fn ended(&self) -> Result<LoadRecord, LoadError> {
        self.load.lock().await.ended().await
    }

    fn share(&self) -> Self {
        Self {
            load: Arc::clone(&self.load),
            progress: self.progress.clone(),
            purpose: self.purpose,
        }
    }

    fn is(&self, other: &Offer) -> bool {
        Arc::ptr_eq(&self.load, &other.load)
    }
}

/// The loads of a lane that are not in its record yet.
#[derive(Debug, Default)]
pub(super) struct OpenLoads {
    offers: Vec<Offer>,
    /// Of those that are: when an operation found nobody to take it.
    unsent: Vec<Micros>,
}

impl OpenLoads {
    pub(super) fn open(&mut self, load: Load, purpose: Purpose) -> Offer {
        let offer = Offer {
            progress: load.watch(),
            load: Arc::new(Mutex::new(load)),
            purpose,
        };
        self.offers.push(offer.share());
        offer
    }

    /// Waits for the end of a load and enters it into the record. Given up, or failed, it leaves the
    /// load among the open ones.
    pub(super) async fn finish(
        &mut self,
        offer: &Offer,
        record: &mut LaneRecord,
    ) -> Result<(), LoadError> {
        let load = offer.ended().await?;
        self.enter(record, &load, offer.purpose);
        self.offers.retain(|open| !open.is(offer));
        Ok(())
    }

    /// When operations of the loads that ended found nobody to take them.
    pub(super) fn unsent(&self) -> &[Micros] {
        &self.unsent
    }

    fn enter(&mut self, record: &mut LaneRecord, load: &LoadRecord, purpose: Purpose) {
        journal::enter(record, load, purpose);
        self.unsent.extend(journal::unsent(load));
    }

    /// Stops what still runs and enters what it had offered.
    ///
    /// Whoever waited for these loads must have given up before. An error where a load does not end
    /// `within` that time or left no record: the stores then hold what nobody is known to have asked for.
    pub(super) async fn stop(
        &mut self,
        record: &mut LaneRecord,
        within: Duration,
    ) -> Result<(), Abort> {
        for offer in &self.offers {
            offer.load.lock().await.stop();
        }
        let mut lost = None;
        for offer in std::mem::take(&mut self.offers) {
            match timeout(within, offer.ended()).await {
                Ok(Ok(load)) => self.enter(record, &load, offer.purpose),
                Ok(Err(error)) => lost = Some(error.into()),
                Err(_) => lost = Some(anyhow::anyhow!("it does not end")),
            }
        }
        lost.map_or(Ok(()), |cause: anyhow::Error| {
            Err(Abort::during("recover what the load had offered")(cause))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use gauntlet_contract::UserId;
    use gauntlet_harness::ledger::Lane;
    use gauntlet_loadgen::arrival::{Arrival, Rate};
    use gauntlet_loadgen::client::{Client, Target, User};
    use gauntlet_loadgen::{CreateTasks, Generator, Plan};

    use super::*;

    const ENDLESS: Duration = Duration::from_mins(10);
    const SOON: Duration = Duration::from_secs(30);

    /// A load on a port that nobody listens on: every operation is refused at once.
    fn load() -> Load {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port");
        let target = Target::new(&format!("http://{port}")).expect("a target");
        let user = Arc::new(User::new(UserId::generate(), "token").expect("a user"));
        let arrival = Arrival::steady(Rate::constant(500), ENDLESS);
        let plan = Plan::new(arrival, CreateTasks::new("load", vec![user]));
        let client = Client::new(target).expect("a client");
        Generator::new(client, plan).start().expect("started")
    }

    fn record() -> LaneRecord {
        LaneRecord::new(Lane::new("direct-redis"), &["audit"])
    }

    async fn offered_some(offer: &Offer) {
        let mut progress = offer.watch();
        let offered = progress.wait_for(|progress| progress.offered >= 10).await;
        offered.expect("the load runs");
    }

    #[tokio::test]
    async fn what_a_scenario_offered_before_it_was_given_up_enters_the_record() {
        let (mut loads, mut record) = (OpenLoads::default(), record());
        let forgotten = loads.open(load(), Purpose::WARM_UP);
        offered_some(&forgotten).await;
        drop(forgotten);
        let awaited = loads.open(load(), Purpose::LOAD);
        let started = offered_some(&awaited);
        tokio::select! {
            _ = loads.finish(&awaited, &mut record) => panic!("the load has no end"),
            () = started => {}
        }
        drop(awaited);
        assert_eq!(record.operations, []);
        loads.stop(&mut record, SOON).await.expect("recovered");
        for purpose in [Purpose::WARM_UP, Purpose::LOAD] {
            let of_phase = |operation: &&_| matches_phase(operation, purpose);
            assert!(record.operations.iter().filter(of_phase).count() >= 10);
        }
        let entered = record.operations.len();
        loads
            .stop(&mut record, SOON)
            .await
            .expect("nothing is open");
        assert_eq!(record.operations.len(), entered);
        assert_eq!(loads.unsent().len(), entered, "nobody listens there");
    }

    fn matches_phase(operation: &gauntlet_harness::ledger::Operation, purpose: Purpose) -> bool {
        operation.phase == purpose.phase
    }

    #[tokio::test]
    async fn a_load_whose_record_is_gone_is_not_passed_over() {
        let (mut loads, mut record) = (OpenLoads::default(), record());
        let offer = loads.open(load(), Purpose::LOAD);
        {
            let mut load = offer.load.lock().await;
            load.stop();
            load.ended().await.expect("a record");
        }
        let lost = loads.stop(&mut record, SOON).await;
        let lost = lost.expect_err("nothing was entered").to_string();
        assert!(
            lost.starts_with("recover what the load had offered"),
            "{lost}"
        );
    }
}
