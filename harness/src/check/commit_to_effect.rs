use std::collections::HashMap;

use gauntlet_reports::evidence::Finding;
use uuid::Uuid;

use super::evidence::{Evidence, generator_doubts};
use super::statistics::Distribution;
use super::{Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, Micros, Phase};

/// SC-002: from the commit of a change to the commit of its effect, 95th percentile by nearest
/// rank.
///
/// Postgres keeps the true commit time of a change only while its row is not changed again. For
/// other events the outbox insert stands in, which is earlier and so makes the figure larger,
/// never smaller; the note counts them.
///
/// Both ends are commits as Postgres itself stamps them, on one host and one clock. A time that a
/// service writes into a row is taken before its commit and would leave out the flush to disk.
#[derive(Clone, Debug)]
pub struct CommitToEffect {
    scope: Scope,
    bars: Bars,
}

impl CommitToEffect {
    pub fn new(scope: impl Into<Scope>, bars: Bars) -> Self {
        Self {
            scope: scope.into(),
            bars,
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let committed: HashMap<Uuid, Micros> = record
            .tasks
            .iter()
            .filter(|row| row.version == 1)
            .filter_map(|row| row.committed_at.map(|at| (row.task_id, at)))
            .collect();
        let (mut by_insert, mut not_committed) = (0, 0);
        let mut micros = Vec::new();
        for (effect, event) in view.pairs_of(Phase::Load) {
            let true_commit = committed.get(&event.task_id).filter(|_| event.version == 1);
            by_insert += u64::from(true_commit.is_none());
            not_committed += u64::from(effect.committed_at.is_none());
            let from = true_commit.copied().unwrap_or(event.inserted_at);
            let took = effect.at().since(from).as_micros();
            micros.push(u64::try_from(took).unwrap_or(u64::MAX));
        }
        // Each consumer owes an effect: a missing one must show as one sample too few.
        let owed = view.events_of(Phase::Load).count() * record.consumers.len();
        let samples = Distribution::of_micros(micros);
        // An effect's insert is earlier than its commit, so that it would flatter.
        let doubt = (not_committed > 0)
            .then(|| format!("the commit time of {not_committed} effects is not known"));
        Evidence::maybe(samples.quantile(950))
            .examined(samples.count())
            .expected(owed as u64)
            .doubts(generator_doubts(record))
            .doubts(doubt)
            .note(samples.summary())
            .note(format!(
                "{by_insert} timed from the outbox insert instead of the commit"
            ))
    }
}

impl Check for CommitToEffect {
    fn id(&self) -> &'static str {
        "commit-to-effect"
    }

    fn requirement(&self) -> &'static str {
        "SC-002"
    }

    fn claim(&self) -> String {
        "a committed change takes effect at its consumers quickly".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        self.scope
            .judge(self, ledger, &self.bars, "p95", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::Bar;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane, measured,
    };

    fn check() -> CommitToEffect {
        let bars = Bars::new(Bar::NotAsked, Bar::below(Duration::from_millis(25)));
        CommitToEffect::new(Scope::lane(lane()).at_least(100), bars)
    }

    #[test]
    fn passes_on_quick_effects_by_the_true_commit() {
        let finding = judge(&check(), healthy(100));
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.asked.bar, "not asked");
        assert_eq!(measured(&finding), "6 ms");
    }

    #[test]
    fn planted_slow_effects_miss_ours_and_nothing_that_was_asked() {
        let mut record = healthy(100);
        for effect in &mut record.effects[..6] {
            effect.committed_at = effect
                .committed_at
                .map(|at| at.after(Duration::from_secs(1)));
        }
        let finding = judge(&check(), record);
        assert_eq!(finding.asked.verdict, Verdict::Pass);
        assert_eq!(finding.ours.verdict, Verdict::Fail);
    }

    #[test]
    fn a_row_that_was_changed_again_is_timed_from_the_insert() {
        let mut record = healthy(100);
        for row in &mut record.tasks {
            row.version = 2;
            row.committed_at = None;
        }
        let finding = judge(&check(), record);
        assert_eq!(measured(&finding), "7 ms");
        assert!(
            finding
                .note
                .unwrap()
                .contains("100 timed from the outbox insert")
        );
    }

    #[test]
    fn an_effect_without_commit_time_is_inconclusive() {
        let mut record = healthy(100);
        record.effects[3].committed_at = None;
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn a_missing_effect_a_late_generator_and_too_few_are_inconclusive() {
        let mut missing = healthy(101);
        missing.effects.pop();
        assert_both(&judge(&check(), missing), Verdict::Inconclusive);
        let mut late = healthy(100);
        late.generator.as_mut().unwrap().late = 2;
        assert_both(&judge(&check(), late), Verdict::Inconclusive);
        assert_both(&judge(&check(), healthy(99)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
