//! Resiliency, of calls to an api that is killed and comes back.

use std::time::Duration;

use futures::future::try_join_all;
use gauntlet_contract::config::Role;
use gauntlet_harness::ledger::Block;
use gauntlet_harness::observe::{Answer, SidecarQuestion};
use gauntlet_harness::stack::Lane;

use crate::run::{Case, DaprNode, Run, Victim, said};
use crate::scenario::Abort;

/// The breaker of `components/local/common/resiliency.yaml`: 5 s open. And for a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);
/// Three tries each: by the fourth call ten in a row have failed.
const CALLS_UNTIL_OPEN: usize = 8;
/// More than the breaker lets pass where there is one.
const CALLS_WITHOUT_POLICY: usize = 12;
/// The word of an open breaker.
const OPEN: &str = "circuit breaker is open";
const PATH: &str = "invoke/api/method/health/live";

const TRIED_AGAIN: Case = sound("a call to an app that is away", "500, tried again");
const OPENS: Case = sound(
    "calls after ten tries in a row have failed",
    "refused: circuit breaker is open",
);
const CLOSES: Case = sound("a call when the app is back", "200");
const NO_POLICY: Case = Case::twin(
    Block::Resiliency,
    "12 calls to an app that is away, by an app that no policy names",
    "12 failed, 0 refused by a breaker",
);

pub(super) const CASES: [Case; 4] = [TRIED_AGAIN, OPENS, CLOSES, NO_POLICY];

const fn sound(name: &'static str, expected: &'static str) -> Case {
    Case::sound(Block::Resiliency, name, expected)
}

/// `stranger` is the sidecar of an app that no policy names.
pub(super) async fn ask(run: &mut Run, lane: &Lane, stranger: &DaprNode) -> Result<(), Abort> {
    // Nothing of the system calls through the audit role's, so that its breaker is this one's alone.
    let caller = run.sidecar(lane, Role::Audit)?;
    let down = run.kill(lane, Role::Api, Victim::App).await?;
    let before = caller.retries().await?;
    let first = caller.ask(SidecarQuestion::get(PATH)).await?;
    let retries = caller.retries().await? - before;
    let got = match retries {
        0 => format!("{}, not tried again", first.status),
        _ => format!("{}, tried again", first.status),
    };
    let felt = format!(
        "{retries} activations of the retry policy\n{}",
        said(&first)
    );
    run.note(lane, &TRIED_AGAIN, got, felt)?;
    opens(run, lane, &caller).await?;
    without_policy(run, lane, stranger).await?;
    run.heal(lane, down).await?;
    let back = caller.ask_until(
        "the breaker to close",
        CLOSED_WITHIN,
        SidecarQuestion::get(PATH),
        |answer| match answer.status {
            200 => Answer::Met("200".to_owned()),
            _ => Answer::NotYet(said(&answer)),
        },
    );
    let back = back.await.unwrap_or_else(|last| format!("still {last}"));
    run.note(lane, &CLOSES, back, "")
}

async fn opens(run: &mut Run, lane: &Lane, caller: &DaprNode) -> Result<(), Abort> {
    let mut felt = Vec::new();
    for call in 2..=CALLS_UNTIL_OPEN {
        let answer = caller.ask(SidecarQuestion::get(PATH)).await?;
        felt.push(format!("call {call}: {}", said(&answer)));
        if answer.body.contains(OPEN) {
            return run.note(lane, &OPENS, format!("refused: {OPEN}"), felt.join("\n"));
        }
    }
    run.note(
        lane,
        &OPENS,
        format!("none refused of {CALLS_UNTIL_OPEN}"),
        felt.join("\n"),
    )
}

async fn without_policy(run: &mut Run, lane: &Lane, stranger: &DaprNode) -> Result<(), Abort> {
    // At once: without a policy a sidecar tries three times by itself, a second apart.
    let calls = (0..CALLS_WITHOUT_POLICY).map(|_| stranger.ask(SidecarQuestion::get(PATH)));
    let answers = try_join_all(calls).await?;
    let failed = answers.iter().filter(|answer| answer.status >= 500);
    let refused = answers.iter().filter(|answer| answer.body.contains(OPEN));
    let got = format!(
        "{} failed, {} refused by a breaker",
        failed.count(),
        refused.count()
    );
    let felt = answers.first().map(said).unwrap_or_default();
    run.note(lane, &NO_POLICY, got, felt)
}
