//! Secrets, from the sidecars' store. No secret is recorded, only whether there was one.

use gauntlet_contract::config::Role;
use gauntlet_harness::ledger::Block;
use gauntlet_harness::observe::{SidecarAnswer, SidecarQuestion};
use gauntlet_harness::stack::{Beside, BesideKind, Lane, StateBackend};

use super::state::twin;
use crate::run::{Case, Run};
use crate::scenario::Abort;

const GIVEN: Case = sound("one that the app may read", "200, a value");
const LACKING: Case = sound(
    "one that the app may read, and its sidecar lacks",
    "200, no value",
);
const WITHHELD: Case = sound("one that component files alone refer to", "403, no value");
const BULK: Case = sound(
    "all that the app may read",
    "200, DATABASE_URL and SERVICE_TOKEN",
);
const NO_STORE: Case = sound("one of a store that there is not", "401, no value");
const FALLBACK: Case = sound(
    "one that no store gives away and the environment has",
    "200",
);
const NO_SECRET: Case = Case::twin(
    Block::Secrets,
    "recurring, whose sidecar lacks the token of the service",
    "refuses to start, naming SERVICE_TOKEN (needed by recurring)",
);

pub(super) const CASES: [Case; 7] = [
    GIVEN, LACKING, WITHHELD, BULK, NO_STORE, FALLBACK, NO_SECRET,
];

const fn sound(name: &'static str, expected: &'static str) -> Case {
    Case::sound(Block::Secrets, name, expected)
}

pub(super) async fn ask(run: &mut Run, lane: &Lane) -> Result<(), Abort> {
    let questions = [
        (
            &GIVEN,
            Role::Api,
            "secrets/env/SERVICE_TOKEN",
            "SERVICE_TOKEN",
        ),
        (
            &LACKING,
            Role::Recurring,
            "secrets/env/DATABASE_URL",
            "DATABASE_URL",
        ),
        (
            &WITHHELD,
            Role::Api,
            "secrets/env/STATE_DATABASE_URL",
            "STATE_DATABASE_URL",
        ),
        (
            &NO_STORE,
            Role::Api,
            "secrets/vault/SERVICE_TOKEN",
            "SERVICE_TOKEN",
        ),
    ];
    for (case, role, path, name) in questions {
        let answer = run
            .sidecar(lane, role)?
            .ask(SidecarQuestion::get(path))
            .await?;
        run.note(lane, case, told(&answer, name), answer.error_code())?;
    }
    let answer = run.sidecar(lane, Role::Api)?;
    let answer = answer.ask(SidecarQuestion::get("secrets/env/bulk")).await?;
    run.note(lane, &BULK, all(&answer), "")?;
    // Without the sidecar's token, which no store gives, a role is never ready.
    let ready = run.app_answer(lane, Role::Api, "/health/ready").await?;
    run.note(
        lane,
        &FALLBACK,
        ready,
        "the api is ready, with APP_API_TOKEN in its environment alone",
    )?;
    let lacking = Beside {
        name: "lacking-token",
        app_id: "recurring",
        state: StateBackend::Postgres,
        kind: BesideKind::Without("SERVICE_TOKEN"),
    };
    let standing = run.beside(lane, lacking).await?;
    let ended = run.recurring_end(lane, Some(&standing), None).await?;
    twin(
        run,
        lane,
        &NO_SECRET,
        &ended,
        "SERVICE_TOKEN (needed by recurring)",
    )
}

fn told(answer: &SidecarAnswer, name: &str) -> String {
    let body = answer.json();
    let value = body[name].as_str().unwrap_or_default();
    let what = if value.is_empty() {
        "no value"
    } else {
        "a value"
    };
    format!("{}, {what}", answer.status)
}

/// The names of those that have a value.
fn all(answer: &SidecarAnswer) -> String {
    let body = answer.json();
    let names = body.as_object().into_iter().flatten();
    let mut names: Vec<&str> = names
        .filter(|(name, values)| {
            values[name.as_str()]
                .as_str()
                .is_some_and(|it| !it.is_empty())
        })
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    format!("{}, {}", answer.status, names.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> SidecarAnswer {
        SidecarAnswer {
            status,
            etag: None,
            body: body.to_owned(),
        }
    }

    #[test]
    fn planted_secret_is_told_of_and_not_told() {
        let given = answer(200, r#"{"A":"hunter2"}"#);
        assert_eq!(told(&given, "A"), "200, a value");
        assert_eq!(told(&answer(200, r#"{"A":""}"#), "A"), "200, no value");
        assert_eq!(
            told(&answer(403, r#"{"errorCode":"E"}"#), "A"),
            "403, no value"
        );
        let bulk = answer(200, r#"{"B":{"B":"x"},"A":{"A":"hunter2"},"C":{"C":""}}"#);
        assert_eq!(all(&bulk), "200, A and B");
    }
}
