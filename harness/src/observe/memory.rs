use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

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

async fn sample(
    watched: Vec<Watched>,
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

fn take(watched: &[Watched], sampled: &mut SampledMemory) {
    for Watched { process, pid } in watched {
        match usage(*pid) {
            Ok(usage) => sampled.samples.push(MemorySample {
                process: process.clone(),
                at: Micros::now(),
                rss_bytes: usage.rss_bytes,
                rss_high_water_bytes: usage.rss_high_water_bytes,
                anonymous_bytes: usage.anonymous_bytes,
                file_bytes: usage.file_bytes,
            }),
            Err(_) => sampled.missed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(seen.missed, seen.samples.len() as u64);
    }
}
