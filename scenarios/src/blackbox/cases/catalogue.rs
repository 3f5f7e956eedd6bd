use gauntlet_harness::stack::Mode;
use serde_json::json;

use super::super::case::{Case, Control, case};
use super::super::stage::{Stage, Variant};
use super::super::surprise::Checked;
use super::{
    audit, creation, due, due_lists, filters, idempotency, instances, labels, labels_refused, life,
    pages, preconditions, priorities, recurrence, refusals, schedules, search, sorting,
    task_labels,
};

/// Every case, each in a world of its own: no two share a user.
pub fn all() -> Vec<Case> {
    [
        creation::cases(),
        life::cases(),
        refusals::cases(),
        preconditions::cases(),
        idempotency::cases(),
        priorities::cases(),
        due::cases(),
        due_lists::cases(),
        labels::cases(),
        labels_refused::cases(),
        task_labels::cases(),
        filters::cases(),
        sorting::cases(),
        pages::cases(),
        search::cases(),
        recurrence::cases(),
        instances::cases(),
        schedules::cases(),
        audit::cases(),
    ]
    .concat()
}

/// The cases that are played otherwise on one lane: for Dapr, and for direct mode.
pub fn controls() -> [Control; 2] {
    [
        Control {
            case: case!("control: a task in Dapr mode", [T1 E1], [TaskCreated], titled),
            mode: Mode::Dapr,
        },
        Control {
            case: case!("control: a task in direct mode", [T1 E1], [TaskCreated], titled),
            mode: Mode::Direct,
        },
    ]
}

async fn titled(stage: Stage) -> Checked<()> {
    let title = match stage.variant {
        Variant::Ordinary => "water the plants",
        Variant::Planted => "water the cactus",
    };
    stage.me.create(&json!({ "title": title })).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use gauntlet_contract::EventType;

    use super::*;
    use crate::blackbox::{EVENTS, Feature};

    #[test]
    fn there_are_more_than_a_hundred_and_no_two_have_one_name() {
        let (cases, controls) = (all(), controls());
        let names: BTreeSet<&str> = cases
            .iter()
            .chain(controls.iter().map(|control| &control.case))
            .map(|case| case.name)
            .collect();
        assert_eq!(names.len(), cases.len() + controls.len());
        assert!(cases.len() >= 100, "{}", cases.len());
    }

    #[test]
    fn every_feature_and_every_type_of_event_is_named() {
        let cases = all();
        let features: BTreeSet<Feature> = cases
            .iter()
            .flat_map(|case| case.features)
            .copied()
            .collect();
        assert_eq!(features, BTreeSet::from(Feature::ALL));
        let events: BTreeSet<EventType> =
            cases.iter().flat_map(|case| case.events).copied().collect();
        for kind in EVENTS {
            // Follows from the others, and no case names it.
            assert!(
                events.contains(&kind) || kind == EventType::AuditRecorded,
                "{kind:?}"
            );
        }
    }
}
