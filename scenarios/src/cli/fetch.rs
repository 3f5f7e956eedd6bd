use anyhow::{Context, Result};
use gauntlet_harness::store::{Availability, ComponentId, ComponentStatus, Store};
use gauntlet_reports::format::bytes;

use super::args::FetchArgs;
use super::output::print;
use crate::console::{ComponentProgress, Console, Verbosity};

/// Gets components into the cache, or lists where they are.
pub(super) fn fetch(args: &FetchArgs) -> Result<()> {
    let store = Store::from_env().context("failed to open the component store")?;
    if args.list {
        return print(&listing(&store.status()));
    }
    let wanted = if args.components.is_empty() {
        ComponentId::ALL.to_vec()
    } else {
        args.components.clone()
    };
    let progress = ComponentProgress::new(Console::detect(Verbosity::Normal));
    let obtained = store
        .obtain_all(&wanted, &progress)
        .context("failed to get the components")?;
    let lines: Vec<String> = obtained
        .values()
        .map(|artifact| {
            let from = &artifact.provenance;
            format!(
                "{:10} {:10} {:>9}  {}\n",
                from.name,
                from.version,
                bytes(from.size_bytes),
                from.how
            )
        })
        .collect();
    print(&lines.concat())
}

fn listing(components: &[ComponentStatus]) -> String {
    components
        .iter()
        .map(|component| {
            let state = match &component.availability {
                Availability::Ready(from) => {
                    format!("ready    {:>9}  {}", bytes(from.size_bytes), from.how)
                }
                Availability::Missing { sources } => {
                    format!("missing             would ask: {}", sources.join(", then "))
                }
                Availability::Broken { why } => format!("broken              {why}"),
            };
            format!("{:10} {:10} {state}\n", component.id, component.version)
        })
        .collect()
}
