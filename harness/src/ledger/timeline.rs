//! The whole history of one id, for a person who has to find out where it went.
//!
//! Timelines are made for the few violations that are shown. They scan all rows, because an index
//! over a million of them for the sake of twenty would cost more than it saves.

use uuid::Uuid;

use super::{Accounting, LaneRecord, Micros, Operation, OperationOutcome, OutboxRow};

/// What a timeline is about.
#[derive(Clone, Copy, Debug, Default)]
struct Subject {
    operation: Option<usize>,
    event_id: Option<Uuid>,
    versioned: Option<(Uuid, u64)>,
}

impl LaneRecord {
    /// History of an operation: its sends, its event, the deliveries, and the faults meanwhile.
    /// One line an entry, oldest first, in seconds since the lane's first intended send.
    pub fn timeline_of_operation(&self, operation: usize, accounting: &Accounting) -> Vec<String> {
        let claimed = accounting
            .operation_of_event
            .iter()
            .position(|of| *of == Some(operation));
        self.timeline(Subject {
            operation: Some(operation),
            event_id: claimed.map(|event| self.events[event].event_id),
            versioned: self.operations[operation]
                .acknowledged()
                .and_then(|(task_id, version)| Some((task_id, version?))),
        })
    }

    /// History of an event, whether or not it is in the outbox.
    pub fn timeline_of_event(&self, event_id: Uuid, accounting: &Accounting) -> Vec<String> {
        let event = self
            .events
            .iter()
            .position(|event| event.event_id == event_id);
        self.timeline(Subject {
            operation: event.and_then(|event| accounting.operation_of_event[event]),
            event_id: Some(event_id),
            versioned: None,
        })
    }

    /// History of one version of a task.
    pub fn timeline_of_version(&self, task_id: Uuid, version: u64) -> Vec<String> {
        let versioned = (task_id, version);
        let promised = Some((task_id, Some(version)));
        let asked = |operation: &Operation| operation.acknowledged() == promised;
        self.timeline(Subject {
            operation: self.operations.iter().position(asked),
            event_id: None,
            versioned: Some(versioned),
        })
    }

    fn timeline(&self, subject: Subject) -> Vec<String> {
        let mut moments = Vec::new();
        if let Some(operation) = subject.operation {
            self.add_operation(operation, &mut moments);
        }
        let mut ids: Vec<Uuid> = subject.event_id.into_iter().collect();
        for event in &self.events {
            let is_meant = subject.versioned == Some((event.task_id, event.version))
                || subject.event_id == Some(event.event_id);
            if is_meant {
                add_event(event, &mut moments);
                ids.push(event.event_id);
            }
        }
        self.add_effects(subject, &ids, &mut moments);
        self.add_incidents(&mut moments);
        // Stable: entries of one instant keep the order in which things happen.
        moments.sort_by_key(|(at, _)| *at);
        let began_at = self.began_at();
        let mut lines: Vec<String> = moments
            .into_iter()
            .map(|(at, what)| format!("{:+.6} s {what}", seconds_between(began_at, at)))
            .collect();
        lines.extend(
            self.final_state(&ids)
                .map(|what| format!("at the end: {what}")),
        );
        lines
    }

    fn add_operation(&self, position: usize, moments: &mut Vec<(Micros, String)>) {
        let operation = &self.operations[position];
        let kind = operation.kind.action();
        let outcome = match &operation.outcome {
            OperationOutcome::Ok {
                task_id,
                version: Some(version),
            } => format!("ok, task {task_id} version {version}"),
            OperationOutcome::Ok {
                task_id,
                version: None,
            } => format!("ok, task {task_id}"),
            OperationOutcome::Failed { reason } => format!("failed: {reason}"),
            OperationOutcome::Unknown { reason } => format!("unknown: {reason}"),
        };
        moments.push((
            operation.intended_at,
            format!(
                "operation {position} intended: {:?} to be {kind}",
                operation.key
            ),
        ));
        moments.push((operation.sent_at, format!("operation {position} sent")));
        moments.push((
            operation.done_at,
            format!("operation {position} answered: {outcome}"),
        ));
    }

    fn add_effects(&self, subject: Subject, ids: &[Uuid], moments: &mut Vec<(Micros, String)>) {
        for effect in &self.effects {
            let is_meant = ids.contains(&effect.event_id)
                || subject.versioned == Some((effect.task_id, effect.version));
            if is_meant {
                moments.push((
                    effect.at(),
                    format!(
                        "effect {} of event {} by {}: {}, version {}",
                        effect.seq, effect.event_id, effect.consumer, effect.action, effect.version
                    ),
                ));
            }
        }
        // What the inbox claims stands beside what there is to show for it.
        for row in self.inbox.iter().filter(|row| ids.contains(&row.event_id)) {
            if let Some(done_at) = row.done_at {
                moments.push((done_at, format!("inbox of {} says done", row.consumer)));
            }
        }
    }

    /// Faults and restarts of the whole lane: what was lost was lost beside one of them.
    fn add_incidents(&self, moments: &mut Vec<(Micros, String)>) {
        for fault in &self.faults {
            let name = format!("{} of {}", fault.what.as_str(), fault.target);
            if let Some(healed_at) = fault.healed_at {
                moments.push((healed_at, format!("fault healed: {name}")));
            }
            moments.push((fault.injected_at, format!("fault injected: {name}")));
        }
        for restart in &self.restarts {
            moments.push((restart.at, format!("{} restarted", restart.process)));
            if let Some(ready_at) = restart.ready_at {
                moments.push((ready_at, format!("{} ready", restart.process)));
            }
        }
    }

    /// What has no time of its own: rows that tell how things stood when the stores were read.
    fn final_state<'a>(&'a self, ids: &'a [Uuid]) -> impl Iterator<Item = String> + 'a {
        let letters = self
            .dead_letters
            .iter()
            .filter(|letter| letter.event_id.is_some_and(|id| ids.contains(&id)))
            .map(|letter| format!("dead letter in {}", letter.topic));
        let open = self
            .inbox
            .iter()
            .filter(|row| row.done_at.is_none() && ids.contains(&row.event_id))
            .map(|row| {
                format!(
                    "inbox of {} open after {} failures",
                    row.consumer, row.handled_failures
                )
            });
        let offsets = self.offsets.iter().map(|offset| match offset.lag() {
            Some(lag) => format!("{}: {lag} to go", offset.name()),
            None => format!("{}: lag not known", offset.name()),
        });
        letters.chain(open).chain(offsets)
    }
}

/// An event's way through the outbox, as the relay wrote it down.
fn add_event(event: &OutboxRow, moments: &mut Vec<(Micros, String)>) {
    let id = event.event_id;
    moments.push((
        event.inserted_at,
        format!("event {id} inserted in the outbox"),
    ));
    if let Some(started_at) = event.publish_started_at {
        moments.push((
            started_at,
            format!("event {id} publish attempt {}", event.attempts),
        ));
    }
    match event.sent_at {
        Some(sent_at) => {
            moments.push((
                sent_at,
                format!("event {id} published, attempts: {}", event.attempts),
            ));
        }
        None => moments.push((
            event.inserted_at,
            format!("event {id} never published, attempts: {}", event.attempts),
        )),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a run's microseconds fit in 52 bits"
)]
fn seconds_between(from: Micros, to: Micros) -> f64 {
    (to.0 - from.0) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use crate::ledger::{FaultKind, FaultRecord, FaultSide, sample};

    #[test]
    fn a_lost_event_prints_its_whole_way() {
        let mut record = sample::lane("a", 3);
        let event_id = record.events[1].event_id;
        record.effects.remove(1);
        record.faults.push(FaultRecord {
            what: FaultKind::Kill,
            target: "audit".to_owned(),
            side: FaultSide::Consumer,
            injected_at: record.operations[1].sent_at,
            healed_at: None,
            failed_attempts: 0,
        });
        let lines = record.timeline_of_operation(1, &record.account());
        let order = [
            "intended",
            "sent",
            "fault injected: kill of audit",
            "inserted in the outbox",
            "publish attempt 1",
            "answered: ok",
            "published, attempts: 1",
        ];
        let mut rest = lines.iter();
        for wanted in order {
            assert!(
                rest.any(|line| line.contains(wanted)),
                "{wanted:?} not in place: {lines:#?}"
            );
        }
        assert!(
            lines
                .iter()
                .any(|line| line.contains(&event_id.to_string()))
        );
        assert!(
            lines
                .last()
                .is_some_and(|line| line.starts_with("at the end: audit on "))
        );
        assert!(lines.iter().all(|line| !line.contains("effect ")));
    }

    #[test]
    fn an_event_finds_its_operation() {
        let record = sample::lane("a", 2);
        let lines = record.timeline_of_event(record.events[0].event_id, &record.account());
        assert!(
            lines
                .iter()
                .any(|line| line.contains("operation 0 answered: ok"))
        );
        assert!(lines.iter().any(|line| line.contains("effect 1 of event")));
    }
}
