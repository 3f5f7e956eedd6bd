//! Invocation, of the api through the sidecar of another role.

use gauntlet_contract::config::Role;
use gauntlet_harness::ledger::Block;
use gauntlet_harness::observe::SidecarQuestion;
use gauntlet_harness::stack::Lane;

use crate::run::{Case, Run, said};
use crate::scenario::Abort;

const BY_APP: Case = sound("a call by app and method", "200");
const BY_URL: Case = sound("a call by URL and method", "200");
const REFUSED: Case = sound("a call that the callee refuses", "401");
const UNKNOWN_ROUTE: Case = sound("a call of a method that the callee has not", "404");
const NOBODY: Case = Case::twin(
    Block::Invocation,
    "a call of an app that there is not",
    "500 ERR_DIRECT_INVOKE",
);

pub(super) const CASES: [Case; 5] = [BY_APP, BY_URL, REFUSED, UNKNOWN_ROUTE, NOBODY];

const fn sound(name: &'static str, expected: &'static str) -> Case {
    Case::sound(Block::Invocation, name, expected)
}

pub(super) async fn ask(run: &mut Run, lane: &Lane) -> Result<(), Abort> {
    let caller = run.sidecar(lane, Role::Audit)?;
    let api = run.api_of_peers(lane)?;
    let api = api.replace(':', "%3A").replace('/', "%2F");
    let by_url = format!("invoke/{api}/method/health/live");
    let calls = [
        (&BY_APP, "invoke/api/method/health/live"),
        (&BY_URL, by_url.as_str()),
        (&REFUSED, "invoke/api/method/api/tasks"),
        (&UNKNOWN_ROUTE, "invoke/api/method/no/such/route"),
    ];
    for (case, path) in calls {
        let answer = caller.ask(SidecarQuestion::get(path)).await?;
        run.note(lane, case, answer.status.to_string(), said(&answer))?;
    }
    let path = "invoke/nobody/method/health/live";
    let answer = caller.ask(SidecarQuestion::get(path)).await?;
    let got = format!("{} {}", answer.status, answer.error_code());
    run.note(lane, &NOBODY, got, said(&answer))
}
