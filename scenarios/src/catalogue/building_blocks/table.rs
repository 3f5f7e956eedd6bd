//! Which cases each lane is asked.

use super::{access, invocation, resiliency, secrets, state, system};
use crate::run::Case;

pub(super) fn with_sidecars() -> Vec<Case> {
    let mut cases = state::cases();
    cases.extend(secrets::CASES);
    cases.extend(invocation::CASES);
    cases.extend(resiliency::CASES);
    cases.extend(access::CASES);
    cases.extend([system::GOES_ON, system::PARKS]);
    cases
}

pub(super) fn exchanging() -> Vec<Case> {
    let mut cases = vec![system::GOES_ON, system::PARKS];
    cases.extend(system::EXCHANGES);
    cases.extend([system::NO_DATABASE, system::NO_TOKEN]);
    cases
}

pub(super) fn in_redis() -> Vec<Case> {
    vec![
        system::GOES_ON_IN_REDIS,
        system::PARKS_IN_REDIS,
        system::NO_REDIS,
        system::NO_TOKEN,
    ]
}
