use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::task::coop::consume_budget;

use crate::error::{LoadError, LoadErrorKind};

/// Payloads prepared before the first moment, and from then on one for each that is released, so
/// that preparing never stands between a moment and its release.
const PREPARED_AHEAD: usize = 4_096;
/// From the end of preparation to the first moment: the thread is asleep once before it counts.
const LEAD: Duration = Duration::from_millis(2);

/// A payload released at (or just after) its intended moment.
#[derive(Debug)]
pub(crate) struct Ticket<T> {
    pub(crate) intended: Instant,
    pub(crate) payload: T,
}

/// Releases payloads at their moments, within the runtime that also sends them.
///
/// A tokio timer would round each moment up to its next millisecond. A thread that sleeps and hands
/// over costs two more context switches an operation, which was a third of all that the generator
/// spent; one that spins costs a core that the target needs. A timer of the kernel is exact to some
/// microseconds and wakes the one thread that is there anyway.
pub(crate) struct Pacer<T> {
    work: Box<dyn Iterator<Item = (Duration, T)>>,
    ahead: VecDeque<(Duration, T)>,
    first: Instant,
    timer: AsyncFd<Timer>,
    /// What the timer is set to, so that asking again does not set it again.
    set_to: Option<Instant>,
}

/// The runtime watches raw descriptors, which nix's timer does not offer by itself.
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[expect(
    deprecated,
    reason = "its successor is an unsafe function that asks for what holds here: `Timer` owns its \
              one descriptor and never replaces it"
)]
fn watched(timer: TimerFd) -> io::Result<AsyncFd<Timer>> {
    AsyncFd::new(Timer(timer))
}

impl<T> Pacer<T> {
    /// Prepares the first of `work`, each with its offset from the first moment, ascending, and sets
    /// the first moment. Must be called within a runtime.
    pub(crate) fn start(
        mut work: impl Iterator<Item = (Duration, T)> + 'static,
    ) -> Result<Pacer<T>, LoadError> {
        let cannot = |error: io::Error| LoadError::caused(LoadErrorKind::Start, error);
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).map_err(|error| cannot(error.into()))?;
        Ok(Pacer {
            ahead: work.by_ref().take(PREPARED_AHEAD).collect(),
            work: Box::new(work),
            first: Instant::now() + LEAD,
            timer: watched(timer).map_err(cannot)?,
            set_to: None,
        })
    }

    /// The next payload, not before its moment; none after the last. Nothing is lost when the
    /// future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Ticket<T>>, LoadError> {
        let Some((offset, _)) = self.ahead.front() else {
            return Ok(None);
        };
        let intended = self.first + *offset;
        // Everything that is due is ready at once; without this a burst would be released whole
        // before the first of it is sent.
        consume_budget().await;
        self.sleep_until(intended)
            .await
            .map_err(|error| LoadError::caused(LoadErrorKind::Start, error))?;
        let released = self.ahead.pop_front();
        self.ahead.extend(self.work.next());
        Ok(released.map(|(_, payload)| Ticket { intended, payload }))
    }

    async fn sleep_until(&mut self, moment: Instant) -> io::Result<()> {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.set_to != Some(moment) {
                let expiration = Expiration::OneShot(TimeSpec::from_duration(left));
                self.timer
                    .get_ref()
                    .0
                    .set(expiration, TimerSetTimeFlags::empty())?;
                self.set_to = Some(moment);
            }
            // Setting the timer takes back its last expiry, so it need not be read; what is ready
            // may still be that last expiry, hence the loop.
            self.timer.readable().await?.clear_ready();
        }
    }
}

impl<T> fmt::Debug for Pacer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("first", &self.first)
            .field("ahead", &self.ahead.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_released_before_its_moment_and_all_of_it_in_order() {
        let work = (0..50).map(|index| (Duration::from_micros(300 * index), index));
        let mut pacer = Pacer::start(work).expect("a timer");
        let mut seen = Vec::new();
        let mut first = None;
        while let Some(ticket) = pacer.next().await.expect("a timer") {
            assert!(Instant::now() >= ticket.intended);
            let first = *first.get_or_insert(ticket.intended);
            let offset = Duration::from_micros(300 * ticket.payload);
            assert_eq!(ticket.intended - first, offset);
            seen.push(ticket.payload);
        }
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_dropped_wait_loses_nothing() {
        let moments = [0, 20, 21].map(|millis| (Duration::from_millis(millis), millis));
        let mut pacer = Pacer::start(moments.into_iter()).expect("a timer");
        let mut seen = Vec::new();
        let mut dropped = 0;
        loop {
            tokio::select! {
                biased;
                next = pacer.next() => match next.expect("a timer") {
                    Some(ticket) => seen.push(ticket.payload),
                    None => break,
                },
                () = tokio::task::yield_now() => dropped += 1,
            }
        }
        assert_eq!(seen, [0, 20, 21]);
        assert!(dropped > 0);
    }
}
