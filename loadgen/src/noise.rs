use std::thread;
use std::time::Instant;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::arrival::Arrival;
use crate::error::{LoadError, LoadErrorKind};
use crate::lateness::Lateness;
use crate::pacer::Pacer;
use crate::priority::Priority;

/// What this machine adds by itself: the generator's own loop on the same schedule, with every
/// request left out.
///
/// It is timer, scheduler and hand-over noise, and belongs beside any latency measured here: a
/// difference below it was not measured.
pub async fn noise_floor(arrival: Arrival) -> Result<Lateness, LoadError> {
    let (result, finished) = oneshot::channel();
    thread::Builder::new()
        .name("loadgen-noise".to_owned())
        .spawn(move || {
            // Nobody to receive it: the caller gave up.
            let _unclaimed = result.send(empty_loop(&arrival));
        })
        .map_err(|error| LoadError::caused(LoadErrorKind::Start, error))?;
    finished
        .await
        .map_err(|_| LoadError::new(LoadErrorKind::Died))?
}

fn empty_loop(arrival: &Arrival) -> Result<Lateness, LoadError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| LoadError::caused(LoadErrorKind::Start, error))?;
    // As the load itself, or it would be compared with another scheduler's noise.
    Priority::raise();
    let mut lateness = Lateness::new(arrival.leaving())?;
    runtime.block_on(async {
        let mut pacer = Pacer::start(arrival.offsets().map(|offset| (offset, ())))?;
        let mut in_flight = JoinSet::new();
        let mut offering = true;
        while offering || !in_flight.is_empty() {
            tokio::select! {
                biased;
                ticket = pacer.next(), if offering => match ticket? {
                    Some(ticket) => {
                        // A task for each, as for a request, since that is where `sent` is taken.
                        in_flight.spawn(async move {
                            Instant::now().saturating_duration_since(ticket.intended)
                        });
                    }
                    None => offering = false,
                },
                Some(late) = in_flight.join_next() => {
                    let late =
                        late.map_err(|error| LoadError::caused(LoadErrorKind::Died, error))?;
                    lateness.record(late);
                }
            }
        }
        Ok(lateness)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::arrival::Rate;

    #[tokio::test]
    async fn the_empty_loop_runs_the_whole_schedule() {
        let rate = Rate::try_per_second(500).expect("not zero");
        let arrival = Arrival::steady(rate, Duration::from_millis(200));
        let noise = noise_floor(arrival).await.expect("noise");
        assert_eq!(noise.histogram().count(), 100);
        assert!(!noise.histogram().percentile(50.0).is_zero());
    }
}
