use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::cgroup::own_cgroups;
use super::cgroup_memory::Cgroup;
use super::process::usage;
use super::{ObserveError, ObserveErrorKind};
use crate::ledger::{MemorySample, Micros};

/// A process whose memory is sampled, and what the samples call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub process: String,
    pub pid: i32,
}

/// Samples the memory of processes in the background until it is finished or dropped.
#[derive(Debug)]
pub struct MemorySampler {
    stop: oneshot::Sender<()>,
    sampling: JoinHandle<SampledMemory>,
}

/// What a sampler saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampledMemory {
    pub samples: Vec<MemorySample>,
    /// Samples that could not be taken, because the process was gone.
    pub missed: u64,
}

impl MemorySampler {
    /// Takes the first samples at once, and then one of each process in each `every`. Needs a
    /// tokio runtime.
    pub fn start(watched: Vec<Watched>, every: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let pids: Vec<i32> = watched.iter().map(|watched| watched.pid).collect();
        let watched = watched.into_iter().zip(own_cgroups(&pids)).collect();
        let sampling = tokio::spawn(sample(watched, every, stopped));
        Self { stop, sampling }
    }

    /// Takes one last sample of each process, so that the end of the run is seen, and ends.
    pub async fn finish(self) -> Result<SampledMemory, ObserveError> {
        // The sampler may have panicked; awaiting it below says so.
        let _ = self.stop.send(());
        self.sampling
            .await
            .map_err(|source| ObserveError::new(ObserveErrorKind::Read, "memory samples", source))
    }
}

/// A process, and the cgroup that is its own if it has one.
type Target = (Watched, Option<Cgroup>);

async fn sample(
    watched: Vec<Target>,
    every: Duration,
    mut stopped: oneshot::Receiver<()>,
) -> SampledMemory {
    let mut sampled = SampledMemory::default();
    let mut beat = tokio::time::interval(every);
    // A late sample must not be followed by a volley of them.
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            // Also when the sampler was dropped.
            _ = &mut stopped => {
                take(&watched, &mut sampled);
                return sampled;
            }
            _ = beat.tick() => take(&watched, &mut sampled),
        }
    }
}

fn take(watched: &[Target], sampled: &mut SampledMemory) {
    for (Watched { process, pid }, cgroup) in watched {
        match usage(*pid) {
            Ok(usage) => sampled.samples.push(MemorySample {
                process: process.clone(),
                at: Micros::now(),
                rss_bytes: usage.rss_bytes,
                rss_high_water_bytes: usage.rss_high_water_bytes,
                anonymous_bytes: usage.anonymous_bytes,
                file_bytes: usage.file_bytes,
                // The cgroup of a container goes with its last process.
                cgroup: cgroup.as_ref().and_then(|cgroup| cgroup.memory().ok()),
            }),
            Err(_) => sampled.missed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::cgroup_memory::Version;

    #[test]
    fn a_sample_has_its_cgroup_while_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        file("memory.current", "50\n");
        file("memory.max", "max\n");
        file("memory.stat", "anon 20\ninactive_file 9\n");
        let watched = Watched {
            process: "daprd-api".to_owned(),
            pid: i32::try_from(std::process::id()).unwrap(),
        };
        let targets = [(
            watched,
            Some(Cgroup::new(Version::V2, dir.path().to_owned())),
        )];
        let mut sampled = SampledMemory::default();
        take(&targets, &mut sampled);
        let seen = sampled.samples[0].cgroup.unwrap();
        assert_eq!((seen.usage_bytes, seen.working_set_bytes), (50, 41));
        // The process is still sampled after its cgroup cannot be read any more.
        drop(dir);
        take(&targets, &mut sampled);
        assert_eq!((sampled.samples[1].cgroup, sampled.missed), (None, 0));
    }

    #[tokio::test]
    async fn samples_from_the_start_to_the_end() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let watched = |process: &str, pid| Watched {
            process: process.to_owned(),
            pid,
        };
        let processes = vec![watched("self", pid), watched("gone", i32::MAX)];
        let sampler = MemorySampler::start(processes, Duration::from_hours(1));
        // The first beat is due at once: let it happen before the end.
        tokio::task::yield_now().await;
        let seen = sampler.finish().await.unwrap();
        assert!(!seen.samples.is_empty());
        assert!(seen.samples.iter().all(|sample| sample.process == "self"));
        // It is the harness's own.
        assert!(seen.samples.iter().all(|sample| sample.cgroup.is_none()));
        assert_eq!(seen.missed, seen.samples.len() as u64);
    }
}
