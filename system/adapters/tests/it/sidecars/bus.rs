use std::net::{Ipv4Addr, TcpListener as Listening};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use futures::future::join;
use gauntlet_harness::provider::{Instance, ServiceSpec, Signal};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};

use super::{API, AUDIT, BoxError, COMPONENTS, RECURRING, Seat, TOKEN, common};
use crate::components::Ground;

/// A broker, and how its component file is told where it is.
pub(crate) struct Broker {
    /// The folder of the component's file, below `components/local`.
    pub(crate) folder: &'static str,
    pub(crate) variable: &'static str,
    /// Where sidecars find it.
    pub(crate) peers: String,
    /// Where the tests find it.
    pub(crate) address: String,
}

/// Sidecars with the system's own component behind their topics: one that publishes, and for each consumer
/// one, from its beginning to its end. A group that is consumed again meets another sidecar, which knows
/// of the group what the broker knows.
#[derive(Clone)]
pub(crate) struct Bus {
    /// The broker's, for whoever goes past the sidecars.
    pub(crate) address: String,
    /// URL of the sidecar that publishes.
    pub(crate) publisher: String,
    ground: Arc<Ground>,
    /// Children are watched there; the runtime of a trial ends too early.
    runtime: Handle,
    berths: Arc<[Berth; 2]>,
    /// One trial at a time: there is one place for each role's consumer.
    turn: Arc<Mutex<()>>,
}

/// A place for a consumer: the same ports for one after the other.
struct Berth {
    app_id: &'static str,
    app: Listening,
    plan: ServiceSpec,
    sidecar: Mutex<Option<Arc<dyn Instance>>>,
}

impl Bus {
    pub(crate) async fn start(ground: &Arc<Ground>, broker: Broker) -> Result<Self, BoxError> {
        let place = Place {
            ground,
            folder: broker.folder,
            env: vec![
                (broker.variable.to_owned(), broker.peers),
                ("APP_API_TOKEN".to_owned(), TOKEN.to_owned()),
            ],
        };
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let home = place.home(API)?;
        let publisher = place.seat(API, silent.local_addr()?, &home);
        // It subscribes to nothing.
        tokio::spawn(axum::serve(silent, Router::new()).into_future());
        Ok(Self {
            address: broker.address,
            publisher: publisher.take(ground).await?,
            ground: Arc::clone(ground),
            runtime: Handle::current(),
            berths: Arc::new([place.berth(AUDIT).await?, place.berth(RECURRING).await?]),
            turn: Arc::default(),
        })
    }

    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Has a sidecar deliver what is for this group, `<anything>.<role>`, to the router until `run` is over.
    pub(crate) async fn consume<T>(
        &self,
        group: &str,
        router: Router,
        run: impl Future<Output = T>,
    ) -> T {
        let berth = self.berth(group);
        // The listener is kept: nobody else gets the port that the sidecar was told.
        let listener = berth.app.try_clone().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let consuming = async {
            let (ended, ()) = join(run, self.start_sidecar(berth, group)).await;
            self.stop_sidecar(berth).await;
            ended
        };
        tokio::select! {
            served = axum::serve(listener, router).into_future() => panic!("{served:?}"),
            ended = consuming => ended,
        }
    }

    /// Kills the sidecar of a group: it tells neither its app nor the broker.
    pub(crate) async fn kill(&self, group: &str) {
        let sidecar = self.berth(group).sidecar.lock().await.take();
        let sidecar = sidecar.expect("a sidecar that lives");
        sidecar.signal(Signal::Kill).await.unwrap();
        self.take_down(sidecar).await;
    }

    fn berth(&self, group: &str) -> &Berth {
        let mut berths = self.berths.iter();
        let berth = berths.find(|berth| group.ends_with(berth.app_id));
        berth.expect("a role that there is a place for")
    }

    async fn start_sidecar(&self, berth: &Berth, group: &str) {
        // A trial that failed has left its own.
        self.stop_sidecar(berth).await;
        let mut plan = berth.plan.clone();
        let group = ("CONSUMER_GROUP".to_owned(), group.to_owned());
        plan.env.push(group);
        let ground = Arc::clone(&self.ground);
        // It may deliver before it is known to be ready, and be killed for that: whoever kills it waits.
        let mut sidecar = berth.sidecar.lock().await;
        let starting = self
            .runtime
            .spawn(async move { ground.bring_up(&plan).await });
        *sidecar = Some(starting.await.unwrap().unwrap());
    }

    async fn stop_sidecar(&self, berth: &Berth) {
        let sidecar = berth.sidecar.lock().await.take();
        if let Some(sidecar) = sidecar {
            self.take_down(sidecar).await;
        }
    }

    async fn take_down(&self, sidecar: Arc<dyn Instance>) {
        let ground = Arc::clone(&self.ground);
        let stopping = async move { ground.take_down(&sidecar).await };
        self.runtime.spawn(stopping).await.unwrap().unwrap();
    }
}

/// Where a bus is about to stand.
struct Place<'a> {
    ground: &'a Ground,
    folder: &'static str,
    env: Vec<(String, String)>,
}

impl Place<'_> {
    async fn berth(&self, app_id: &'static str) -> Result<Berth, BoxError> {
        let app = Listening::bind((Ipv4Addr::LOCALHOST, 0))?;
        app.set_nonblocking(true)?;
        let home = self.home(app_id)?;
        let (plan, _url) = self
            .seat(app_id, app.local_addr()?, &home)
            .plan(self.ground)
            .await?;
        Ok(Berth {
            app_id,
            app,
            plan,
            sidecar: Mutex::default(),
        })
    }

    fn name(&self, app_id: &str) -> String {
        format!("{app_id}-on-{}", self.folder)
    }

    /// Of its own: no other sidecar is to find it by its app's id.
    fn home(&self, app_id: &str) -> Result<PathBuf, BoxError> {
        Ok(self.ground.site.run.temp_dir(&self.name(app_id))?)
    }

    fn seat<'s>(
        &self,
        app_id: &'static str,
        app: std::net::SocketAddr,
        home: &'s PathBuf,
    ) -> Seat<'s> {
        Seat {
            name: self.name(app_id),
            app_id,
            app,
            resources: vec![common(), PathBuf::from(COMPONENTS).join(self.folder)],
            env: self.env.clone(),
            home,
        }
    }
}
