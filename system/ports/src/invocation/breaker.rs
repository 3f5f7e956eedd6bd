use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// It opens after so many failures in a row.
    pub failures: NonZeroU32,
    /// After this one call is let through, to see whether the callee has healed.
    pub pause: Duration,
}

/// A circuit breaker: it spares a callee that is down, and its callers the wait. A pure state machine,
/// told the time by whoever uses it.
///
/// Closed → open after [`BreakerSettings::failures`] failures in a row; open → half-open with the first
/// call after the pause; half-open → closed when that call succeeds, → open for another pause when
/// it fails. What a call that was let through in an earlier state comes to is not heeded any more.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    /// Grows with each change of state, and tells a permit's time from another's.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

/// What [`Breaker::state`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    Open,
    HalfOpen,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may; the breaker wants to be told what it comes to.
    Admitted(Permit),
    /// It may not, and no call may for this long.
    Open { for_another: Duration },
    /// It may not: the one call that may is under way.
    Probing,
}

/// A call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    generation: u64,
}

impl Breaker {
    /// Closed.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
            generation: 0,
        }
    }

    pub fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen => BreakerState::HalfOpen,
        }
    }

    /// Asks for leave to call.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until } if now < until => {
                let for_another = until - now;
                return Admission::Open { for_another };
            }
            State::Open { .. } => self.enter(State::HalfOpen),
            State::HalfOpen => return Admission::Probing,
        }
        Admission::Admitted(Permit {
            generation: self.generation,
        })
    }

    /// The callee answered.
    pub fn succeeded(&mut self, permit: Permit) {
        if !self.is_current(permit) {
            return;
        }
        match &mut self.state {
            State::Closed { failures } => *failures = 0,
            State::HalfOpen => self.enter(State::Closed { failures: 0 }),
            // Nobody holds a permit of this state.
            State::Open { .. } => {}
        }
    }

    /// The callee could not be reached, or did not answer.
    pub fn failed(&mut self, permit: Permit, now: Instant) {
        if !self.is_current(permit) {
            return;
        }
        let until = now + self.settings.pause;
        match &mut self.state {
            State::Closed { failures } => {
                *failures += 1;
                if *failures >= self.settings.failures.get() {
                    self.enter(State::Open { until });
                }
            }
            State::HalfOpen => self.enter(State::Open { until }),
            State::Open { .. } => {}
        }
    }

    /// The call ended without having told anything of the callee, such as when its caller went away.
    /// Where it was the one call that may be made, the next one takes its place.
    pub fn abandoned(&mut self, permit: Permit, now: Instant) {
        if self.is_current(permit) && matches!(self.state, State::HalfOpen) {
            self.enter(State::Open { until: now });
        }
    }

    fn is_current(&self, permit: Permit) -> bool {
        permit.generation == self.generation
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);
    const MOMENT: Duration = Duration::from_millis(1);

    fn breaker() -> (Breaker, Instant) {
        let failures = NonZeroU32::new(3).unwrap();
        let settings = BreakerSettings {
            failures,
            pause: PAUSE,
        };
        (Breaker::new(settings), Instant::now())
    }

    fn admitted(breaker: &mut Breaker, now: Instant) -> Permit {
        match breaker.admit(now) {
            Admission::Admitted(permit) => permit,
            refused => panic!("{refused:?}"),
        }
    }

    fn fail(breaker: &mut Breaker, now: Instant) {
        let permit = admitted(breaker, now);
        breaker.failed(permit, now);
    }

    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = breaker();
        for _ in 0..3 {
            fail(&mut breaker, now);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        (breaker, now)
    }

    #[test]
    fn closed_opens_at_the_last_of_so_many_failures_and_not_before() {
        let (mut breaker, now) = breaker();
        for _ in 0..2 {
            fail(&mut breaker, now);
            assert_eq!(breaker.state(), BreakerState::Closed);
        }
        fail(&mut breaker, now);
        let open = Admission::Open { for_another: PAUSE };
        assert_eq!(breaker.admit(now), open);
    }

    #[test]
    fn closed_forgets_failures_at_a_success() {
        let (mut breaker, now) = breaker();
        for _ in 0..2 {
            fail(&mut breaker, now);
        }
        let permit = admitted(&mut breaker, now);
        breaker.succeeded(permit);
        for _ in 0..2 {
            fail(&mut breaker, now);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn closed_learns_nothing_of_an_abandoned_call() {
        let (mut breaker, now) = breaker();
        for _ in 0..2 {
            fail(&mut breaker, now);
        }
        let permit = admitted(&mut breaker, now);
        breaker.abandoned(permit, now);
        assert_eq!(breaker.state(), BreakerState::Closed);
        fail(&mut breaker, now);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn open_refuses_until_its_pause_is_over_and_then_lets_one_call_through() {
        let (mut breaker, now) = opened();
        let late = now + Duration::from_millis(4_999);
        let open = Admission::Open {
            for_another: MOMENT,
        };
        assert_eq!(breaker.admit(late), open);
        admitted(&mut breaker, now + PAUSE);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(now + PAUSE * 9), Admission::Probing);
    }

    #[test]
    fn half_open_closes_when_the_probe_succeeds() {
        let (mut breaker, now) = opened();
        let probe = admitted(&mut breaker, now + PAUSE);
        breaker.succeeded(probe);
        assert_eq!(breaker.state(), BreakerState::Closed);
        for _ in 0..2 {
            fail(&mut breaker, now + PAUSE);
        }
        assert_eq!(breaker.state(), BreakerState::Closed, "it began anew");
    }

    #[test]
    fn half_open_opens_for_a_whole_pause_when_the_probe_fails() {
        let (mut breaker, now) = opened();
        let probe = admitted(&mut breaker, now + PAUSE);
        let failed_at = now + PAUSE + MOMENT;
        breaker.failed(probe, failed_at);
        let open = Admission::Open { for_another: PAUSE };
        assert_eq!(breaker.admit(failed_at), open);
    }

    #[test]
    fn half_open_lets_another_call_through_when_the_probe_is_abandoned() {
        let (mut breaker, now) = opened();
        let probe = admitted(&mut breaker, now + PAUSE);
        breaker.abandoned(probe, now + PAUSE);
        let next = admitted(&mut breaker, now + PAUSE);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.succeeded(next);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn what_was_let_through_in_an_earlier_state_is_not_heeded() {
        let (mut breaker, now) = breaker();
        let slow = admitted(&mut breaker, now);
        for _ in 0..3 {
            fail(&mut breaker, now);
        }
        breaker.succeeded(slow);
        breaker.failed(slow, now + PAUSE);
        breaker.abandoned(slow, now);
        let open = Admission::Open { for_another: PAUSE };
        assert_eq!(breaker.admit(now), open);

        let probe = admitted(&mut breaker, now + PAUSE);
        breaker.succeeded(slow);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.succeeded(probe);
        for _ in 0..3 {
            breaker.failed(probe, now + PAUSE);
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
