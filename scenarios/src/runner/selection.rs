use std::path::Path;
use std::time::Instant;

use gauntlet_harness::provider::Support;
use gauntlet_harness::stack::{Network, Stack, StackKind};
use gauntlet_reports::evidence::{Component, Outcome};
use gauntlet_reports::{Provenance, ScenarioReport};
use tokio_util::sync::CancellationToken;

use super::one::{Place, blank, drive_and_judge};
use crate::cli::{Chosen, Session};
use crate::console::{finding_line, slowest_services};
use crate::failure::failed;
use crate::run::{Run, Settings};
use crate::scenario::Scenario;

/// Carries out scenarios on stacks of their own.
#[derive(Debug)]
pub struct Runner<'a> {
    pub session: &'a Session,
    pub settings: Settings,
    /// The run's folder: a folder for each scenario, and the report.
    pub folder: &'a Path,
    pub run_id: &'a str,
    pub providers: &'a [Chosen],
    /// Cancelled when the user interrupts the run.
    pub interrupt: CancellationToken,
}

/// What carrying out a selection gave.
#[derive(Debug, Default)]
pub struct Carried {
    pub scenarios: Vec<ScenarioReport>,
    pub components: Vec<Component>,
    /// Why the harness could not go on, when it could not.
    pub broken: Option<anyhow::Error>,
}

impl Runner<'_> {
    /// Runs every scenario on every provider, `repeats` times. A stack that does not start ends the whole run, because
    /// the next one would not start either; what was judged before stays, and what was not reached is
    /// listed with the reason.
    pub async fn carry_out(&self, scenarios: &[Box<dyn Scenario>], repeats: u32) -> Carried {
        let mut carried = Carried::default();
        for scenario in scenarios {
            let turns = self
                .providers
                .iter()
                .flat_map(|provider| (1..=repeats).map(move |repeat| (provider, repeat)));
            for (provider, repeat) in turns {
                let mut report = blank(scenario.meta(), provider.name(), repeat);
                if let Some(broken) = &carried.broken {
                    report.outcome = not_reached(broken);
                } else if let Err(error) = self
                    .carry_out_one(scenario.as_ref(), provider, &mut report, &mut carried)
                    .await
                {
                    abort_unjudged(&mut report, &error);
                    carried.broken = Some(error);
                }
                carried.scenarios.push(report);
                // Also after the last one: an interrupted run has no verdict.
                if carried.broken.is_none() && self.interrupt.is_cancelled() {
                    carried.broken = Some(anyhow::anyhow!("interrupted"));
                }
            }
        }
        carried
    }

    async fn carry_out_one(
        &self,
        scenario: &dyn Scenario,
        provider: &Chosen,
        report: &mut ScenarioReport,
        carried: &mut Carried,
    ) -> anyhow::Result<()> {
        let meta = scenario.meta();
        let console = &self.session.console;
        let network = provider.runs_on.network();
        if let Some((needs, mend)) = lack(scenario, self.settings.offered, network) {
            console.note(&format!("\n{}: not run, needs {needs}", meta.id));
            report.outcome = Outcome::NotRun { needs, mend };
            return Ok(());
        }
        let where_it_runs = self.told_apart(provider);
        console.heading(&format!("{}{where_it_runs}: {}", meta.id, meta.title));
        let name = format!(
            "{}{}-{}",
            meta.id,
            where_it_runs.replace(' ', "-"),
            report.repeat
        );
        let place = Place {
            run: self.folder,
            name: &name,
        };
        let began = Instant::now();
        let started = self.start_stack(scenario, provider, place).await;
        let stack = started?;
        add_new(&mut carried.components, provider.name(), stack.provenance());
        let step = console.step("load and faults");
        let run = Run::on(stack, self.settings.clone(), meta.id, report.repeat, step)?;
        let (settings, interrupt) = (&self.settings, &self.interrupt);
        let outcome = drive_and_judge(scenario, run, settings, place, interrupt, report).await;
        report.seconds = began.elapsed().as_secs_f64();
        for finding in &report.findings {
            console.note(&finding_line(finding));
        }
        outcome
    }

    /// What sets this provider's runs apart from another one's in names; empty where there is one alone.
    fn told_apart(&self, provider: &Chosen) -> String {
        if self.providers.len() > 1 {
            format!(" {}", provider.name())
        } else {
            String::new()
        }
    }

    async fn start_stack(
        &self,
        scenario: &dyn Scenario,
        provider: &Chosen,
        place: Place<'_>,
    ) -> anyhow::Result<Stack> {
        let step = self.session.console.step("stack");
        let topology = scenario.topology(self.settings.offered);
        let context = self.session.stack_context(
            &format!("{}-{}", self.run_id, place.name),
            &place.run.join(place.name),
            &provider.runs_on,
        );
        let started = tokio::select! {
            started = Stack::start(topology, &context) => started.map_err(failed),
            () = self.interrupt.cancelled() => Err(anyhow::anyhow!("interrupted")),
        };
        match &started {
            Ok(stack) => step.done(&format!(
                "{} services ready; slowest: {}",
                stack.services().len(),
                slowest_services(stack.timings())
            )),
            Err(_) => step.failed("did not start"),
        }
        started
    }
}

/// A component appears once for each provider, however many scenarios used it.
fn add_new(components: &mut Vec<Component>, provider: &str, more: &[Provenance]) {
    for provenance in more {
        let component = Component {
            provenance: provenance.clone(),
            provider: provider.to_owned(),
        };
        if !components.contains(&component) {
            components.push(component);
        }
    }
}

/// It was not skipped for a lack of its own, and nothing is known of it.
fn not_reached(broken: &anyhow::Error) -> Outcome {
    Outcome::Aborted {
        reason: format!("not reached, because the run broke off before: {broken:#}"),
    }
}

/// What was judged before the harness failed keeps its outcome; all else was not driven to its end.
fn abort_unjudged(report: &mut ScenarioReport, error: &anyhow::Error) {
    if report.outcome == Outcome::Judged && report.findings.is_empty() {
        report.outcome = Outcome::Aborted {
            reason: format!("{error:#}"),
        };
    }
}

/// What the scenario needs and neither the stack nor the provider has, and how to mend that.
fn lack(scenario: &dyn Scenario, offered: StackKind, network: Network) -> Option<(String, String)> {
    if let Some(needs) = scenario.meta().needs.missing_from(offered) {
        let full = StackKind::Full;
        let mend = format!("run it on the {full} stack: `gauntlet run --stack full` gets {needs}");
        return Some((needs.to_owned(), mend));
    }
    match scenario.topology(offered).support_on(network) {
        Support::Available => None,
        Support::Unavailable { reason } => {
            let mend = "run it on processes: `gauntlet run --provider process`";
            Some((reason, mend.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    #[test]
    fn planted_lack_is_told_with_its_mend_and_a_scenario_without_one_runs() {
        let lack = |name, offered, network| {
            let scenario = registry::find(name).expect("a scenario");
            super::lack(scenario.as_ref(), offered, network)
        };
        let (full, light) = (StackKind::Full, StackKind::Light);
        for (found, needs, mend) in [
            (
                lack("tracing", light, Network::Hosts),
                "daprd",
                "--stack full",
            ),
            (
                lack("tracing", full, Network::Own),
                "collector",
                "--provider process",
            ),
        ] {
            let (found, how) = found.expect("a lack");
            assert!(found.contains(needs), "{found}");
            assert!(how.contains(mend), "{how}");
        }
        assert_eq!(lack("tracing", full, Network::Hosts), None);
        assert_eq!(lack("burst-1000", full, Network::Own), None);
    }
}
