use gauntlet_reports::evidence::{Finding, Violation};

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger};

/// Deliveries may repeat, effects may not: at most one effect for each consumer and event.
///
/// Both brokers deliver at least once, and a crash between effect and acknowledgement makes them
/// repeat. The consumer's inbox has to catch that; its own table does not forbid a second row, so
/// that a hole in the inbox is a row that is counted here and not an error that nobody sees.
///
/// Does not show: effects outside the stores, such as a mail that was sent twice.
#[derive(Clone, Debug)]
pub struct NoEffectTwice {
    scope: Scope,
}

impl NoEffectTwice {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let mut repeated = Collected::new("repeated effects");
        for position in accounting.repeats() {
            let effect = &record.effects[position];
            repeated.add(|| Violation {
                subject: format!("event {}", effect.event_id),
                what: format!(
                    "effect {} of {} repeats an earlier one",
                    effect.seq, effect.consumer
                ),
                timeline: record.timeline_of_event(effect.event_id, accounting),
            });
        }
        let effects = record.effects.len() as u64;
        Evidence::none_tolerated(repeated)
            .examined(effects)
            .expected(effects)
    }
}

impl Check for NoEffectTwice {
    fn id(&self) -> &'static str {
        "no-effect-twice"
    }

    fn requirement(&self) -> &'static str {
        "E2"
    }

    fn claim(&self) -> String {
        "no event takes effect twice".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 repeated effects"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };

    #[test]
    fn passes_on_one_effect_an_event() {
        assert_both(
            &judge(&NoEffectTwice::new(lane()), healthy(10)),
            Verdict::Pass,
        );
    }

    #[test]
    fn planted_repeats_are_counted() {
        let mut record = healthy(10);
        let mut repeat = record.effects[2].clone();
        repeat.seq = 11;
        record.effects.extend([repeat.clone(), repeat]);
        let finding = judge(&NoEffectTwice::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 2);
    }

    #[test]
    fn planted_repeat_of_an_event_that_is_in_no_outbox_is_found() {
        let mut record = healthy(10);
        record.events.remove(2);
        record.effects.push(record.effects[2].clone());
        let finding = judge(&NoEffectTwice::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
    }

    #[test]
    fn another_consumer_owes_an_effect_of_its_own() {
        let mut record = healthy(10);
        record.consumers.push("notification".to_owned());
        let second = record.effects.clone().into_iter().map(|mut effect| {
            "notification".clone_into(&mut effect.consumer);
            effect
        });
        record.effects.extend(second);
        assert_both(&judge(&NoEffectTwice::new(lane()), record), Verdict::Pass);
    }

    #[test]
    fn too_few_effects_are_inconclusive() {
        let check = NoEffectTwice::new(Scope::lane(lane()).at_least(11));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
