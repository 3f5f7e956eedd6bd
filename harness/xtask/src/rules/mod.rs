//! One rule a file: a pure function from the workspace to its violations.

mod all;
mod checks_are_pure;
mod ci_commands;
mod clients;
mod component_yaml;
mod compose;
mod dependencies;
mod environment;
mod imports;
mod licenses;
mod lint_attributes;
mod markers;
mod mod_files;
mod one_starter;
mod one_test_binary;
mod planted_tests;
mod proof_table;
mod registry_hosts;
mod runtime_free;
mod scenario_docs;
mod scenarios_do_not_judge;
mod sizes;
mod sleeps;
mod wiring;
mod workflows;

pub(crate) use all::ALL;
