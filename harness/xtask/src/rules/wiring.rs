//! Only the wiring of the services knows which adapters exist.

use crate::violation::Violation;
use crate::workspace::{Workspace, is_under};

const SERVICES: &str = "system/services/src";
const WIRING: &str = "system/services/src/wiring";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let elsewhere = workspace
        .sources_under(SERVICES)
        .filter(|source| !is_under(&source.path, WIRING));
    elsewhere
        .flat_map(|source| {
            let lines = source.lines_naming_crate("gauntlet_adapters").into_iter();
            lines.map(|line| Violation {
                path: source.path.clone(),
                line,
                what: "names an adapter".to_owned(),
                why: "code that knows its backend cannot be run on another",
                mend: format!("take a port as an argument, and construct the adapter in {WIRING}"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_adapter_outside_wiring_is_found() {
        let text = "use gauntlet_adapters::kafka::KafkaPublisher;\n";
        assert_eq!(
            check(&Workspace::of_source(
                "system/services/src/relay/run.rs",
                text
            ))
            .len(),
            1
        );
        assert!(
            check(&Workspace::of_source(
                "system/services/src/wiring/bus.rs",
                text
            ))
            .is_empty()
        );
        assert!(check(&Workspace::of_source("system/services/src/wiring.rs", text)).is_empty());
    }
}
