use std::fmt::Debug;

use gauntlet_reports::evidence::{Finding, Violation};

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{Effect, LaneView, Ledger, Operation, SeenEnvelope};

/// What arrives is what was asked for: the envelope behind each effect is a valid event by the
/// judge's own reading, agrees with the effect's row, and carries the operation's user and title.
///
/// Producer and consumer share one set of types, so that a slip in these (a renamed field, a number
/// written as text) passes between them unnoticed. The judge reads raw JSON by the documented
/// format, and therefore notices.
///
/// Does not show: the description and the times of a task, which the load does not vary.
#[derive(Clone, Debug)]
pub struct ContentIntact {
    scope: Scope,
}

impl ContentIntact {
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let (record, accounting) = (view.record(), view.accounting());
        let mut spoilt = Collected::new("spoilt events");
        for (effect, event) in record.effects.iter().zip(&accounting.event_of_effect) {
            let operation = event
                .and_then(|event| accounting.operation_of_event[event])
                .map(|operation| &record.operations[operation]);
            if let Err(what) = compare(effect, operation) {
                spoilt.add(|| Violation {
                    subject: format!("event {}", effect.event_id),
                    what,
                    timeline: record.timeline_of_event(effect.event_id, accounting),
                });
            }
        }
        let effects = record.effects.len() as u64;
        Evidence::none_tolerated(spoilt)
            .examined(effects)
            .expected(effects)
    }
}

/// Says what does not agree.
fn compare(effect: &Effect, operation: Option<&Operation>) -> Result<(), String> {
    let envelope = effect
        .envelope
        .value()
        .map_err(|error| format!("not JSON: {error}"))?;
    let seen = SeenEnvelope::read(&envelope).map_err(|fault| fault.to_string())?;
    agree("event id", &seen.event_id, &effect.event_id)?;
    agree("task id", &seen.task_id, &effect.task_id)?;
    agree("version", &seen.version, &effect.version)?;
    agree("action", seen.kind.action(), effect.action.as_str())?;
    // An effect that nobody asked for is the business of `nothing-invented`.
    let Some(operation) = operation else {
        return Ok(());
    };
    agree("operation", &seen.kind, &operation.kind)?;
    agree("user", &seen.user_id, &operation.user_id)?;
    if operation.kind.writes_title() {
        agree("title", &seen.title.as_ref(), &Some(&operation.key))?;
    }
    Ok(())
}

fn agree<T: PartialEq + Debug + ?Sized>(what: &str, carried: &T, wanted: &T) -> Result<(), String> {
    if carried == wanted {
        Ok(())
    } else {
        Err(format!(
            "{what}: the envelope has {carried:?}, wanted {wanted:?}"
        ))
    }
}

impl Check for ContentIntact {
    fn id(&self) -> &'static str {
        "content-intact"
    }

    fn requirement(&self) -> &'static str {
        "E1"
    }

    fn claim(&self) -> String {
        "every event arrives valid and with the content that was asked for".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 spoilt events"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{LaneRecord, RawJson};

    #[track_caller]
    fn assert_found(record: LaneRecord, what: &str) {
        let finding = judge(&ContentIntact::new(lane()), record);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.total, 1);
        assert!(
            finding.violations.shown[0].what.starts_with(what),
            "{finding:#?}"
        );
    }

    #[test]
    fn passes_on_what_was_asked_for() {
        assert_both(
            &judge(&ContentIntact::new(lane()), healthy(10)),
            Verdict::Pass,
        );
    }

    #[test]
    fn planted_slips_of_the_envelope_are_found() {
        for (pointer, value, what) in [
            ("/specversion", json!("0.3"), "specversion"),
            ("/id", json!(Uuid::from_u128(1)), "event id"),
            ("/data/version", json!(2), "version"),
            ("/data/user_id", json!(Uuid::from_u128(1)), "user"),
            ("/data/new/title", json!("other"), "title"),
        ] {
            let mut record = healthy(10);
            let mut envelope = record.effects[4].envelope.value().unwrap();
            *envelope.pointer_mut(pointer).unwrap() = value;
            record.effects[4].envelope = RawJson::of(&envelope);
            assert_found(record, what);
        }
    }

    #[test]
    fn planted_wrong_action_of_the_row_is_found() {
        let mut record = healthy(10);
        "deleted".clone_into(&mut record.effects[4].action);
        assert_found(record, "action");
    }

    #[test]
    fn too_few_effects_are_inconclusive() {
        let check = ContentIntact::new(Scope::lane(lane()).at_least(11));
        assert_both(&judge(&check, healthy(10)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check);
    }
}
