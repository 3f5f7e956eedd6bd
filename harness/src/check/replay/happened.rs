use gauntlet_reports::evidence::{Finding, Violation};

use crate::check::evidence::{Collected, Evidence};
use crate::check::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, ReplayedGroup};

/// Each consumer group was set back to the beginning of what it reads, was given every message of it once
/// more, and came to the end again.
///
/// Examined are messages that came again, by number: the group was seen to have all of them before it, and
/// its consumer counted so many as settled since. Fewer than the topics hold make it inconclusive, because
/// what was not delivered cannot have shown anything.
///
/// Does not show: which messages came again. A consumer that was given one half of them twice, and whose broker
/// took it past the other half, would look the same.
#[derive(Clone, Debug)]
pub struct ReplayHappened {
    scope: Scope,
    /// Groups that there have to be.
    groups: usize,
    /// Messages that each of them has to have been given again.
    of_each: u64,
}

impl ReplayHappened {
    pub fn new(scope: impl Into<Scope>, groups: usize, of_each: u64) -> Self {
        Self {
            scope: scope.into(),
            groups,
            of_each,
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let replayed = &view.record().replayed;
        let mut behind = Collected::new("groups that did not come to the end again");
        for group in replayed {
            if group.to_go_at_end.is_some_and(|to_go| to_go > 0) {
                behind.add(|| Violation {
                    subject: name(group),
                    what: "did not come to the end again".to_owned(),
                    timeline: vec![describe(group)],
                });
            }
        }
        let is_unknown = |group: &&ReplayedGroup| group.to_go_at_end.is_none();
        let unknown = replayed.iter().filter(is_unknown);
        let unknown = unknown.map(|group| format!("where {} stands is not known", name(group)));
        let missing = (replayed.len() < self.groups)
            .then(|| format!("{} of {} groups were set back", replayed.len(), self.groups));
        let absent = replayed.iter().filter_map(redelivery_doubt);
        let few = replayed.iter().filter(|group| group.held < self.of_each);
        let few = few.map(|group| {
            let (name, held, wanted) = (name(group), group.held, self.of_each);
            format!("{name}: only {held} messages to read again, not {wanted}")
        });
        Evidence::none_tolerated(behind)
            .examined(replayed.iter().map(ReplayedGroup::came_again).sum())
            .expected(replayed.iter().map(|group| group.held).sum())
            .doubts(missing)
            .doubts(unknown.chain(absent).chain(few))
            .notes(replayed.iter().map(describe))
    }
}

/// Why a group shows nothing, where it was not given all messages again.
pub(super) fn redelivery_doubt(group: &ReplayedGroup) -> Option<String> {
    let came_again = group.came_again();
    if group.held == 0 {
        Some(format!("{}: there was nothing to read again", name(group)))
    } else if came_again < group.held {
        Some(format!(
            "{}: {came_again} of {} messages came again",
            name(group),
            group.held
        ))
    } else {
        None
    }
}

fn name(group: &ReplayedGroup) -> String {
    format!("{} on {}", group.group, group.topic)
}

fn describe(group: &ReplayedGroup) -> String {
    let to_go = |messages: Option<u64>| {
        messages.map_or("an unknown number".to_owned(), |messages| {
            messages.to_string()
        })
    };
    format!(
        "{}: {} held, {} to go when set back, {} settled since, {} to go at the end",
        name(group),
        group.held,
        to_go(group.to_go_when_rewound),
        group.redelivered,
        to_go(group.to_go_at_end),
    )
}

impl Check for ReplayHappened {
    fn id(&self) -> &'static str {
        "replay-happened"
    }

    fn requirement(&self) -> &'static str {
        "SC-019"
    }

    fn claim(&self) -> String {
        "every consumer group, set back to the beginning, reads everything once more".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("all messages again, then lag 0"));
        let search = |view: LaneView<'_>| self.search(view);
        self.scope.judge(self, ledger, &bars, "", search)
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
    use crate::ledger::stored_sample::{HELD, replay};

    fn record() -> LaneRecord {
        let mut record = healthy(1);
        replay(&mut record);
        record
    }

    fn check() -> ReplayHappened {
        ReplayHappened::new(lane(), 2, 1)
    }

    #[test]
    fn passes_where_everything_came_again() {
        let finding = judge(&check(), record());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, 2 * HELD);
    }

    #[test]
    fn planted_group_with_hardly_anything_to_read_is_inconclusive() {
        let of_each = |of_each| judge(&ReplayHappened::new(lane(), 2, of_each), record());
        assert_both(&of_each(HELD), Verdict::Pass);
        assert_both(&of_each(HELD + 1), Verdict::Inconclusive);
    }

    #[test]
    fn duplicates_of_the_replay_itself_are_tolerated() {
        let mut record = record();
        record.replayed[0].redelivered += 5;
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, 2 * HELD);
    }

    #[test]
    fn planted_group_that_stopped_on_the_way_is_found() {
        let mut record = record();
        record.replayed[1].to_go_at_end = Some(1);
        let finding = judge(&check(), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(
            finding.violations.shown[0].subject,
            "recurring on task-recurrence"
        );
    }

    #[test]
    fn planted_replay_in_which_nothing_came_again_is_inconclusive() {
        let planted: [fn(&mut ReplayedGroup); 5] = [
            |group| group.redelivered = 0,
            |group| group.redelivered -= 1,
            |group| group.to_go_when_rewound = Some(0),
            |group| group.to_go_when_rewound = None,
            |group| group.to_go_at_end = None,
        ];
        for plant in planted {
            let mut record = record();
            plant(&mut record.replayed[1]);
            assert_both(&judge(&check(), record), Verdict::Inconclusive);
        }
    }

    #[test]
    fn planted_group_with_nothing_to_read_is_inconclusive() {
        let mut record = record();
        let group = &mut record.replayed[1];
        (group.held, group.to_go_when_rewound, group.redelivered) = (0, Some(0), 0);
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn a_group_that_was_forgotten_and_too_few_messages_are_inconclusive() {
        let mut forgotten = record();
        forgotten.replayed.remove(1);
        assert_both(&judge(&check(), forgotten), Verdict::Inconclusive);
        let check = ReplayHappened::new(Scope::lane(lane()).at_least(2 * HELD + 1), 2, 1);
        assert_both(&judge(&check, record()), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
