use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::containers::{Engine, remove_run};
use super::process::{Identity, kill_family};
use super::registry::Orphan;
use super::{ServiceId, StateDir, until};
use crate::error::StackError;

/// A killed process is gone at once unless the kernel is busy writing for it.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// What a sweep cleaned up. Empty when every earlier run ended in good order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    pub runs: Vec<SweptRun>,
}

/// One run that had left something behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweptRun {
    pub run_id: String,
    /// Services that were still running, with their process ids.
    pub killed: Vec<(ServiceId, i32)>,
    /// Containers that the run's own reaper had not removed.
    pub containers: usize,
    /// The temporary directory that was removed.
    pub removed: Option<PathBuf>,
}

impl fmt::Display for SweptRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cleaned up after run {}, which had been killed ({} processes ended, {} containers removed)",
            self.run_id,
            self.killed.len(),
            self.containers
        )
    }
}

/// Ends what dead runs left behind: processes that are certainly theirs, and their temporary files.
///
/// Runs that live are recognised by their lock and left alone. A process is killed only when its id
/// *and* its start time are those that were written down, because ids are given out again.
pub async fn sweep(state: &StateDir) -> Result<SweepReport, StackError> {
    let runs = state.runs();
    let entries = match fs::read_dir(&runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SweepReport::default()),
        Err(error) => return Err(StackError::io("look for earlier runs in", &runs, error)),
    };
    let orphans: Vec<Orphan> = entries
        .flatten()
        .filter_map(|entry| Orphan::claim(&entry.path()))
        .collect();
    let engine = if orphans.iter().any(|orphan| orphan.engine.is_some()) {
        Some(Engine::connect().await)
    } else {
        None
    };
    let mut report = SweepReport::default();
    for orphan in orphans {
        report.runs.extend(bury(orphan, engine.as_ref()).await?);
    }
    Ok(report)
}

/// None where the run has to stay written down, because its engine could not be asked.
async fn bury(
    orphan: Orphan,
    engine: Option<&Result<Engine, StackError>>,
) -> Result<Option<SweptRun>, StackError> {
    let run_id = orphan.run_id.clone();
    let living: Vec<(String, Identity)> = orphan
        .children
        .iter()
        .filter(|(_, child)| child.is_alive())
        .cloned()
        .collect();
    for (service, child) in &living {
        tracing::warn!(
            run_id,
            service,
            pid = child.pid,
            "ending a process of a dead run"
        );
        kill_family(*child);
    }
    let gone = until("processes of a dead run to end", GONE_WITHIN, || async {
        match living.iter().find(|(_, child)| child.is_alive()) {
            Some((service, child)) => Err(format!("{service} (pid {}) still lives", child.pid)),
            None => Ok(()),
        }
    })
    .await;
    if let Err(waited) = gone {
        // The files below can go all the same; the next sweep would find the process again only if
        // the entry stayed, and it would have no better means.
        tracing::error!(run_id, %waited, "a process of a dead run does not end");
    }
    let containers = match remove_containers(&orphan, engine).await {
        Ok(removed) => removed,
        Err(why) => {
            let entry = orphan.entry().display();
            tracing::warn!(run_id, why, %entry, "cannot tell whether a dead run left containers; to mend: start its engine, or remove the entry");
            orphan.remove_files().map_err(|error| {
                StackError::io("remove the files of run", run_id.as_ref(), error)
            })?;
            return Ok(None);
        }
    };
    let temp = orphan
        .remove()
        .map_err(|error| StackError::io("remove what is left of run", run_id.as_ref(), error))?;
    Ok(Some(SweptRun {
        run_id,
        killed: named(living),
        containers,
        removed: temp,
    }))
}

fn named(children: Vec<(String, Identity)>) -> Vec<(ServiceId, i32)> {
    children
        .into_iter()
        .map(|(service, child)| (ServiceId::shared(&service), child.pid))
        .collect()
}

/// Removes what a dead run left in its engine, and says how many containers that were. The error is why that
/// cannot be known.
async fn remove_containers(
    orphan: &Orphan,
    engine: Option<&Result<Engine, StackError>>,
) -> Result<usize, String> {
    let (Some(its_engine), Some(engine)) = (&orphan.engine, engine) else {
        return Ok(0);
    };
    let engine = engine.as_ref().map_err(StackError::without_mend)?;
    if engine.id() != its_engine {
        return Err("another engine answers than the one that it used".to_owned());
    }
    let removed = remove_run(engine, &orphan.run_id).await;
    removed
        .map(|found| found.containers.len())
        .map_err(|error| error.without_mend())
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::super::registry::Registration;
    use super::*;
    use crate::error::StackErrorKind;

    fn sleeper() -> (Child, Identity) {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let identity = Identity::of(child.id().try_into().unwrap()).unwrap();
        (child, identity)
    }

    #[tokio::test]
    async fn only_the_very_process_that_was_written_down_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path().join("state"));
        let temp = dir.path().join("temp");
        fs::create_dir(&temp).unwrap();
        let (mut ours, written_down) = sleeper();
        let (mut stranger, theirs) = sleeper();
        // The stranger got an id that a child of ours had had.
        let reused = Identity {
            start_ticks: theirs.start_ticks + 1,
            ..theirs
        };

        let run = Registration::open(&state, "dead", &temp).unwrap();
        run.add("kafka", written_down).unwrap();
        run.add("redis", reused).unwrap();
        assert_eq!(
            sweep(&state).await.unwrap(),
            SweepReport::default(),
            "the run lives"
        );
        drop(run);
        let report = sweep(&state).await.unwrap();

        assert_eq!(report.runs.len(), 1);
        assert_eq!(
            report.runs[0].killed,
            [(ServiceId::shared("kafka"), written_down.pid)]
        );
        assert!(!written_down.is_alive());
        assert!(theirs.is_alive());
        assert!(!temp.exists());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        ours.wait().unwrap();
    }

    #[tokio::test]
    async fn a_directory_without_the_runs_mark_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path().join("state"));
        let temp = dir.path().join("temp");
        fs::create_dir(&temp).unwrap();
        drop(Registration::open(&state, "dead", &temp).unwrap());
        // Somebody removed the directory and made another one of that name.
        fs::remove_dir_all(&temp).unwrap();
        fs::create_dir(&temp).unwrap();
        let report = sweep(&state).await.unwrap();
        assert_eq!(report.runs[0].removed, None);
        assert!(temp.exists());
    }

    #[tokio::test]
    async fn planted_silent_engine_keeps_the_run_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::at(dir.path().join("state"));
        let temp = dir.path().join("temp");
        fs::create_dir(&temp).unwrap();
        let run = Registration::open(&state, "dead", &temp).unwrap();
        run.expect_containers("an engine").unwrap();
        drop(run);
        let entry = state.runs().join("dead");
        let no_answer = Err(StackError::new(
            StackErrorKind::Engine,
            "reach it",
            "start it",
        ));
        // A child that another test starts just now holds the entry's lock until it has become its program.
        let claimed = async {
            loop {
                match Orphan::claim(&entry) {
                    Some(orphan) => break orphan,
                    None => tokio::task::yield_now().await,
                }
            }
        };
        let orphan = tokio::time::timeout(Duration::from_secs(10), claimed).await;
        let orphan = orphan.expect("nobody else owns it");
        assert_eq!(bury(orphan, Some(&no_answer)).await.unwrap(), None);
        assert!(entry.exists(), "the next start has to look again");
        assert!(!temp.exists());
    }
}
