use super::{
    checks_are_pure, ci_commands, clients, component_yaml, compose, dependencies, environment,
    imports, licenses, lint_attributes, markers, mod_files, one_starter, one_test_binary,
    planted_tests, proof_table, registry_hosts, runtime_free, scenario_docs,
    scenarios_do_not_judge, sizes, sleeps, wiring, workflows,
};
use crate::violation::Violation;
use crate::workspace::Workspace;

/// A structural rule of this repository.
pub(crate) type Rule = fn(&Workspace) -> Vec<Violation>;

/// Every rule, in the order of ARCHITECTURE.md: who knows whom, then how code is written, then what
/// stands beside it.
pub(crate) const ALL: &[Rule] = &[
    imports::check,
    runtime_free::check,
    clients::check,
    wiring::check,
    environment::check,
    checks_are_pure::check,
    one_starter::check,
    sizes::check,
    mod_files::check,
    lint_attributes::check,
    markers::check,
    sleeps::check,
    planted_tests::check,
    one_test_binary::check,
    scenario_docs::check,
    scenarios_do_not_judge::check,
    dependencies::check,
    licenses::check,
    registry_hosts::check,
    component_yaml::check,
    compose::check,
    proof_table::check,
    ci_commands::check,
    workflows::check,
];
