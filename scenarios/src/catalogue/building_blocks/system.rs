//! State and secrets through the system itself.

use std::time::Duration;

use gauntlet_harness::ledger::Block;
use gauntlet_harness::stack::{Ended, Lane, Mode, StateBackend};

use super::state::twin;
use crate::run::{Case, Run};
use crate::scenario::Abort;

/// Completed in each turn: more than one for most partitions of the topic that they are told on.
const SERIES: u64 = 12;
/// A poison event is tried three times within a second; then everything is at rest.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);

pub(super) const GOES_ON: Case = sound(
    "12 series go on, and recurring's marks of them are in Postgres",
    "12 in postgres, 0 in redis",
);
pub(super) const GOES_ON_IN_REDIS: Case = sound(
    "12 series go on, and recurring's marks of them are in Redis",
    "0 in postgres, 12 in redis",
);
/// In the order in which they are gone through.
pub(super) const EXCHANGES: [Case; 2] = [
    sound(
        "12 series go on after Postgres was exchanged for Redis, and former marks stay behind",
        "12 in postgres, 12 in redis",
    ),
    sound(
        "12 series go on after Redis was exchanged for Postgres again",
        "24 in postgres, 12 in redis",
    ),
];
pub(super) const PARKS: Case = sound(
    "an event that nobody can handle is counted in Postgres, and parked",
    "counted in postgres, parked",
);
pub(super) const PARKS_IN_REDIS: Case = sound(
    "an event that nobody can handle is counted in Redis, and parked",
    "counted in redis, parked",
);
pub(super) const NO_DATABASE: Case = Case::twin(
    Block::State,
    "recurring, without the secret that names its state store",
    "refuses to start, naming DATABASE_URL (needed by recurring)",
);
pub(super) const NO_REDIS: Case = Case::twin(
    Block::State,
    "recurring, without the secret that names its state store",
    "refuses to start, naming REDIS_URL (needed by recurring)",
);
pub(super) const NO_TOKEN: Case = Case::twin(
    Block::Secrets,
    "recurring, without the token of the service in its environment",
    "refuses to start, naming SERVICE_TOKEN (needed by recurring)",
);

const fn sound(name: &'static str, expected: &'static str) -> Case {
    Case::sound(Block::State, name, expected)
}

/// Instances that are settled in a lane in all.
pub(super) fn settled(lane: &Lane) -> u64 {
    match (lane.mode(), lane.state()) {
        (Mode::Direct, StateBackend::Postgres) => SERIES * (1 + EXCHANGES.len() as u64),
        _ => SERIES,
    }
}

pub(super) async fn goes_on(run: &mut Run, lane: &Lane) -> Result<(), Abort> {
    let case = match lane.state() {
        StateBackend::Postgres => &GOES_ON,
        StateBackend::Redis => &GOES_ON_IN_REDIS,
    };
    go_on(run, lane, case, SERIES, lane.state()).await
}

/// The store is exchanged for the other one, and back.
pub(super) async fn exchanges(run: &mut Run, lane: &Lane) -> Result<(), Abort> {
    let turns = [
        (StateBackend::Redis, SERIES),
        (StateBackend::Postgres, 2 * SERIES),
    ];
    for (case, (state, marks)) in EXCHANGES.iter().zip(turns) {
        run.exchange_state(lane, state).await?;
        go_on(run, lane, case, marks, state).await?;
    }
    Ok(())
}

async fn go_on(
    run: &mut Run,
    lane: &Lane,
    case: &Case,
    marks: u64,
    state: StateBackend,
) -> Result<(), Abort> {
    run.complete_series(lane, SERIES).await?;
    let marks = run.marked(lane, marks, state).await?;
    run.note(lane, case, marks.to_string(), "")
}

/// Brings the lane to rest, with a poison event in it. `by` is a lane with sidecars, on the same broker.
pub(super) async fn parks(run: &mut Run, by: &Lane, lane: &Lane) -> Result<(), Abort> {
    run.phase(lane, "poison");
    let event = run.poison(by, lane).await?;
    let (case, state) = match lane.state() {
        StateBackend::Postgres => (&PARKS, StateBackend::Postgres),
        StateBackend::Redis => (&PARKS_IN_REDIS, StateBackend::Redis),
    };
    run.marked_event(lane, event).await?;
    run.quiesce(lane, SETTLED_WITHIN).await?;
    let counted = run.marks(lane).await?.of_event(event);
    let counted: Vec<&str> = counted.into_iter().map(StateBackend::as_str).collect();
    let letters = run.parked(lane, event)?;
    let parked = if letters == 0 { "not parked" } else { "parked" };
    let got = format!("counted in {}, {parked}", counted.join(" and "));
    let felt = format!(
        "event {event}, {letters} dead letters; state in {}",
        state.as_str()
    );
    run.note(lane, case, got, felt)
}

pub(super) async fn refuses_without_secrets(run: &mut Run, lane: &Lane) -> Result<(), Abort> {
    run.phase(lane, "refusals");
    let (case, store) = match lane.state() {
        StateBackend::Postgres => (&NO_DATABASE, "DATABASE_URL"),
        StateBackend::Redis => (&NO_REDIS, "REDIS_URL"),
    };
    for (case, lacking) in [(case, store), (&NO_TOKEN, "SERVICE_TOKEN")] {
        let ended = run.recurring_end(lane, None, Some(lacking)).await?;
        twin(
            run,
            lane,
            case,
            &ended,
            &format!("{lacking} (needed by recurring)"),
        )?;
    }
    Ok(())
}

/// What a refusal came to, and what was seen of it.
pub(super) fn refusal(ended: &Ended, names: &str) -> (String, String) {
    match ended {
        Ended::Refused(output) if output.iter().any(|line| line.contains(names)) => (
            format!("refuses to start, naming {names}"),
            output.join("\n"),
        ),
        Ended::Refused(output) => (
            "refuses to start, for another reason".to_owned(),
            output.join("\n"),
        ),
        Ended::InPeace => ("ends, and finds nothing wrong".to_owned(), String::new()),
        Ended::StillThere => ("starts".to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_start_or_another_reason_is_not_the_refusal_that_was_to_come() {
        let names = "SERVICE_TOKEN";
        let ended = |line: &str| Ended::Refused(vec!["log".to_owned(), line.to_owned()]);
        let right = refusal(
            &ended("failed to get the secrets: SERVICE_TOKEN is not in"),
            names,
        );
        assert_eq!(right.0, "refuses to start, naming SERVICE_TOKEN");
        for other in [ended("failed to bind"), Ended::InPeace, Ended::StillThere] {
            assert_ne!(refusal(&other, names).0, right.0);
        }
    }
}
