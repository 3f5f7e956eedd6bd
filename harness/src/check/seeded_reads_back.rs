use std::collections::HashSet;

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use serde_json::Value;
use uuid::Uuid;

use super::evidence::{Collected, Evidence};
use super::{Bar, Bars, Check, Scope};
use crate::ledger::{LaneView, Ledger, RawJson};

/// Tasks that were put into the database past the system are tasks to the system: a sample of them reads back
/// through the API, field by field, as it was put there.
///
/// What was put there otherwise than the service would have put it could be slower or faster to read than
/// what people have, and a figure that was taken of it would be one of something else.
///
/// Does not show: the columns that only lists and searches read; that these find what was put there is seen
/// before the load begins. The seeded tasks that are not in the sample.
#[derive(Clone, Debug)]
pub struct SeededReadsBack {
    scope: Scope,
}

impl SeededReadsBack {
    /// The scope's minimum is the size of the sample.
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
        }
    }

    fn search(view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let mut different = Collected::new("seeded tasks that read otherwise");
        for answer in &record.seeded_answers {
            if let Some(what) = difference(&answer.seeded, &answer.answered) {
                different.add(|| Violation {
                    subject: format!("task {}", answer.task_id),
                    what,
                    timeline: Vec::new(),
                });
            }
        }
        // However often it was read, it is one.
        let answers = record.seeded_answers.iter();
        let read: HashSet<Uuid> = answers.map(|answer| answer.task_id).collect();
        let seeded = record.seeded.len() as u64 + record.untouched;
        Evidence::none_tolerated(different)
            .examined(read.len() as u64)
            .note(format!(
                "of {} seeded, {} were not touched by the load",
                format::plural(seeded, "task"),
                format::count(record.untouched),
            ))
    }
}

/// Says which field is not as it was put there; none where all are, and there are no others.
fn difference(seeded: &RawJson, answered: &RawJson) -> Option<String> {
    let (Ok(Value::Object(seeded)), Ok(Value::Object(answered))) =
        (seeded.value(), answered.value())
    else {
        return Some("it is not an object".to_owned());
    };
    let fields = seeded.keys().chain(answered.keys());
    let mut differing = fields.filter(|field| seeded.get(*field) != answered.get(*field));
    differing.next().map(|field| {
        let [was, is] = [&seeded, &answered].map(|task| {
            task.get(field)
                .map_or("nothing".to_owned(), Value::to_string)
        });
        format!("{field} was seeded as {was} and reads as {is}")
    })
}

impl Check for SeededReadsBack {
    fn id(&self) -> &'static str {
        "seeded-reads-back"
    }

    fn requirement(&self) -> &'static str {
        "SC-011"
    }

    fn claim(&self) -> String {
        "the tasks that were there before the load are tasks like any other".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        let bars = Bars::both(Bar::Stated("0 seeded tasks that read otherwise"));
        self.scope.judge(self, ledger, &bars, "", Self::search)
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_reports::evidence::Verdict;
    use serde_json::json;

    use super::*;
    use crate::check::testing::{
        assert_both, assert_inconclusive_on_nothing, healthy, judge, lane,
    };
    use crate::ledger::{LaneRecord, sample};

    fn check() -> SeededReadsBack {
        SeededReadsBack::new(Scope::lane(lane()).at_least(6))
    }

    fn seeded(count: usize) -> LaneRecord {
        let mut record = healthy(4);
        sample::seed(&mut record, count);
        record
    }

    #[test]
    fn passes_where_each_of_the_sample_reads_as_it_was_put_there() {
        let finding = judge(&check(), seeded(6));
        assert_both(&finding, Verdict::Pass);
        assert_eq!(finding.examined, 6);
    }

    #[test]
    fn planted_differences_are_found() {
        let plant: [fn(&mut Value); 4] = [
            |task| task["title"] = json!("other"),
            |task| task["due_date"] = json!(null),
            |task| task["more"] = json!(1),
            |task| {
                task.as_object_mut().unwrap().remove("tags");
            },
        ];
        for plant in plant {
            let mut record = seeded(6);
            let mut task = record.seeded_answers[2].answered.value().unwrap();
            plant(&mut task);
            record.seeded_answers[2].answered = RawJson::of(&task);
            let finding = judge(&check(), record);
            assert_both(&finding, Verdict::Fail);
            assert_eq!(finding.violations.total, 1, "{finding:#?}");
        }
    }

    #[test]
    fn planted_answer_that_is_no_task_is_found() {
        let mut record = seeded(6);
        record.seeded_answers[0].answered = RawJson::of(&json!("not found"));
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn planted_task_that_was_read_twice_counts_once() {
        let mut record = seeded(5);
        let again = record.seeded_answers[0].clone();
        record.seeded_answers.push(again);
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn too_small_a_sample_is_inconclusive() {
        assert_both(&judge(&check(), seeded(5)), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
