use std::collections::{BTreeMap, BTreeSet};

use gauntlet_reports::evidence::{Finding, Violation};
use gauntlet_reports::format;
use uuid::Uuid;

use super::evidence::{Collected, Evidence, generator_doubts};
use super::statistics::Distribution;
use super::{Bars, Check, Scope};
use crate::ledger::{
    LaneRecord, LaneView, Ledger, Micros, OperationKind, OperationOutcome, Phase, ReadKind,
};

/// SC-011: how long a client waits for the API, from the moment at which the schedule wanted the request
/// sent to the last byte of the answer; 95th percentile by nearest rank over all requests of the load,
/// questions and changes alike.
///
/// The note has the distribution of each kind with the number of its samples, because a few slow kinds can
/// hide behind many quick ones. A request that got no answer, was refused, or was answered without what it
/// asked for, is a violation: whoever is turned away is answered quickly.
///
/// How much there was to find is part of the claim: where the database did not hold as many tasks of each of as
/// many users, or others asked than these, it is inconclusive.
///
/// Does not show: the network between a client and the API, nor what a client does with the answer.
#[derive(Clone, Debug)]
pub struct ApiLatency {
    scope: Scope,
    bars: Bars,
    of_each_kind: u64,
    population: Population,
}

/// Whose tasks were there before the load, and how many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    pub users: usize,
    pub tasks_each: u32,
}

/// One of so many pages may be empty.
const EMPTY_OF: usize = 100;

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Read(ReadKind),
    Create,
    /// Update, completion, reopening or deletion.
    Change,
}

const KINDS: [Kind; 6] = [
    Kind::Read(ReadKind::List),
    Kind::Read(ReadKind::NextPage),
    Kind::Read(ReadKind::Search),
    Kind::Read(ReadKind::Get),
    Kind::Create,
    Kind::Change,
];

/// A request of the load.
struct Request<'a> {
    kind: Kind,
    intended_at: Micros,
    done_at: Micros,
    user_id: Uuid,
    /// Who asked, or what was to be written.
    subject: String,
    fault: Option<&'a str>,
}

impl ApiLatency {
    /// `of_each_kind` is how many samples each kind of request has to have at the least: a mix that lacks
    /// one is another one than the claim's.
    pub fn new(
        scope: impl Into<Scope>,
        bars: Bars,
        of_each_kind: u64,
        population: Population,
    ) -> Self {
        Self {
            scope: scope.into(),
            bars,
            of_each_kind,
            population,
        }
    }

    fn search(&self, view: LaneView<'_>) -> Evidence {
        let record = view.record();
        let mut unserved = Collected::new("requests that were not served");
        let mut of_kind: BTreeMap<Kind, Vec<u64>> = BTreeMap::new();
        let mut all = Vec::new();
        for request in requests(record) {
            if let Some(fault) = request.fault {
                unserved.add(|| Violation {
                    subject: format!("{} {}", request.kind.as_str(), request.subject),
                    what: fault.to_owned(),
                    timeline: Vec::new(),
                });
            }
            let took = request.done_at.since(request.intended_at).as_micros();
            let took = u64::try_from(took).unwrap_or(u64::MAX);
            of_kind.entry(request.kind).or_default().push(took);
            all.push(took);
        }
        let all = Distribution::of_micros(all);
        let (mut doubts, mut notes) = (Vec::new(), vec![all.summary()]);
        doubts.extend(empty_pages(record));
        doubts.extend(self.population.doubts(record));
        for kind in KINDS {
            let samples = Distribution::of_micros(of_kind.remove(&kind).unwrap_or_default());
            let (name, count) = (kind.as_str(), format::count(samples.count()));
            if samples.count() < self.of_each_kind {
                let wanted = format::count(self.of_each_kind);
                doubts.push(format!("only {count} samples of {name}, not {wanted}"));
            }
            notes.push(format!("{name}: {count}, {}", samples.summary()));
        }
        Evidence::maybe(all.quantile(950))
            .broken_by(unserved)
            .examined(all.count())
            .doubts(generator_doubts(record))
            .doubts(doubts)
            .notes(notes)
    }
}

impl Population {
    fn doubts(self, record: &LaneRecord) -> Vec<String> {
        let Self { users, tasks_each } = self;
        let there = &record.seeded_each;
        let full = there
            .iter()
            .filter(|(_, tasks)| *tasks == u64::from(tasks_each));
        let full: BTreeSet<Uuid> = full.map(|(user, _)| *user).collect();
        let mut doubts = Vec::new();
        if full.len() != users || there.len() != full.len() {
            doubts.push(format!(
                "{} of {} users had {tasks_each} tasks before the load, not {users} of {users}",
                full.len(),
                there.len()
            ));
        }
        let asked: BTreeSet<Uuid> = requests(record).map(|request| request.user_id).collect();
        if asked != full {
            doubts.push("others asked than those whose tasks were there".to_owned());
        }
        doubts
    }
}

/// Every question found something before the load. A few may not any more, by the load's own changes; where
/// more find nothing, the pages were cheaper than those that are claimed.
fn empty_pages(record: &LaneRecord) -> Option<String> {
    let pages = record.reads.iter().filter(|read| read.phase == Phase::Load);
    let pages: Vec<u64> = pages.filter_map(|read| read.items).collect();
    let empty = pages.iter().filter(|items| **items == 0).count();
    (empty * EMPTY_OF > pages.len()).then(|| {
        let (empty, pages) = (
            format::count(empty as u64),
            format::count(pages.len() as u64),
        );
        format!("{empty} of {pages} pages had nothing on them")
    })
}

/// The requests of the load, those of the warm-up left out.
fn requests(record: &LaneRecord) -> impl Iterator<Item = Request<'_>> {
    let reads = record.reads.iter().filter(|read| read.phase == Phase::Load);
    let reads = reads.map(|read| Request {
        kind: Kind::Read(read.kind),
        intended_at: read.intended_at,
        done_at: read.done_at,
        user_id: read.user_id,
        subject: format!("of {}", read.user_id),
        fault: read.fault.as_deref(),
    });
    let writes = record.operations.iter();
    let writes = writes.filter(|operation| operation.phase == Phase::Load);
    let writes = writes.map(|operation| Request {
        kind: match operation.kind {
            OperationKind::Create => Kind::Create,
            _ => Kind::Change,
        },
        intended_at: operation.intended_at,
        done_at: operation.done_at,
        user_id: operation.user_id,
        subject: operation.key.clone(),
        fault: match &operation.outcome {
            OperationOutcome::Ok { .. } => None,
            OperationOutcome::Failed { reason } | OperationOutcome::Unknown { reason } => {
                Some(reason)
            }
        },
    });
    reads.chain(writes)
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Read(kind) => kind.as_str(),
            Kind::Create => "create",
            Kind::Change => "change",
        }
    }
}

impl Check for ApiLatency {
    fn id(&self) -> &'static str {
        "api-latency"
    }

    fn requirement(&self) -> &'static str {
        "SC-011"
    }

    fn claim(&self) -> String {
        "the API answers quickly, whatever it is asked".to_owned()
    }

    fn judge(&self, ledger: &Ledger) -> Finding {
        self.scope
            .judge(self, ledger, &self.bars, "p95", |view| self.search(view))
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
    use crate::ledger::sample;

    const READS: [ReadKind; 4] = [
        ReadKind::Get,
        ReadKind::List,
        ReadKind::Search,
        ReadKind::NextPage,
    ];

    fn check() -> ApiLatency {
        let bars = Bars::new(
            Bar::below(Duration::from_millis(200)),
            Bar::below(Duration::from_millis(25)),
        );
        let population = Population {
            users: 1,
            tasks_each: 50,
        };
        ApiLatency::new(Scope::lane(lane()).at_least(140), bars, 20, population)
    }

    /// A hundred and forty requests, at least twenty of each kind; 4 ms a change and 3 ms a question.
    fn mixed() -> LaneRecord {
        let mut record = healthy(20);
        for task in 0..20 {
            sample::change(&mut record, task, OperationKind::Update);
        }
        for kind in READS.into_iter().cycle().take(100) {
            sample::read(&mut record, kind);
        }
        record.seeded_each = vec![(record.reads[0].user_id, 50)];
        record
    }

    #[test]
    fn planted_tasks_that_were_not_there_or_were_others_are_inconclusive() {
        let plants: [fn(&mut LaneRecord); 5] = [
            |record| record.seeded_each.clear(),
            |record| record.seeded_each[0].1 = 49,
            |record| record.seeded_each[0].0 = Uuid::from_u128(1),
            |record| record.seeded_each.push((Uuid::from_u128(1), 50)),
            |record| record.reads[3].user_id = Uuid::from_u128(1),
        ];
        for plant in plants {
            let mut record = mixed();
            plant(&mut record);
            assert_both(&judge(&check(), record), Verdict::Inconclusive);
        }
    }

    #[test]
    fn passes_on_quick_answers_and_shows_each_kind() {
        let finding = judge(&check(), mixed());
        assert_both(&finding, Verdict::Pass);
        assert_eq!(measured(&finding), "4 ms");
        let note = finding.note.expect("a note");
        for kind in ["get: 25", "list: 25", "search: 25", "next page: 25"] {
            assert!(note.contains(kind), "{note}");
        }
        assert!(note.contains("create: 20") && note.contains("change: 20"));
    }

    #[test]
    fn planted_slow_searches_miss_our_bar_and_then_what_was_asked() {
        for (slow, asked) in [(30, Verdict::Pass), (300, Verdict::Fail)] {
            let mut record = mixed();
            let searches = record.reads.iter_mut();
            for search in searches.filter(|read| read.kind == ReadKind::Search) {
                search.done_at = search.intended_at.after(Duration::from_millis(slow));
            }
            let finding = judge(&check(), record);
            assert_eq!(finding.asked.verdict, asked);
            assert_eq!(finding.ours.verdict, Verdict::Fail);
        }
    }

    #[test]
    fn planted_slow_start_of_a_change_counts() {
        let mut record = mixed();
        for operation in &mut record.operations[..10] {
            operation.done_at = operation.intended_at.after(Duration::from_secs(1));
        }
        assert_both(&judge(&check(), record), Verdict::Fail);
    }

    #[test]
    fn planted_requests_that_were_turned_away_fail_however_quickly() {
        let mut refused = mixed();
        refused.reads[3].fault = Some("503: busy".to_owned());
        let finding = judge(&check(), refused);
        assert_both(&finding, Verdict::Fail);
        assert_eq!(finding.violations.shown[0].what, "503: busy");
        let mut unanswered = mixed();
        unanswered.operations[3].outcome = OperationOutcome::Unknown {
            reason: "timeout".to_owned(),
        };
        assert_both(&judge(&check(), unanswered), Verdict::Fail);
    }

    #[test]
    fn a_mix_that_lacks_a_kind_is_inconclusive() {
        let mut record = mixed();
        for read in &mut record.reads {
            read.kind = ReadKind::List;
        }
        assert_both(&judge(&check(), record), Verdict::Inconclusive);
    }

    #[test]
    fn the_warm_up_a_late_generator_and_too_few_are_inconclusive() {
        let mut warm_up = mixed();
        for read in &mut warm_up.reads {
            read.phase = Phase::WarmUp;
        }
        assert_both(&judge(&check(), warm_up), Verdict::Inconclusive);
        let mut late = mixed();
        late.generator.as_mut().unwrap().late = 2;
        assert_both(&judge(&check(), late), Verdict::Inconclusive);
        let mut few = mixed();
        few.reads.pop();
        assert_both(&judge(&check(), few), Verdict::Inconclusive);
        assert_inconclusive_on_nothing(&check());
    }
}
