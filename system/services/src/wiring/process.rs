use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use gauntlet_adapters::dapr::DaprSidecar;
use gauntlet_contract::config::Role;
use metrics_exporter_prometheus::PrometheusHandle;

use super::bus::{consuming, ingress};
use super::parts::Parts;
use super::stores;
use crate::auth::Verifier;
use crate::config::{Bus, Config};
use crate::health::{Component, Health, Probe};
use crate::http::{Routes, router};
use crate::serve::{Background, Process};
use crate::telemetry::chain;

/// Connects to everything that the roles need and puts the process together. The schema is brought
/// up to date on the way. `environment` is where secrets are looked for last.
pub async fn wire(
    config: &Config,
    environment: Vec<(String, String)>,
    metrics: PrometheusHandle,
) -> anyhow::Result<Process> {
    // Before anything is contacted: without keys no request could ever be served.
    let mut parts = Parts {
        verifier: verifier(config)?,
        ..Parts::default()
    };
    let (secrets, probe) = stores::secrets(config, environment).await?;
    parts.probes.push(probe);
    if has_tables(&config.roles) {
        let database = stores::database(&secrets).await?;
        parts.watch_database(&database);
        if config.roles.contains(&Role::Api) {
            parts.add_api(config, &secrets, &database).await?;
        }
        if config.roles.contains(&Role::Audit) {
            parts.add_audit(config, &secrets, &database).await?;
        }
    }
    if config.roles.contains(&Role::Recurring) {
        parts.add_recurring(config, &secrets).await?;
    }
    let consumes = !parts.subscriptions.is_empty();
    let (ingress, deliveries) = ingress(
        config,
        &secrets,
        &parts.subscriptions,
        &parts.stop_consuming,
    )?;
    parts.probes.extend(deliveries);
    let run = ingress.run;
    // A sidecar asks for subscriptions even where there are none, hence the routes in any case.
    // Without a subscription there is nothing to run, and its end would look like a failure.
    if consumes {
        let probe = consuming(config, &parts.subscriptions, ingress.ready.clone())?;
        parts.probes.push(probe);
        parts.background.push(Background {
            name: "the consumer",
            run: Box::pin(async move { Ok(run.await?) }),
        });
    }
    if let Bus::Dapr { http_url, .. } = &config.bus {
        parts.probes.push(sidecar(http_url)?);
    }
    let health = Health::new(&config.service_name(), parts.probes);
    let router = router(Routes {
        verifier: parts.verifier,
        commands: parts.commands,
        service_token: parts.service_token,
        audit: parts.audit,
        ingress: ingress.router,
        health: health.clone(),
        metrics,
    });
    Ok(Process {
        router,
        health,
        background: parts.background,
        stop_consuming: parts.stop_consuming,
        stop_relaying: parts.stop_relaying,
    })
}

/// Roles that own tables also serve users.
fn has_tables(roles: &BTreeSet<Role>) -> bool {
    roles.contains(&Role::Api) || roles.contains(&Role::Audit)
}

fn verifier(config: &Config) -> anyhow::Result<Option<Arc<Verifier>>> {
    if !has_tables(&config.roles) {
        return Ok(None);
    }
    let tokens = config.tokens.as_ref().context(
        "failed to find the keys of users' tokens: set JWT_JWKS_FILE, JWT_ISSUER and JWT_AUDIENCE; \
         there is no default key",
    )?;
    Ok(Some(Arc::new(Verifier::from_file(tokens)?)))
}

fn sidecar(http_url: &str) -> anyhow::Result<Probe> {
    let sidecar = DaprSidecar::new(http_url)?;
    Ok(Probe::new(Component::Dapr, "daprd", move || {
        let sidecar = sidecar.clone();
        async move {
            let answer = sidecar.check_outbound().await;
            answer.map_err(|error| chain(&error))
        }
    }))
}
