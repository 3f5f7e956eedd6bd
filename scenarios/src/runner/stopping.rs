use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gauntlet_harness::check::GracefulStop;
use gauntlet_harness::ledger::{Ended, EndingRecord, Lane};
use gauntlet_harness::provider::{Exit, Instance, ServiceId};
use gauntlet_harness::stack::{Stack, StopReport};
use gauntlet_reports::ScenarioReport;
use gauntlet_reports::evidence::Timing;

/// The system drains within its own 30 s; what is left of it then is stuck.
pub(crate) const STOP_GRACE: Duration = GracefulStop::WITHIN;

/// The system's own services of one lane. What they stand on is not judged.
struct LaneServices {
    lane: Lane,
    services: Vec<Arc<dyn Instance>>,
}

/// How the services of each lane ended, for the ledger.
pub(super) type Endings = BTreeMap<Lane, Vec<EndingRecord>>;

/// Stops the stack, and tells how the system's services took it. What else would not end by itself is worth a
/// note.
pub(super) async fn stop(stack: Stack, report: &mut ScenarioReport) -> anyhow::Result<Endings> {
    let lanes = services(&stack);
    let began = Instant::now();
    let stopped = stack.stop(STOP_GRACE).await?;
    report.timings.push(Timing {
        what: "stack stopped".to_owned(),
        seconds: began.elapsed().as_secs_f64(),
    });
    let is_of_system = |id: &ServiceId| {
        let mut services = lanes.iter().flat_map(|lane| &lane.services);
        services.any(|service| service.id() == id)
    };
    for service in stopped.forced.iter().filter(|id| !is_of_system(id)) {
        report.notes.push(format!(
            "{service} did not stop within {} s and was killed",
            STOP_GRACE.as_secs()
        ));
    }
    let endings = lanes.iter().map(|lane| {
        let services = lane.services.iter();
        let endings = services.map(|service| ending(service.id(), service.exit(), &stopped));
        (lane.lane.clone(), endings.collect())
    });
    Ok(endings.collect())
}

fn services(stack: &Stack) -> Vec<LaneServices> {
    let lanes = stack.lanes().iter().map(|lane| LaneServices {
        lane: Lane::new(lane.name()),
        services: lane.apps().cloned().collect(),
    });
    lanes.collect()
}

fn ending(id: &ServiceId, exit: Option<Exit>, stopped: &StopReport) -> EndingRecord {
    let ended = match exit {
        _ if stopped.forced.contains(id) => Ended::ByForce,
        _ if stopped.gone_before.contains(id) => Ended::NotSeen,
        Some(Exit::Code(code)) => Ended::Code(code),
        Some(Exit::Signal(signal)) => Ended::Signal(signal),
        None => Ended::NotSeen,
    };
    EndingRecord {
        service: id.to_string(),
        ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_by_force_before_it_is_anything_else_and_not_seen_where_it_was_gone() {
        let id = ServiceId::of_lane("direct-redis", "api");
        let clean = StopReport::default();
        let forced = StopReport {
            forced: vec![id.clone()],
            ..StopReport::default()
        };
        let gone = StopReport {
            gone_before: vec![id.clone()],
            ..StopReport::default()
        };
        for (exit, stopped, ended) in [
            (Some(Exit::Code(0)), &clean, Ended::Code(0)),
            (Some(Exit::Code(1)), &clean, Ended::Code(1)),
            (Some(Exit::Signal(6)), &clean, Ended::Signal(6)),
            (Some(Exit::Code(0)), &forced, Ended::ByForce),
            (Some(Exit::Code(0)), &gone, Ended::NotSeen),
            (None, &clean, Ended::NotSeen),
        ] {
            let record = ending(&id, exit, stopped);
            assert_eq!(
                (record.service.as_str(), record.ended),
                ("direct-redis/api", ended)
            );
        }
    }
}
