//! Open-loop load on the todo API, and an account of every operation.
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use gauntlet_loadgen::{CreateTasks, Generator, LoadError, Plan};
//! # use gauntlet_loadgen::arrival::{Arrival, Rate};
//! # use gauntlet_loadgen::client::{Client, Target, User};
//! # async fn scenario(token: &str, rate: Rate) -> Result<(), LoadError> {
//! let client = Client::new(Target::new("http://127.0.0.1:8000")?)?;
//! let user = Arc::new(User::from_token(token)?);
//! let arrival = Arrival::steady(rate, Duration::from_secs(30));
//! let load = Generator::new(client, Plan::new(arrival, CreateTasks::new("crash", vec![user])))
//!     .start()?;
//! load.acknowledged_at_least(500).await?;
//! // … the fault …
//! let record = load.finish().await?;
//! assert!(!record.lateness.is_beyond_limit());
//! # Ok(())
//! # }
//! ```
//!
//! # How time is taken
//! An [`Arrival`](arrival::Arrival) says when each operation is *meant* to start, and each does,
//! whatever became of the earlier ones. Latency runs from that moment to the last byte of the
//! answer. A server that stops for half a second therefore shows half a second in the tail; timed
//! from when a request could be sent, only the few requests that happened to be under way would.
//! All times are one [`Clock`]: the system time, read once, plus monotonic time.
//!
//! [`Lateness`] is what the generator adds itself: from the intended moment to the hand-over to the
//! HTTP client. It is part of the latency, so a late generator makes the target look worse, never
//! better; beyond [`LATE_LIMIT`] the load is not the one that was asked for and proves nothing. Beside
//! it stands [`noise_floor`], the same loop without requests. Generator and target share cores: the load's
//! thread goes before the target's where the machine permits it, see [`Priority`].
//!
//! A burst cannot leave in no time; how long it may take is part of its schedule, see
//! [`Burst`](arrival::Burst).
//!
//! # What is unknown
//! An [`Outcome`](client::Outcome) is ok when a 2xx arrived whole, and failed only on a promise that
//! nothing was written: no connection, a 4xx, or a 503 whose problem type says so. All else (time-out,
//! connection lost, other 5xx, 408) is unknown: it may have taken effect and may yet. The
//! operation's key is the title of what it writes, so that the stores can be searched for it. Nothing
//! is ever retried.
//!
//! # What a load does not show
//! - The network: everything is on loopback, over plain HTTP.
//! - Arrivals of people: moments are evenly spaced, not random.
//! - What more cores would give: generator and target share this machine's, and the generator's part
//!   is not subtracted.
//! - An unbounded loop: beyond `max_in_flight` operations wait. How many is in the record, and their
//!   waiting is in their latency.

pub mod arrival;
pub mod client;
mod clock;
mod engine;
mod error;
mod generator;
mod histogram;
mod lateness;
mod limits;
mod load;
mod noise;
mod pacer;
mod priority;
mod progress;
mod record;
mod summary;
mod workload;

pub use clock::Clock;
pub use error::{BoxError, LoadError, LoadErrorKind};
pub use generator::{Generator, Plan};
pub use histogram::Histogram;
pub use lateness::{LATE, LATE_LIMIT, Lateness};
pub use load::Load;
pub use noise::noise_floor;
pub use priority::Priority;
pub use progress::Progress;
pub use record::{Ending, LoadRecord, OperationRecord, Tally};
pub use summary::{Distribution, LatenessSummary, LoadSummary};
pub use workload::{
    BeginSeries, ChangeTasks, CreateTasks, LivingTask, MixOf, MixShares, MixTasks, Operation,
    OperationKey, ReadTasks, Script, SettleInstances, Workload,
};
