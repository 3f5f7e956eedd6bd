//! From the load generator's records to the ledger's.

use gauntlet_harness::ledger::{
    FaultRecord, FaultSide, GeneratorRecord, LaneRecord, Lateness, Micros, NoiseFloor, Operation,
    OperationKind, OperationOutcome, Phase, Read, ReadKind,
};
use gauntlet_loadgen::client::{self, Outcome, UnknownReason};
use gauntlet_loadgen::{Histogram, LoadRecord, OperationRecord, Priority};

/// What a load was offered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    pub phase: Phase,
    /// Which block of an interleaved comparison, from 0.
    pub block: u32,
}

impl Purpose {
    pub const WARM_UP: Purpose = Purpose {
        phase: Phase::WarmUp,
        block: 0,
    };
    pub const LOAD: Purpose = Purpose::block(0);

    pub const fn block(block: u32) -> Purpose {
        Purpose {
            phase: Phase::Load,
            block,
        }
    }
}

/// Enters a finished load into a lane. Reads leave no effect and are not part of the accounting: they stand
/// beside it.
pub(super) fn enter(record: &mut LaneRecord, load: &LoadRecord, purpose: Purpose) {
    let writes = load
        .operations
        .iter()
        .filter_map(|operation| ledger_operation(operation, purpose));
    record.operations.extend(writes);
    let reads = load.operations.iter();
    let reads = reads.filter_map(|operation| ledger_read(operation, purpose.phase));
    record.reads.extend(reads);
    if purpose.phase == Phase::Load {
        enter_lateness(record.generator.get_or_insert_default(), load);
    }
}

/// When operations were offered that found nobody to take them: no connection could be made.
pub(super) fn unsent(load: &LoadRecord) -> impl Iterator<Item = Micros> + '_ {
    let unsent = load.operations.iter();
    let unsent = unsent.filter(|operation| operation.outcome.is_unsent());
    unsent.map(|operation| micros(operation.sent_micros))
}

/// Counts the operations that found nobody as attempts that failed because of a fault: of each fault of what
/// answers requests, those that were offered while it lasted.
pub(super) fn count_unsent(faults: &mut [FaultRecord], unsent: &[Micros]) {
    let of_producers = faults.iter_mut();
    for fault in of_producers.filter(|fault| fault.side == FaultSide::Producer) {
        let is_during = |at: &&Micros| {
            **at >= fault.injected_at && fault.healed_at.is_none_or(|healed_at| **at < healed_at)
        };
        fault.failed_attempts += unsent.iter().filter(is_during).count() as u64;
    }
}

/// Lateness of several loads of one lane: counts add up, and of the percentiles and the allowances the
/// worst stands, because a good block must not hide a bad one.
fn enter_lateness(generator: &mut GeneratorRecord, load: &LoadRecord) {
    let late = load.lateness.histogram();
    generator.offered += load.offered();
    generator.late += load.lateness.late();
    *generator.beyond_5ms.get_or_insert_default() += load.lateness.beyond_5ms();
    let allowed = u64::try_from(load.lateness.allowed().as_micros()).unwrap_or(u64::MAX);
    generator.allowed_micros = generator.allowed_micros.max(allowed);
    let real_time = load.priority == Priority::RealTime;
    generator.real_time = Some(generator.real_time.unwrap_or(true) && real_time);
    generator.held_back += load.held_back;
    generator.peak_in_flight = generator.peak_in_flight.max(load.peak_in_flight as u64);
    let worst = &mut generator.lateness;
    *worst = Lateness {
        p50_micros: worst.p50_micros.max(micros_at(late, 50.0)),
        p90_micros: worst.p90_micros.max(micros_at(late, 90.0)),
        p99_micros: worst.p99_micros.max(micros_at(late, 99.0)),
        max_micros: worst.max_micros.max(micros_at(late, 100.0)),
    };
}

/// The noise of an empty loop, as the ledger keeps it.
pub(super) fn noise(empty_loop: &gauntlet_loadgen::Lateness) -> NoiseFloor {
    let histogram = empty_loop.histogram();
    NoiseFloor {
        p50_micros: micros_at(histogram, 50.0),
        p99_micros: micros_at(histogram, 99.0),
        max_micros: micros_at(histogram, 100.0),
    }
}

fn micros_at(histogram: &Histogram, percentile: f64) -> u64 {
    u64::try_from(histogram.percentile(percentile).as_micros()).unwrap_or(u64::MAX)
}

fn ledger_operation(operation: &OperationRecord, purpose: Purpose) -> Option<Operation> {
    Some(Operation {
        key: operation.key.as_str().to_owned(),
        kind: ledger_kind(operation.kind)?,
        task_id: operation.task.map(|task| task.0),
        user_id: operation.user.0,
        phase: purpose.phase,
        block: purpose.block,
        intended_at: micros(operation.intended_micros),
        sent_at: micros(operation.sent_micros),
        done_at: micros(operation.done_micros),
        outcome: ledger_outcome(operation),
    })
}

fn ledger_read(operation: &OperationRecord, phase: Phase) -> Option<Read> {
    let kind = match operation.kind {
        client::OperationKind::Get => ReadKind::Get,
        client::OperationKind::List => ReadKind::List,
        client::OperationKind::Search => ReadKind::Search,
        client::OperationKind::NextPage => ReadKind::NextPage,
        _ => return None,
    };
    Some(Read {
        kind,
        user_id: operation.user.0,
        phase,
        intended_at: micros(operation.intended_micros),
        done_at: micros(operation.done_micros),
        items: match &operation.outcome {
            Outcome::Ok { items, .. } => *items,
            _ => None,
        },
        fault: match &operation.outcome {
            Outcome::Ok { .. } => unsaid(operation, kind),
            Outcome::Failed { status, problem } => Some(refusal(*status, problem)),
            Outcome::Unknown { why } => Some(unknown_reason(why)),
        },
    })
}

/// What an answer lacks that says nothing of what was asked for.
fn unsaid(operation: &OperationRecord, kind: ReadKind) -> Option<String> {
    let Outcome::Ok {
        status,
        task_id,
        version,
        items,
    } = &operation.outcome
    else {
        return None;
    };
    let (is_said, lacking) = match kind {
        ReadKind::Get => (
            *task_id == operation.task && version.is_some(),
            "the task that was asked for",
        ),
        ReadKind::List | ReadKind::Search | ReadKind::NextPage => (items.is_some(), "items"),
    };
    (!is_said).then(|| format!("answered {status} without {lacking}"))
}

fn refusal(status: Option<u16>, problem: &str) -> String {
    match status {
        Some(status) => format!("{status}: {problem}"),
        None => format!("not sent: {problem}"),
    }
}

fn ledger_kind(kind: client::OperationKind) -> Option<OperationKind> {
    match kind {
        client::OperationKind::Create => Some(OperationKind::Create),
        client::OperationKind::Update => Some(OperationKind::Update),
        client::OperationKind::Complete => Some(OperationKind::Complete),
        client::OperationKind::Reopen => Some(OperationKind::Reopen),
        client::OperationKind::Delete => Some(OperationKind::Delete),
        client::OperationKind::Get
        | client::OperationKind::List
        | client::OperationKind::Search
        | client::OperationKind::NextPage => None,
    }
}

fn ledger_outcome(operation: &OperationRecord) -> OperationOutcome {
    match &operation.outcome {
        Outcome::Ok {
            task_id: Some(task),
            version,
            ..
        } if version.is_some() || operation.kind == client::OperationKind::Delete => {
            OperationOutcome::Ok {
                task_id: task.0,
                version: *version,
            }
        }
        // Acknowledged without saying what: there is nothing to hold the system to, but something
        // may have been written. Only a deletion has nothing to say.
        Outcome::Ok { status, .. } => OperationOutcome::Unknown {
            reason: format!("answered {status} without task and version"),
        },
        Outcome::Failed { status, problem } => OperationOutcome::Failed {
            reason: refusal(*status, problem),
        },
        Outcome::Unknown { why } => OperationOutcome::Unknown {
            reason: unknown_reason(why),
        },
    }
}

fn unknown_reason(why: &UnknownReason) -> String {
    match why {
        UnknownReason::TimedOut => "no answer in time".to_owned(),
        UnknownReason::ConnectionLost { problem } => format!("connection lost: {problem}"),
        UnknownReason::ServerError { status, problem } => format!("{status}: {problem}"),
        UnknownReason::Unexpected { status } => format!("unexpected status {status}"),
    }
}

fn micros(since_epoch: u64) -> Micros {
    Micros(i64::try_from(since_epoch).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gauntlet_contract::{TaskId, UserId};
    use gauntlet_harness::ledger::{FaultKind, Lane};
    use gauntlet_loadgen::arrival::{Arrival, Burst, Rate};
    use gauntlet_loadgen::{Ending, OperationKey, noise_floor};

    use super::*;

    fn operation(kind: client::OperationKind, version: Option<u64>) -> OperationRecord {
        let task = TaskId::generate();
        OperationRecord {
            key: OperationKey::new("load", 7),
            kind,
            user: UserId::generate(),
            task: (kind != client::OperationKind::Create).then_some(task),
            intended_micros: 1,
            sent_micros: 2,
            done_micros: 3,
            outcome: Outcome::Ok {
                status: 200,
                task_id: Some(task),
                version,
                items: None,
            },
        }
    }

    fn entered(operation: &OperationRecord) -> Option<Operation> {
        ledger_operation(operation, Purpose::LOAD)
    }

    #[test]
    fn every_kind_that_writes_has_its_own_kind_in_the_ledger() {
        for (offered, kind) in [
            (client::OperationKind::Create, OperationKind::Create),
            (client::OperationKind::Update, OperationKind::Update),
            (client::OperationKind::Complete, OperationKind::Complete),
            (client::OperationKind::Reopen, OperationKind::Reopen),
            (client::OperationKind::Delete, OperationKind::Delete),
        ] {
            let offered = operation(offered, Some(4));
            let entered = entered(&offered).expect("it writes");
            assert_eq!(entered.kind, kind);
            assert_eq!(entered.key, "load-000007");
            assert_eq!(entered.task_id, offered.task.map(|task| task.0));
            assert_eq!(
                entered.acknowledged().map(|(_, version)| version),
                Some(Some(4))
            );
        }
        for (asked, kind) in [
            (client::OperationKind::Get, ReadKind::Get),
            (client::OperationKind::List, ReadKind::List),
            (client::OperationKind::Search, ReadKind::Search),
            (client::OperationKind::NextPage, ReadKind::NextPage),
        ] {
            let mut asked = operation(asked, Some(1));
            asked.outcome = page(&asked, Some(3));
            assert_eq!(entered(&asked), None);
            let read =
                |operation: &OperationRecord| ledger_read(operation, Phase::Load).expect("it asks");
            assert_eq!((read(&asked).kind, read(&asked).fault), (kind, None));
            asked.outcome = Outcome::Failed {
                status: Some(503),
                problem: "busy".to_owned(),
            };
            assert_eq!(read(&asked).fault.as_deref(), Some("503: busy"));
        }
        let creation = operation(client::OperationKind::Create, Some(1));
        assert_eq!(ledger_read(&creation, Phase::Load), None);
    }

    /// The same answer with so many items.
    fn page(operation: &OperationRecord, items: Option<u64>) -> Outcome {
        let Outcome::Ok {
            status,
            task_id,
            version,
            ..
        } = operation.outcome
        else {
            panic!("{operation:?}");
        };
        Outcome::Ok {
            status,
            task_id,
            version,
            items,
        }
    }

    #[test]
    fn planted_answers_that_do_not_say_what_was_asked_for_are_faults() {
        let fault = |operation: &OperationRecord| {
            ledger_read(operation, Phase::Load).expect("it asks").fault
        };
        let list = operation(client::OperationKind::List, None);
        let no_page = fault(&list).expect("no items");
        assert_eq!(no_page, "answered 200 without items");
        let mut other = operation(client::OperationKind::Get, Some(1));
        assert_eq!(fault(&other), None);
        other.task = Some(TaskId::generate());
        let unsaid = fault(&other).expect("another task");
        assert_eq!(unsaid, "answered 200 without the task that was asked for");
        let without_version = operation(client::OperationKind::Get, None);
        assert!(fault(&without_version).is_some());
    }

    fn fault(side: FaultSide, healed_at: Option<Micros>) -> FaultRecord {
        FaultRecord {
            what: FaultKind::Kill,
            target: "api".to_owned(),
            side,
            injected_at: Micros(100),
            healed_at,
            failed_attempts: 1,
        }
    }

    #[test]
    fn refused_connections_count_for_the_fault_of_what_answers_requests_while_it_lasts() {
        let unsent = [99, 100, 150, 199, 200].map(Micros);
        let healed_at = Some(Micros(200));
        for (side, healed_at, counted) in [
            (FaultSide::Producer, healed_at, 3),
            (FaultSide::Producer, None, 4),
            (FaultSide::Consumer, healed_at, 0),
            (FaultSide::Recurrence, healed_at, 0),
        ] {
            let mut faults = [fault(side, healed_at)];
            count_unsent(&mut faults, &unsent);
            assert_eq!(faults[0].failed_attempts, 1 + counted, "{side:?}");
        }
    }

    /// A load of which only the generator's lateness matters.
    async fn offered(arrival: Arrival) -> LoadRecord {
        LoadRecord {
            arrival,
            ending: Ending::Complete,
            planned: arrival.count(),
            held_back: 0,
            peak_in_flight: 1,
            priority: Priority::RealTime,
            lateness: noise_floor(arrival).await.expect("measured"),
            latency: Histogram::new().expect("bounds"),
            operations: Vec::new(),
        }
    }

    #[tokio::test]
    async fn what_a_burst_is_allowed_stands_beside_what_left_beyond_five_milliseconds() {
        let allowed = Duration::from_millis(100);
        let burst = offered(Arrival::Burst(Burst::once(20).leaving(allowed))).await;
        let rate = Rate::try_per_second(500).expect("not zero");
        let steady = offered(Arrival::steady(rate, Duration::from_millis(20))).await;
        let mut record = LaneRecord::new(Lane::new("a"), &[]);
        enter(&mut record, &steady, Purpose::LOAD);
        let entered = |record: &LaneRecord| record.generator.clone().expect("it was offered");
        assert_eq!(entered(&record).allowed_micros, 0);
        enter(&mut record, &burst, Purpose::LOAD);
        let generator = entered(&record);
        assert_eq!(generator.late_after(), Duration::from_millis(105));
        let both = [steady, burst].map(|load| load.lateness.beyond_5ms());
        assert_eq!(generator.beyond_5ms, Some(both.iter().sum()));
    }

    #[tokio::test]
    async fn one_load_without_priority_is_not_hidden_by_those_that_had_it() {
        let arrival = Arrival::Burst(Burst::once(1));
        let before = offered(arrival).await;
        let without = LoadRecord {
            priority: Priority::Ordinary,
            ..offered(arrival).await
        };
        let mut record = LaneRecord::new(Lane::new("a"), &[]);
        let entered = |record: &LaneRecord| record.generator.clone().expect("offered").real_time;
        enter(&mut record, &before, Purpose::LOAD);
        assert_eq!(entered(&record), Some(true));
        enter(&mut record, &without, Purpose::LOAD);
        assert_eq!(entered(&record), Some(false));
        enter(&mut record, &before, Purpose::LOAD);
        assert_eq!(entered(&record), Some(false));
    }

    #[test]
    fn only_a_deletion_is_acknowledged_without_a_version() {
        let deletion = operation(client::OperationKind::Delete, None);
        let task_id = deletion.task.expect("addressed").0;
        let entered_deletion = entered(&deletion).expect("it writes");
        assert_eq!(entered_deletion.acknowledged(), Some((task_id, None)));
        for kind in [client::OperationKind::Create, client::OperationKind::Reopen] {
            let entered = entered(&operation(kind, None)).expect("it writes");
            assert!(
                matches!(entered.outcome, OperationOutcome::Unknown { .. }),
                "{entered:?}"
            );
        }
    }
}
