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
/// Examined are positions whose lag is known. Does not show that what was passed was processed:
/// `nothing-lost` does.
#[derive(Clone, Debug)]
pub struct ConsumerDrained {
    scope: Scope,
}

impl ConsumerDrained {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let offsets = &view.record().offsets;
        let mut behind = Collected::new("positions behind the end");
        let mut known = 0;
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
        self.scope.judge(
            self,
            ledger,
            &Bars::both(Bar::Stated("lag 0")),
            "",
            Self::search,
        )
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
