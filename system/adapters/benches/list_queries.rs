//! What lists and searches cost on a real Postgres with 10 users of 10,000 tasks, and how they compare: each
//! with the first page in the order of creation, which is what people see first.
//!
//! The ratios say more than the times, which are of this machine. They are printed as a table at the end.
//! Not shown: a database that serves several at a time, and pages that are not in memory.

use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use gauntlet_adapters::postgres::{Database, DatabaseSettings, PostgresStore};
use gauntlet_contract::{LabelId, TaskStatus, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_harness::component::{Runnable, Site, seeding};
use gauntlet_harness::provider::process::{Launcher, ProcessProvider, shim};
use gauntlet_harness::provider::{Instance, PortSlot, Provider, RunContext, StateDir, sweep};
use gauntlet_harness::seed::{FREQUENT, People, RARE};
use gauntlet_harness::store::{ComponentId, Silent, Store};
use gauntlet_ports::{Direction, SortKey, TaskFilter, TaskQuery, TaskStore as _, words};
use jiff::Timestamp;
use tokio::runtime::Runtime;
use uuid::Uuid;

const SEED: u64 = 1;
const USERS: u128 = 10;
const TASKS_EACH: u32 = 10_000;
/// As many as a client gets that does not say.
const PAGE: u32 = 50;
/// Pages that lie before the deep one.
const DEEP: usize = 100;
const GRACE: Duration = Duration::from_secs(10);
/// Each measurement rests on at least this many.
const SAMPLES: usize = 20;
const MEASURED_FOR: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_millis(500);
/// What the others are compared with.
const YARDSTICK: &str = "created, first page";

type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    // The harness executes this very binary again for each child (decision 0002).
    let mut args = std::env::args_os().skip(1);
    if args
        .next()
        .is_some_and(|command| command == shim::SUBCOMMAND)
    {
        return shim::run(args);
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody to tell is no reason to panic.
            let _ = writeln!(stderr(), "error: failed to measure list queries: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), BoxError> {
    let runtime = Runtime::new()?;
    let server = runtime.block_on(Server::start())?;
    let measured = runtime.block_on(filled(&server.url)).and_then(|bench| {
        let queries = runtime.block_on(bench.queries())?;
        measure(&runtime, &bench.store, queries)
    });
    runtime.block_on(server.stop())?;
    write_table(&measured?)?;
    Ok(())
}

/// A Postgres of this bench alone.
struct Server {
    url: String,
    instance: Arc<dyn Instance>,
    site: Site,
    /// Its logs, which stay where something went wrong.
    evidence: PathBuf,
}

impl Server {
    async fn start() -> Result<Self, BoxError> {
        let state = StateDir::from_environment(|name| std::env::var_os(name))?;
        sweep(&state).await?;
        let run_id = format!("bench-{}", Uuid::now_v7().simple());
        let evidence = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&run_id);
        let provider = ProcessProvider::new(Launcher {
            shim: std::env::current_exe()?,
        });
        let site = Site {
            run: Arc::new(RunContext::open(&state, &run_id, &evidence)?),
            ports: Arc::new(PortSlot::acquire()?),
            provider: Arc::new(provider.clone()),
            templates: state.templates(),
        };
        let store = Store::from_env()?;
        let obtained =
            tokio::task::spawn_blocking(move || store.obtain(ComponentId::Postgres, &Silent));
        let runnable = Runnable::of_artifact(&obtained.await??);
        let postgres = Postgres::plan(&runnable, &site).await?;
        let instance = provider.start(postgres.spec().clone(), &site.run).await?;
        let server = Self {
            url: postgres.url("postgres"),
            instance: Arc::clone(&instance),
            site,
            evidence,
        };
        instance.ready(instance.ready_within()).await?;
        Ok(server)
    }

    async fn stop(self) -> Result<(), BoxError> {
        self.instance.stop(GRACE).await?;
        self.site.run.close()?;
        Ok(fs::remove_dir_all(self.evidence)?)
    }
}

/// The store, and one user of ten.
struct Bench {
    store: PostgresStore,
    user_id: UserId,
    tag: LabelId,
    now: Timestamp,
}

async fn filled(url: &str) -> Result<Bench, BoxError> {
    let database = Database::connect(url, &DatabaseSettings::default()).await?;
    database.migrate().await?;
    let now = Timestamp::now();
    let users: Vec<Uuid> = (1..=USERS).map(Uuid::from_u128).collect();
    let user_id = UserId(users[0]);
    let people = People::new(SEED, now, users, TASKS_EACH);
    let (labels, tasks) = (people.labels(), people.tasks().collect::<Vec<_>>());
    seeding::seed(url, &labels, &tasks).await?;
    let mut tags = labels.iter().filter(|label| label.kind == "tag");
    let tag = tags.find(|tag| tag.user_id == user_id.0);
    Ok(Bench {
        store: PostgresStore::new(database, String::new()),
        user_id,
        tag: LabelId(tag.ok_or("nobody has a tag")?.id),
        now,
    })
}

impl Bench {
    fn query(&self, sort: SortKey, set: impl FnOnce(&mut TaskFilter)) -> TaskQuery {
        let mut filter = TaskFilter::default();
        set(&mut filter);
        TaskQuery {
            user_id: self.user_id,
            filter,
            sort,
            direction: Direction::Descending,
            after: None,
            limit: PAGE,
        }
    }

    /// By name, the yardstick first.
    async fn queries(&self) -> Result<Vec<(&'static str, TaskQuery)>, BoxError> {
        let all = |sort| self.query(sort, |_| {});
        let about = |text: &str| {
            let text = words(text).collect();
            self.query(SortKey::Relevance, |filter| filter.text = text)
        };
        let by_created = all(SortKey::CreatedAt);
        let deep = self.deep(by_created.clone()).await?;
        Ok(vec![
            (YARDSTICK, by_created),
            ("created, page 101", deep),
            ("updated", all(SortKey::UpdatedAt)),
            ("due", all(SortKey::DueDate)),
            ("priority", all(SortKey::Priority)),
            ("title", all(SortKey::Title)),
            (
                "open",
                self.query(SortKey::CreatedAt, |filter| {
                    filter.status = vec![TaskStatus::Pending];
                }),
            ),
            (
                "with a tag",
                self.query(SortKey::CreatedAt, |filter| filter.tags = vec![self.tag]),
            ),
            (
                "due in 30 days",
                self.query(SortKey::DueDate, |filter| {
                    filter.due.from = Some(self.now);
                    filter.due.before = Some(self.now + jiff::SignedDuration::from_hours(30 * 24));
                }),
            ),
            ("search, rare word", about(RARE)),
            ("search, frequent word", about(FREQUENT)),
            ("search, one letter", about(&FREQUENT[..1])),
            ("search, two words", about(&format!("{FREQUENT} {RARE}"))),
        ])
    }

    async fn deep(&self, mut query: TaskQuery) -> Result<TaskQuery, BoxError> {
        for _ in 0..DEEP {
            let page = self.store.list(&query).await?;
            query.after = Some(page.next.ok_or("the list ends before the deep page")?);
        }
        Ok(query)
    }
}

/// What a list took.
struct Measured {
    name: &'static str,
    found: usize,
    /// That the mean is of.
    times: u32,
    mean: Duration,
}

fn measure(
    runtime: &Runtime,
    store: &PostgresStore,
    queries: Vec<(&'static str, TaskQuery)>,
) -> Result<Vec<Measured>, BoxError> {
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASURED_FOR)
        .configure_from_args();
    let mut all = Vec::new();
    for (name, query) in queries {
        let found = runtime.block_on(store.list(&query))?.tasks.len();
        // Warm-up included: of a few thousand iterations it is the smaller part, and it is the same for all.
        let taken = RefCell::new((Duration::ZERO, 0_u64));
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let took = runtime.block_on(lists(store, &query, iterations));
                let mut taken = taken.borrow_mut();
                taken.0 += took;
                taken.1 += iterations;
                took
            });
        });
        let (took, iterations) = taken.into_inner();
        let times = u32::try_from(iterations)?;
        // None where the arguments left it out.
        if let Some(mean) = took.checked_div(times) {
            all.push(Measured {
                name,
                found,
                times,
                mean,
            });
        }
    }
    criterion.final_summary();
    Ok(all)
}

async fn lists(store: &PostgresStore, query: &TaskQuery, iterations: u64) -> Duration {
    let begun = Instant::now();
    for _ in 0..iterations {
        black_box(store.list(black_box(query)).await.expect("a page"));
    }
    begun.elapsed()
}

/// Nothing where the arguments chose not to measure the yardstick.
fn write_table(measured: &[Measured]) -> std::io::Result<()> {
    let mut out = stdout();
    let Some(yardstick) = measured.iter().find(|it| it.name == YARDSTICK) else {
        return Ok(());
    };
    writeln!(
        out,
        "| list | tasks found | measured, times | mean, ms | times the first |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    for it in measured {
        let Measured {
            name,
            found,
            times,
            mean,
        } = it;
        let ratio = mean.as_secs_f64() / yardstick.mean.as_secs_f64();
        let millis = 1e3 * mean.as_secs_f64();
        writeln!(
            out,
            "| {name} | {found} | {times} | {millis:.2} | {ratio:.2} |"
        )?;
    }
    Ok(())
}
