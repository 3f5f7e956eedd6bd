use std::sync::Arc;

use gauntlet_adapters::dapr::DaprInvoker;
use gauntlet_ports::invocation::Callee;
use gauntlet_ports::testsuite::invocation::{InvokerBench, invoker_suite};
use libtest_mimic::Trial;

use crate::components::Components;
use crate::sidecars::{API, AUDIT, Sidecars};
use crate::trials::trials;

pub(crate) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::sidecars =>
        dapr_keeps_the_invoker_contract_by_app,
        dapr_keeps_the_invoker_contract_by_url,
    )
}

fn bench(sidecars: &Sidecars, echo: Vec<Callee>, nobody: Vec<Callee>) -> InvokerBench {
    InvokerBench {
        invoker: Arc::new(DaprInvoker::new(&sidecars.api).unwrap()),
        echo,
        nobody,
    }
}

/// By way of another sidecar, and by way of its own alone.
async fn dapr_keeps_the_invoker_contract_by_app(sidecars: Sidecars) {
    let app = |name: &str| Callee::App(name.to_owned());
    let echo = vec![app(AUDIT), app(API)];
    invoker_suite(&bench(&sidecars, echo, vec![app("nobody")])).await;
}

async fn dapr_keeps_the_invoker_contract_by_url(sidecars: Sidecars) {
    let echo = vec![Callee::Url(sidecars.echo.clone())];
    let nobody = vec![Callee::Url(sidecars.nobody.clone())];
    invoker_suite(&bench(&sidecars, echo, nobody)).await;
}
