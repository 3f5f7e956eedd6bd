//! Every scenario there is, in the order in which they run.

use anyhow::{Result, bail};

use crate::catalogue::{
    ApiLatency, BuildingBlocks, Burst1000, ConsumerCrash, Equivalence, PublishLatency, Replay,
    Replicas, RoleCrash, SidecarMemory, Tracing,
};
use crate::scenario::{Length, Scenario};

/// All scenarios.
pub fn all() -> Vec<Box<dyn Scenario>> {
    vec![
        Box::new(Burst1000),
        Box::new(PublishLatency),
        Box::new(ApiLatency),
        Box::new(SidecarMemory),
        Box::new(ConsumerCrash),
        Box::new(RoleCrash),
        Box::new(Replicas),
        Box::new(Equivalence),
        Box::new(BuildingBlocks),
        Box::new(Replay),
        Box::new(Tracing),
    ]
}

/// The named scenarios, in the order given; all of them when none is named.
pub fn select(names: &[String]) -> Result<Vec<Box<dyn Scenario>>> {
    if names.is_empty() {
        return Ok(all());
    }
    names.iter().map(|name| find(name)).collect()
}

/// Those of the scenarios that heed `--for`, by id.
pub fn of_chosen_length(scenarios: &[Box<dyn Scenario>]) -> Vec<&'static str> {
    let heeding = scenarios
        .iter()
        .filter(|scenario| scenario.length() == Length::Chosen);
    heeding.map(|scenario| scenario.meta().id).collect()
}

/// The scenario of that name.
pub fn find(name: &str) -> Result<Box<dyn Scenario>> {
    let known: Vec<&str> = all().iter().map(|scenario| scenario.meta().id).collect();
    match all()
        .into_iter()
        .find(|scenario| scenario.meta().id == name)
    {
        Some(scenario) => Ok(scenario),
        None => bail!(
            "no scenario is named '{name}'; there are: {}",
            known.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_says_what_it_does_not_show() {
        for scenario in all() {
            let meta = scenario.meta();
            assert!(!meta.not_shown.is_empty(), "{} claims everything", meta.id);
            assert!(!meta.requirements.is_empty(), "{} judges nothing", meta.id);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = all().iter().map(|scenario| scenario.meta().id).collect();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = select(&["burst-1001".to_owned()]).expect_err("no such scenario");
        assert!(error.to_string().contains("burst-1000"), "{error}");
    }
}
