//! A test for each scenario. They run on what `GAUNTLET_PROVIDER` names, or on what is chosen where it
//! names nothing.

use tempfile::tempdir;

use crate::gauntlet::{run_in, stdout};

/// Gives each test its body, and lists them. A test's name is its scenario's, with `_` for `-`.
macro_rules! scenarios {
    ($($(#[$attribute:meta])* fn $name:ident();)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        $(
            #[cfg(feature = "e2e")]
            $(#[$attribute])*
            fn $name() {
                crate::judged::run_scenario(&stringify!($name).replace('_', "-"));
            }
        )*
    };
}

scenarios! {
    #[test]
    fn burst_1000();

    #[test]
    fn publish_latency();

    #[test]
    fn api_latency();

    #[test]
    fn sidecar_memory();

    #[test]
    fn consumer_crash();

    #[test]
    fn role_crash();

    #[test]
    fn replicas();

    #[test]
    fn equivalence();

    #[test]
    fn building_blocks();

    #[test]
    fn replay();

    #[test]
    fn tracing();
}

/// The registered scenarios that have no test, and the tests of scenarios that are not registered.
fn unmatched(registered: &[String], tested: &[&str]) -> Vec<String> {
    let tested: Vec<String> = tested.iter().map(|name| name.replace('_', "-")).collect();
    let lacks_test = registered.iter().filter(|id| !tested.contains(id));
    let lacks_scenario = tested.iter().filter(|id| !registered.contains(id));
    lacks_test.chain(lacks_scenario).cloned().collect()
}

#[test]
fn each_scenario_has_its_test() {
    let home = tempdir().expect("a folder");
    let listed = stdout(&run_in(home.path(), &["list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let scenarios = listed.as_array().expect("a list").iter();
    let ids = scenarios.map(|scenario| scenario["id"].as_str().expect("an id").to_owned());
    let registered: Vec<String> = ids.collect();
    assert!(!registered.is_empty());
    assert_eq!(unmatched(&registered, TESTED), [""; 0]);
}

#[test]
fn planted_scenario_without_a_test_is_found_and_so_is_a_test_without_its_scenario() {
    let registered = ["burst-1000", "rollback"].map(str::to_owned);
    let unmatched = unmatched(&registered, &["burst_1000", "burst_1001"]);
    assert_eq!(unmatched, ["rollback", "burst-1001"]);
}
