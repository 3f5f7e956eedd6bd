use std::sync::Arc;
use std::time::{Duration, Instant};

use gauntlet_contract::config::Role;
use gauntlet_harness::provider::{Exit, Instance, ServiceId};
use gauntlet_harness::stack::{Stack, StopReport};
use gauntlet_reports::ScenarioReport;
use gauntlet_reports::evidence::{
    Finding, Judgement, Quantity, Timing, Verdict, Violation, Violations,
};

/// The system drains within its own 30 s; what is left of it then is stuck.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(35);

/// The system's own services of one lane. What they stand on is not judged.
struct LaneServices {
    lane: String,
    services: Vec<Arc<dyn Instance>>,
}

/// How one service of the system ended when it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    service: ServiceId,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    ByItself(Exit),
    ByForce,
    /// It was gone before it was asked, or nobody knows: that shows nothing of a drain.
    NotSeen,
}

/// Stops the stack. How the system's services took it is a finding of its own; what else would not end
/// by itself is worth a note.
pub(super) async fn stop(stack: Stack, report: &mut ScenarioReport) -> anyhow::Result<()> {
    let lanes = services(&stack);
    let began = Instant::now();
    let stopped = stack.stop(STOP_GRACE).await?;
    report.timings.push(Timing {
        what: "stack stopped".to_owned(),
        seconds: began.elapsed().as_secs_f64(),
    });
    for lane in &lanes {
        let endings: Vec<Ending> = lane
            .services
            .iter()
            .map(|service| ending(service.as_ref(), &stopped))
            .collect();
        report.findings.push(finding(&lane.lane, &endings));
    }
    let is_judged = |id: &ServiceId| {
        let mut services = lanes.iter().flat_map(|lane| &lane.services);
        services.any(|service| service.id() == id)
    };
    for service in stopped.forced.iter().filter(|id| !is_judged(id)) {
        report.notes.push(format!(
            "{service} did not stop within {} s and was killed",
            STOP_GRACE.as_secs()
        ));
    }
    Ok(())
}

fn services(stack: &Stack) -> Vec<LaneServices> {
    let lanes = stack.lanes().iter().map(|lane| {
        let services = Role::ALL.into_iter().filter_map(|role| lane.app(role).ok());
        LaneServices {
            lane: lane.name().to_owned(),
            services: services.cloned().collect(),
        }
    });
    lanes.collect()
}

fn ending(service: &dyn Instance, stopped: &StopReport) -> Ending {
    let id = service.id();
    let end = match service.exit() {
        _ if stopped.forced.contains(id) => End::ByForce,
        Some(exit) if !stopped.gone_before.contains(id) => End::ByItself(exit),
        _ => End::NotSeen,
    };
    Ending {
        service: id.clone(),
        end,
    }
}

/// S10 asks for a drain on SIGTERM; the service itself gives up after 30 s, with another exit code.
fn finding(lane: &str, endings: &[Ending]) -> Finding {
    let violations: Vec<Violation> = endings.iter().filter_map(violation).collect();
    let seen = endings.iter().filter(|ending| ending.end != End::NotSeen);
    let (examined, expected) = (seen.count(), endings.len());
    let (verdict, missed_by) = match violations.len() {
        0 if examined > 0 && examined == expected => (Verdict::Pass, None),
        0 => (Verdict::Inconclusive, None),
        bad => (Verdict::Fail, Some(format!("{bad} of {examined} services"))),
    };
    let judgement = Judgement {
        bar: format!("exit code 0 within {} s of SIGTERM", STOP_GRACE.as_secs()),
        verdict,
        not_asked: false,
        missed_by,
    };
    Finding {
        check: "graceful-stop".to_owned(),
        requirement: "S10".to_owned(),
        lane: lane.to_owned(),
        claim: "asked to stop, the system's services finish what they have begun and exit"
            .to_owned(),
        measured: Some(Quantity {
            value: f64::from(u32::try_from(violations.len()).unwrap_or(u32::MAX)),
            unit: "services that did not".to_owned(),
        }),
        asked: judgement.clone(),
        ours: judgement,
        examined: examined as u64,
        expected: expected as u64,
        violations: Violations {
            total: violations.len() as u64,
            shown: violations,
        },
        note: (examined < expected).then(|| {
            format!("examined {examined} of {expected} services: the others were gone before")
        }),
    }
}

fn violation(ending: &Ending) -> Option<Violation> {
    let what = match ending.end {
        End::ByItself(Exit::Code(0)) | End::NotSeen => return None,
        End::ByItself(exit) => format!("gave up its drain: {exit}"),
        End::ByForce => format!(
            "did not end within {} s and was killed",
            STOP_GRACE.as_secs()
        ),
    };
    Some(Violation {
        subject: ending.service.to_string(),
        what,
        timeline: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endings(ends: [End; 2]) -> Vec<Ending> {
        let roles = ["api", "audit"].into_iter().zip(ends);
        roles
            .map(|(role, end)| Ending {
                service: ServiceId::of_lane("direct-redis", role),
                end,
            })
            .collect()
    }

    fn verdicts(ends: [End; 2]) -> (Verdict, Verdict) {
        let finding = finding("direct-redis", &endings(ends));
        (finding.asked.verdict, finding.ours.verdict)
    }

    const DRAINED: End = End::ByItself(Exit::Code(0));

    #[test]
    fn services_that_end_by_themselves_pass() {
        assert_eq!(verdicts([DRAINED, DRAINED]), (Verdict::Pass, Verdict::Pass));
    }

    #[test]
    fn a_service_that_was_killed_or_gave_up_its_drain_fails() {
        for bad in [
            End::ByForce,
            End::ByItself(Exit::Code(1)),
            End::ByItself(Exit::Signal(6)),
        ] {
            let failed = finding("direct-redis", &endings([bad, DRAINED]));
            assert_eq!(failed.asked.verdict, Verdict::Fail, "{failed:?}");
            assert_eq!(failed.asked.missed_by.as_deref(), Some("1 of 2 services"));
            assert_eq!(failed.violations.shown[0].subject, "direct-redis/api");
        }
        // What was seen counts, whatever else was not.
        assert_eq!(
            verdicts([End::ByForce, End::NotSeen]),
            (Verdict::Fail, Verdict::Fail)
        );
    }

    #[test]
    fn a_service_that_was_gone_before_shows_nothing() {
        let unseen = finding("direct-redis", &endings([DRAINED, End::NotSeen]));
        assert_eq!(unseen.asked.verdict, Verdict::Inconclusive);
        assert_eq!((unseen.examined, unseen.expected), (1, 2));
        assert!(unseen.note.is_some());
    }
}
