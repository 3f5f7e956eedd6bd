use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Spawns on a thread that lives as long as the process.
///
/// The parent-death signal that each child asks for fires when the *thread* that spawned it ends. A
/// worker of a runtime may end long before the harness does, and would take its children along.
pub(super) async fn spawn(mut command: Command) -> io::Result<Child> {
    let runtime = Handle::current();
    let (answer, spawned) = oneshot::channel();
    let job: Job = Box::new(move || {
        let _entered = runtime.enter();
        // Tokio panics when the runtime is shutting down; a dead spawner would kill every child.
        let result = catch_unwind(AssertUnwindSafe(|| command.spawn()))
            .unwrap_or_else(|_| Err(io::Error::other("the runtime is shutting down")));
        // Nobody waits any more: dropping the child kills it, as the command asked for.
        drop(answer.send(result));
    });
    let gone = || io::Error::other("the spawning thread is gone");
    spawner()?.send(job).map_err(|_| gone())?;
    spawned.await.map_err(|_| gone())?
}

fn spawner() -> io::Result<&'static mpsc::Sender<Job>> {
    static SPAWNER: OnceLock<Result<mpsc::Sender<Job>, io::ErrorKind>> = OnceLock::new();
    SPAWNER
        .get_or_init(|| {
            let (jobs, queue) = mpsc::channel::<Job>();
            thread::Builder::new()
                .name("spawner".to_owned())
                .spawn(move || queue.into_iter().for_each(|job| job()))
                .map(|_| jobs)
                .map_err(|error| error.kind())
        })
        .as_ref()
        .map_err(|kind| io::Error::from(*kind))
}
