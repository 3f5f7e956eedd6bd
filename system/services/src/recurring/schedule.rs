use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use gauntlet_contract::SeriesId;
use gauntlet_contract::recurrence::{DueInstance, NextInstance};
use gauntlet_ports::messaging::Reason;
use gauntlet_ports::state::{InvalidKey, Key, StateOp};
use gauntlet_ports::{PortError, StateStore};
use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::api::{Refusal, SeriesApi};
use super::settings::ScheduleSettings;
use super::status::ScheduleStatus;
use crate::telemetry::chain;

/// Holds when a pass finished last, in microseconds since 1970, in decimal.
const LAST_PASS: &str = "recurring:last_pass";

/// Asks the api, over and over, which `on_schedule` series are due, and for the next instance of each.
///
/// It goes round all of them, and one that is far behind gets one instance a round like every other: however
/// many series one user has, and however far behind they are, those of the others wait for a round at most.
///
/// The api knows what is due and creates an instance once, so any number of replicas may do this at the
/// same time, and one may be cut short anywhere: the next pass finds what is left.
pub struct SchedulePass {
    api: SeriesApi,
    state: Arc<dyn StateStore>,
    settings: ScheduleSettings,
    status: ScheduleStatus,
    last_pass: Key,
}

impl std::fmt::Debug for SchedulePass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchedulePass")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// How a pass ended.
enum Passed {
    /// Nothing that is due is left, but for what is refused.
    Emptied,
    /// It has asked for as many instances as it may, and got some of them.
    Bounded,
    /// Something could not be asked.
    Hindered(Reason),
}

impl SchedulePass {
    pub fn new(
        api: SeriesApi,
        state: Arc<dyn StateStore>,
        settings: ScheduleSettings,
    ) -> Result<Self, InvalidKey> {
        Ok(Self {
            api,
            state,
            settings,
            status: ScheduleStatus::new(settings.late_after),
            last_pass: Key::new(LAST_PASS)?,
        })
    }

    pub fn status(&self) -> ScheduleStatus {
        self.status.clone()
    }

    /// Runs until `stop` is cancelled. Troubles are waited out, so this does not fail.
    pub async fn run(self, stop: CancellationToken) {
        // Dropping a pass midway is safe at every point: it holds nothing that the api does not know
        // better.
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(&self) {
        self.remember().await;
        let mut place = None;
        let mut ticks = interval(self.settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.pass(&mut place).await {
                Passed::Emptied => self.finish().await,
                Passed::Bounded => {
                    self.finish().await;
                    ticks.reset_immediately();
                }
                Passed::Hindered(reason) => {
                    let error = reason.clone();
                    if self.status.failed(reason) {
                        tracing::warn!(error, "a pass over due series did not finish; retrying");
                    }
                }
            }
        }
    }

    /// Goes on behind the series that `place` names, and leaves there where the next pass is to go on: those
    /// at the beginning must not have every pass to themselves because it is bounded or they fail.
    async fn pass(&self, place: &mut Option<SeriesId>) -> Passed {
        // Each instance is asked for once in a pass: what the api goes on listing although it was asked
        // must not make the pass endless.
        let mut asked = HashSet::new();
        let mut hindrance = None;
        let mut granted = 0;
        // Whether the round has come from the beginning, and how much had been asked for before it.
        let mut is_whole = place.is_none();
        let mut asked_before = 0;
        loop {
            let listed = self.api.due(*place, self.settings.list_max).await;
            let due = match listed {
                Ok(due) => due,
                Err(Refusal::Question(reason) | Refusal::Surroundings(reason)) => {
                    return Passed::Hindered(reason);
                }
            };
            let is_last = due.len() < self.settings.list_max as usize;
            let last = due.last().map(|instance| instance.series_id);
            *place = last.filter(|_| !is_last);
            let fresh: Vec<_> = due
                .into_iter()
                .filter(|instance| asked.insert(*instance))
                .collect();
            let answers = self.ask(&fresh).await;
            hindrance = hindrance.or(answers.hindrance);
            granted += answers.granted;
            if asked.len() >= self.settings.pass_max {
                // Where all was refused the next pass would find the same: it has time.
                let passed = if granted > 0 {
                    Passed::Bounded
                } else {
                    Passed::Emptied
                };
                return hindrance.map_or(passed, Passed::Hindered);
            }
            // One series that the api fails at must not hold back the others; where none is
            // answered, it is not the series.
            if !fresh.is_empty()
                && answers.answered == 0
                && let Some(reason) = hindrance
            {
                return Passed::Hindered(reason);
            }
            if is_last {
                if is_whole && asked.len() == asked_before {
                    return hindrance.map_or(Passed::Emptied, Passed::Hindered);
                }
                is_whole = true;
                asked_before = asked.len();
            }
        }
    }

    async fn ask(&self, instances: &[DueInstance]) -> Answers {
        let each: Vec<_> = instances.iter().map(|next| self.ask_for(next)).collect();
        let mut answers = stream::iter(each).buffer_unordered(self.settings.in_flight_max);
        let mut told = Answers::default();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(answer) => {
                    told.answered += 1;
                    told.granted += usize::from(answer == Answer::Granted);
                }
                Err(reason) => told.hindrance = Some(reason),
            }
        }
        told
    }

    /// An instance that the api refuses for its own sake is passed over: there is nobody to give the
    /// question back to, and the series is listed again as long as it is due.
    async fn ask_for(&self, instance: &DueInstance) -> Result<Answer, Reason> {
        let DueInstance { series_id, number } = *instance;
        let asked = NextInstance {
            number,
            settled_at: None,
        };
        match self.api.next_instance(series_id, asked, None).await {
            Ok(()) => Ok(Answer::Granted),
            Err(Refusal::Question(reason)) => {
                tracing::warn!(%series_id, number, reason, "a due instance was refused");
                Ok(Answer::Refused)
            }
            Err(Refusal::Surroundings(reason)) => Err(reason),
        }
    }

    /// What is remembered is for people and probes: a pass does not depend on it.
    async fn remember(&self) {
        match self.state.get(&self.last_pass).await {
            Ok(None) => {}
            Ok(Some(found)) => {
                if let Some(at) = decoded(&found.value) {
                    tracing::info!(last_pass = %at, "due series were last looked for");
                    self.status.remembered(at);
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "the last pass is not known"),
        }
    }

    async fn finish(&self) {
        let now = Timestamp::now();
        self.status.finished(now);
        if let Err(error) = self.write_down(now).await {
            tracing::warn!(
                error = chain(&error),
                "a finished pass was not written down"
            );
        }
    }

    async fn write_down(&self, at: Timestamp) -> Result<(), PortError> {
        let micros = at.as_microsecond().to_string();
        let put = StateOp::put(self.last_pass.clone(), micros);
        self.state.apply(&[put]).await
    }
}

/// What the api says to a question for an instance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Granted,
    Refused,
}

/// What became of the instances that were asked for at once.
#[derive(Default)]
struct Answers {
    answered: usize,
    granted: usize,
    hindrance: Option<Reason>,
}

fn decoded(value: &[u8]) -> Option<Timestamp> {
    let micros = std::str::from_utf8(value).ok()?.parse().ok()?;
    Timestamp::from_microsecond(micros).ok()
}
