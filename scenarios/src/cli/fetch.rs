use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gauntlet_harness::stack::obtain;
use gauntlet_harness::store::{Availability, ComponentId, ComponentStatus, Store};
use gauntlet_reports::format::bytes;

use super::args::FetchArgs;
use super::interrupt;
use super::output::print;
use crate::console::{ComponentProgress, Console, Verbosity};
use crate::failure::failed;

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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(get(Arc::new(store), &wanted));
    runtime.shutdown_timeout(interrupt::CLEARED_WITHIN);
    outcome
}

async fn get(store: Arc<Store>, wanted: &[ComponentId]) -> Result<()> {
    let interrupt = interrupt::token()?;
    let progress = Arc::new(ComponentProgress::new(Console::detect(Verbosity::Normal)));
    let obtained = tokio::select! {
        obtained = obtain(store, wanted, progress) => obtained.map_err(failed)?,
        () = interrupt.cancelled() => bail!("interrupted; what is complete is kept"),
    };
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
