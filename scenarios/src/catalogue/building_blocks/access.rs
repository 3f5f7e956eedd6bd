//! Access control: who may have a component, and who may call an app.

use gauntlet_contract::config::Role;
use gauntlet_harness::ledger::Block;
use gauntlet_harness::observe::SidecarQuestion;
use gauntlet_harness::stack::{Beside, BesideKind, Lane, StateBackend};

use crate::run::{Case, DaprNode, Run, said};
use crate::scenario::Abort;

const IN_SCOPE: Case = sound(
    "components of an app that the scopes name",
    "has cache, env, pubsub, statestore",
);
const LET_IN: Case = sound(
    "a call of recurring to an app that lets everybody in",
    "200",
);
const OUT_OF_SCOPE: Case = Case::twin(
    Block::AccessControl,
    "components of an app that no scope names",
    "has none",
);
const NO_STATE: Case = Case::twin(
    Block::AccessControl,
    "state of an app that no scope names",
    "refused: ERR_STATE_STORE_NOT_CONFIGURED",
);
/// The policy lets recurring in by its app id. Without mTLS nobody has one that is proved.
const DENIED: Case = Case::twin(
    Block::AccessControl,
    "a call of recurring, without mTLS, to an app whose policy denies all but recurring",
    "403",
);

pub(super) const CASES: [Case; 5] = [IN_SCOPE, LET_IN, OUT_OF_SCOPE, NO_STATE, DENIED];

const STRANGER: Beside = Beside {
    name: "stranger",
    // In no scope, that of the resiliency policies neither.
    app_id: "stranger",
    state: StateBackend::Postgres,
    kind: BesideKind::AmongOthers,
};
const GUARDED: Beside = Beside {
    name: "guarded",
    app_id: "guarded",
    state: StateBackend::Postgres,
    kind: BesideKind::Guarded,
};

const fn sound(name: &'static str, expected: &'static str) -> Case {
    Case::sound(Block::AccessControl, name, expected)
}

/// Answers the sidecar that no scope names.
pub(super) async fn ask(run: &mut Run, lane: &Lane) -> Result<DaprNode, Abort> {
    let own = run.sidecar(lane, Role::Audit)?;
    run.note(lane, &IN_SCOPE, components(&own).await?, "")?;
    let recurring = run.sidecar(lane, Role::Recurring)?;
    let call = SidecarQuestion::get("invoke/api/method/health/live");
    let let_in = recurring.ask(call).await?;
    run.note(lane, &LET_IN, let_in.status.to_string(), said(&let_in))?;
    let stranger = run.beside(lane, STRANGER).await?;
    let stranger = DaprNode::try_from(&stranger)?;
    run.note(lane, &OUT_OF_SCOPE, components(&stranger).await?, "")?;
    let refused = stranger
        .ask(SidecarQuestion::get("state/statestore/one"))
        .await?;
    let got = format!("refused: {}", refused.error_code());
    run.note(lane, &NO_STATE, got, said(&refused))?;
    // Stands until the end of the stack: its name is its own, and nobody of the system calls it.
    run.beside(lane, GUARDED).await?;
    let call = SidecarQuestion::get("invoke/guarded/method/health/live");
    let denied = recurring.ask(call).await?;
    run.note(lane, &DENIED, denied.status.to_string(), said(&denied))?;
    Ok(stranger)
}

async fn components(node: &DaprNode) -> Result<String, Abort> {
    let answer = node.ask(SidecarQuestion::get("metadata")).await?;
    let metadata = answer.json();
    let components = metadata["components"].as_array().into_iter().flatten();
    let mut names: Vec<&str> = components.filter_map(|it| it["name"].as_str()).collect();
    names.sort_unstable();
    Ok(match names.as_slice() {
        [] => "has none".to_owned(),
        names => format!("has {}", names.join(", ")),
    })
}
