use std::collections::BTreeSet;

use gauntlet_reports::evidence::{Finding, Violation};

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, Offset};

/// At the end each consumer group stands at the end of what it reads: lag 0 on Kafka; nothing
/// pending and nothing undelivered on a Redis stream.
///
/// Events may all be placed while the group still stands behind: the next restart would then read
/// them again. And a group that never committed anything owes everything that its topic holds.
///
/// Examined are positions whose lag is known. A scenario says of how many groups there are to be some, and with
/// fewer the check is inconclusive: a group that nobody looked at is behind by nothing. Does not show that what was passed was processed:
/// `nothing-lost` does.
#[derive(Clone, Debug)]
pub struct ConsumerDrained {
    scope: Scope,
    groups: usize,
}

impl ConsumerDrained {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
            groups: 1,
        }
    }

    /// With positions of fewer groups the check is inconclusive.
    #[must_use]
    pub fn of_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let offsets = &view.record().offsets;
        let mut behind = Collected::new("positions behind the end");
        let mut known = 0;
        let groups: BTreeSet<&str> = offsets.iter().map(group).collect();
        let too_few = (groups.len() < self.groups)
            .then(|| format!("positions of {} of {} groups", groups.len(), self.groups));
        for offset in offsets {
            // Redis cannot always tell; what is not known is not examined, and so inconclusive.
            let Some(lag) = offset.lag() else { continue };
            known += 1;
            if lag > 0 {
                behind.add(|| Violation {
                    subject: offset.name(),
                    what: format!("{lag} to go"),
                    timeline: vec![describe(offset)],
                });
            }
        }
        Evidence::none_tolerated(behind)
            .examined(known)
            .expected(offsets.len() as u64)
            .doubts(too_few)
    }
}

fn group(offset: &Offset) -> &str {
    match offset {
        Offset::Partition { group, .. } | Offset::Stream { group, .. } => group,
    }
}

fn describe(offset: &Offset) -> String {
    match offset {
        Offset::Partition {
            committed: Some(committed),
            start,
            end,
            ..
        } => {
            format!("committed {committed}, held from {start} to {end}")
        }
        Offset::Partition {
            committed: None,
            start,
            end,
            ..
        } => {
            format!("nothing committed, held from {start} to {end}")
        }
        Offset::Stream {
            length, pending, ..
        } => format!("length {length}, pending {pending}"),
    }
}

impl Check for ConsumerDrained {
    fn id(&self) -> &'static str {
        "consumer-drained"
    }

    fn requirement(&self) -> &'static str {
        "SC-008"
    }

    fn claim(&self) -> String {
        "every consumer has finished what was published".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("lag 0"));
        self.scope
            .judge(self, ledger, &bars, "", |view| self.search(view))
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::LaneRecord;

    fn partition(committed: Option<i64>, start: i64, end: i64) -> LaneRecord {
        let mut record = healthy(1);
        record.offsets = vec![Offset::Partition {
            group: "audit".to_owned(),
            topic: "task-events".to_owned(),
            partition: 0,
            committed,
            start,
            end,
        }];
        record
    }

    fn stream(pending: u64, undelivered: Option<u64>) -> LaneRecord {
        let mut record = healthy(1);
        record.offsets = vec![Offset::Stream {
            group: "audit".to_owned(),
            stream: "task-events".to_owned(),
            length: 10,
            pending,
            undelivered,
        }];
        record
    }

    #[test]
    fn passes_at_the_end() {
        let check = ConsumerDrained::new(lane());
        assert_both(&judge(&check, partition(Some(10), 0, 10)), Verdict::Pass);
        assert_both(&judge(&check, partition(None, 0, 0)), Verdict::Pass);
        assert_both(&judge(&check, partition(None, 7, 7)), Verdict::Pass);
        assert_both(&judge(&check, stream(0, Some(0))), Verdict::Pass);
    }

    #[test]
    fn planted_lag_is_found() {
        let check = ConsumerDrained::new(lane());
        assert_both(&judge(&check, partition(Some(9), 0, 10)), Verdict::Fail);
        assert_both(&judge(&check, partition(None, 0, 10)), Verdict::Fail);
        assert_both(&judge(&check, stream(1, Some(0))), Verdict::Fail);
        assert_both(&judge(&check, stream(0, Some(1))), Verdict::Fail);
    }

    #[test]
    fn planted_group_that_nobody_looked_at_is_inconclusive() {
        let check = ConsumerDrained::new(lane()).of_groups(2);
        let mut record = partition(Some(10), 0, 10);
        // However many positions of the other one.
        record.offsets.push(record.offsets[0].clone());
        assert_both(&judge(&check, record.clone()), Verdict::Inconclusive);
        record.offsets.extend(stream(0, Some(0)).offsets);
        if let Some(Offset::Stream { group, .. }) = record.offsets.last_mut() {
            "recurring".clone_into(group);
        }
        assert_both(&judge(&check, record), Verdict::Pass);
    }

    #[test]
    fn an_unknown_lag_and_too_few_positions_are_inconclusive() {
        let check = ConsumerDrained::new(Scope::lane(lane()).at_least(2));
        assert_both(&judge(&check, stream(0, None)), Verdict::Inconclusive);
        assert_both(
            &judge(&check, partition(Some(10), 0, 10)),
            Verdict::Inconclusive,
        );
        assert_inconclusive_on_nothing(&check);
    }
}
