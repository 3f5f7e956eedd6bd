//! Postgres and the plain model in memory answer alike, whatever is asked, also when rows change between
//! the pages.

use std::sync::Arc;

use gauntlet_adapters::postgres::PostgresStore;
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{
    Label, LabelId, LabelKind, Occurrence, Priority, Series, Task, TaskId, TaskStatus, UserId,
};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::{MemoryStore, sample};
use gauntlet_ports::{
    CategoryFilter, Commit, CommitStore as _, Direction, OverdueFilter, SortKey, SortValue,
    TaskFilter, TaskPage, TaskQuery, TaskStore as _, TimeRange, words,
};
use jiff::{Timestamp, ToSpan};
use libtest_mimic::Trial;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::fresh::Fresh;
use crate::components::Components;
use crate::trials::trials;

/// Each case is some 40 commits and a dozen pages on both stores.
const CASES: u32 = 64;
/// Always the same cases: a failure here is one that comes again.
const SEED: [u8; 32] = *b"the same cases in each run, 0001";
/// Words that begin alike, in both cases, in several alphabets, and what is no word.
const WORDS: [&str; 12] = [
    "a", "A", "ab", "Abc", "b", "ß", "Äb", "äBC", "Ö1", "🦀", "--", "'x'",
];
const KEYS: [SortKey; 6] = [
    SortKey::DueDate,
    SortKey::Priority,
    SortKey::CreatedAt,
    SortKey::UpdatedAt,
    SortKey::Title,
    SortKey::Relevance,
];

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres => lists_answer_as_the_plain_model_does)
}

/// A task but for its ids: small numbers stand for times and labels, so that equals are common.
#[derive(Clone, Debug)]
struct Sketch {
    title: Vec<&'static str>,
    description: Option<Vec<&'static str>>,
    status: TaskStatus,
    priority: Priority,
    due: Option<i64>,
    created: i64,
    updated: i64,
    category: Option<usize>,
    tags: Vec<usize>,
    is_instance: bool,
}

/// A step between two pages, of the task with this index.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Create(Sketch),
    Update(usize, Sketch),
    Delete(usize),
}

#[derive(Clone, Copy, Debug)]
enum Chosen {
    Category(usize),
    Uncategorized,
}

#[derive(Clone, Debug)]
struct Asked {
    text: Vec<&'static str>,
    status: Vec<TaskStatus>,
    priority: Vec<Priority>,
    category: Option<Chosen>,
    tags: Vec<usize>,
    due: (Option<i64>, Option<i64>),
    created: (Option<i64>, Option<i64>),
    /// Or not overdue, and when.
    overdue: Option<(bool, i64)>,
    is_in_series: bool,
    sort: SortKey,
    direction: Direction,
    limit: u32,
}

#[derive(Clone, Debug)]
struct Case {
    tasks: Vec<Sketch>,
    changes: Vec<Change>,
    asked: Asked,
}

fn text() -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(&WORDS[..]), 1..4)
}

fn hours() -> impl Strategy<Value = i64> {
    0..6_i64
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let texts = (text(), option::of(text()));
    let kinds = (select(&TaskStatus::ALL[..]), select(&Priority::ALL[..]));
    let times = (option::of(hours()), hours(), hours());
    let labels = (
        option::of(0..2_usize),
        btree_set(0..3_usize, 0..3),
        any::<bool>(),
    );
    (texts, kinds, times, labels).prop_map(
        |((title, description), (status, priority), (due, created, updated), labels)| {
            let (category, tags, is_instance) = labels;
            Sketch {
                title,
                description,
                status,
                priority,
                due,
                created,
                updated,
                category,
                tags: tags.into_iter().collect(),
                is_instance,
            }
        },
    )
}

/// Most conditions are left out most of the time: a filter by all of them would meet nothing.
fn asked() -> impl Strategy<Value = Asked> {
    let range = || {
        let bound = || option::weighted(0.15, hours());
        (bound(), bound())
    };
    let words = option::weighted(
        0.4,
        vec(select(&["a", "ab", "Ä", "b", "x", "ß", "ö"][..]), 1..3),
    );
    let category = proptest::prop_oneof![
        (0..2_usize).prop_map(Chosen::Category),
        Just(Chosen::Uncategorized),
    ];
    let fields = (
        words.prop_map(Option::unwrap_or_default),
        option::weighted(0.3, subsequence(TaskStatus::ALL.to_vec(), 1..3)),
        option::weighted(0.2, subsequence(Priority::ALL.to_vec(), 1..3)),
        option::weighted(0.2, category),
        option::weighted(0.2, subsequence(vec![0, 1, 2], 1..3)),
    );
    let overdue = option::weighted(0.25, (any::<bool>(), hours()));
    let times = (range(), range(), overdue);
    let order = (
        select(&KEYS[..]),
        select(&[Direction::Ascending, Direction::Descending][..]),
        1..8_u32,
        option::weighted(0.2, Just(())),
    );
    (fields, times, order).prop_map(|(fields, (due, created, overdue), order)| {
        let (text, status, priority, category, tags) = fields;
        let (sort, direction, limit, in_series) = order;
        Asked {
            text,
            status: status.unwrap_or_default(),
            priority: priority.unwrap_or_default(),
            category,
            tags: tags.unwrap_or_default(),
            due,
            created,
            overdue,
            is_in_series: in_series.is_some(),
            sort,
            direction,
            limit,
        }
    })
}

fn case() -> impl Strategy<Value = Case> {
    let change = proptest::prop_oneof![
        Just(Change::Nothing),
        sketch().prop_map(Change::Create),
        (0..40_usize, sketch()).prop_map(|(at, to)| Change::Update(at, to)),
        (0..40_usize).prop_map(Change::Delete),
    ];
    (vec(sketch(), 0..36), vec(change, 0..6), asked()).prop_map(|(tasks, changes, asked)| Case {
        tasks,
        changes,
        asked,
    })
}

async fn lists_answer_as_the_plain_model_does(server: Postgres) {
    let fresh = Fresh::relaxed_on(&server).await;
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &SEED);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let store = fresh.store();
    let compare = |case: Case| {
        let twins = Twins::on(store.clone());
        block_in_place(|| Handle::current().block_on(twins.compare(case)))
    };
    runner.run(&case(), compare).unwrap();
}

/// Two stores with the same rows of one user.
struct Twins {
    postgres: PostgresStore,
    memory: MemoryStore,
    user_id: UserId,
    labels: Vec<Label>,
    series: Series,
    tasks: Vec<Task>,
    instances: u32,
}

impl Twins {
    fn on(postgres: PostgresStore) -> Self {
        let user_id = UserId::generate();
        let label = |kind, name| sample::label(user_id, kind, name);
        let tags = ["x", "y", "z"].map(|name| label(LabelKind::Tag, name));
        let categories = ["p", "q"].map(|name| label(LabelKind::Category, name));
        Self {
            postgres,
            memory: MemoryStore::new(""),
            user_id,
            labels: tags.into_iter().chain(categories).collect(),
            series: sample::series(user_id, Mode::OnCompletion),
            tasks: Vec::new(),
            instances: 0,
        }
    }

    async fn compare(mut self, case: Case) -> Result<(), TestCaseError> {
        for label in self.labels.clone() {
            self.commit(&sample::label_creation(&label)).await?;
        }
        for sketch in case.tasks {
            self.change(Change::Create(sketch)).await?;
        }
        let mut query = self.query(&case.asked);
        if query.fault().is_some() {
            // Relevance without a text, or the wrong way round: one of the other orders.
            query.sort = SortKey::Title;
        }
        if query.sort == SortKey::Relevance {
            return self.compare_relevance(query).await;
        }
        let mut changes = case.changes.into_iter();
        loop {
            let found = self.postgres.list(&query).await;
            let found: TaskPage = found.map_err(|error| failed(&error))?;
            let expected = self.memory.list(&query).await;
            proptest::prop_assert_eq!(&found, &expected.map_err(|error| failed(&error))?);
            let Some(position) = found.next else {
                return Ok(());
            };
            query.after = Some(position);
            self.change(changes.next().unwrap_or(Change::Nothing))
                .await?;
        }
    }

    /// Two ways to rank: the same tasks, and what is said of each order.
    async fn compare_relevance(self, mut query: TaskQuery) -> Result<(), TestCaseError> {
        let all = TaskQuery {
            limit: 1_000,
            ..query.clone()
        };
        let expected = self.memory.list(&all).await;
        let expected = expected.map_err(|error| failed(&error))?;
        let mut seen: Vec<(Task, f32)> = Vec::new();
        // One task a page, so that the rank of each but the last is told.
        query.limit = 1;
        loop {
            let page = self.postgres.list(&query).await;
            let page = page.map_err(|error| failed(&error))?;
            let rank = page.next.as_ref().map(|at| rank(&at.value));
            seen.extend(
                page.tasks
                    .into_iter()
                    .map(|task| (task, rank.unwrap_or(0.0))),
            );
            match page.next {
                Some(position) => query.after = Some(position),
                None => break,
            }
        }
        let ids = |tasks: &mut dyn Iterator<Item = &Task>| {
            let mut ids: Vec<TaskId> = tasks.map(|task| task.id).collect();
            ids.sort();
            ids
        };
        proptest::prop_assert_eq!(
            ids(&mut seen.iter().map(|(task, _)| task)),
            ids(&mut expected.tasks.iter())
        );
        for pair in seen.windows(2).take(seen.len().saturating_sub(2)) {
            let [(one, rank), (other, lower)] = pair else {
                continue;
            };
            let is_ordered =
                rank > lower || (rank.to_bits() == lower.to_bits() && one.id > other.id);
            proptest::prop_assert!(is_ordered, "{one:?} {rank} before {other:?} {lower}");
        }
        Ok(())
    }

    async fn change(&mut self, change: Change) -> Result<(), TestCaseError> {
        match change {
            Change::Nothing => Ok(()),
            Change::Create(sketch) => {
                let task = self.task(sketch);
                self.commit(&sample::creation(&task)).await?;
                self.tasks.push(task);
                Ok(())
            }
            Change::Update(at, sketch) => {
                let Some(old) = self.tasks.get(at).cloned() else {
                    return Ok(());
                };
                let new = Task {
                    id: old.id,
                    version: old.version + 1,
                    ..self.task(sketch)
                };
                self.commit(&sample::update(&old, &new)).await?;
                self.tasks[at] = new;
                Ok(())
            }
            Change::Delete(at) => {
                if at >= self.tasks.len() {
                    return Ok(());
                }
                let task = self.tasks.swap_remove(at);
                self.commit(&sample::deletion(&task)).await
            }
        }
    }

    async fn commit(&self, commit: &Commit) -> Result<(), TestCaseError> {
        let one = self.postgres.commit(commit).await;
        let other = self.memory.commit(commit).await;
        let outcomes = (
            one.map_err(|error| failed(&error))?,
            other.map_err(|error| failed(&error))?,
        );
        proptest::prop_assert_eq!(outcomes.0, outcomes.1);
        Ok(())
    }

    fn task(&mut self, sketch: Sketch) -> Task {
        let Sketch { status, due, .. } = sketch;
        let mut tags: Vec<_> = sketch.tags.iter().map(|tag| self.tag(*tag)).collect();
        tags.sort();
        let occurrence = sketch.is_instance.then(|| {
            self.instances += 1;
            Occurrence {
                series_id: self.series.id,
                number: self.instances,
            }
        });
        Task {
            description: sketch.description.map(|words| words.join("\n")),
            status,
            priority: sketch.priority,
            due_date: due.map(at),
            time_zone: due.map(|_| "UTC".to_owned()),
            category_id: sketch.category.map(|category| self.category(category)),
            tags,
            occurrence,
            created_at: at(sketch.created),
            updated_at: at(sketch.updated),
            completed_at: (status == TaskStatus::Completed).then(|| at(sketch.updated)),
            ..sample::task(self.user_id, &sketch.title.join(" "))
        }
    }

    fn query(&self, asked: &Asked) -> TaskQuery {
        let range = |(from, before): (Option<i64>, Option<i64>)| TimeRange {
            from: from.map(at),
            before: before.map(at),
        };
        let category = asked.category.map(|category| match category {
            Chosen::Category(category) => CategoryFilter::Is(self.category(category)),
            Chosen::Uncategorized => CategoryFilter::Uncategorized,
        });
        TaskQuery {
            user_id: self.user_id,
            filter: TaskFilter {
                text: asked.text.iter().flat_map(|text| words(text)).collect(),
                status: asked.status.clone(),
                priority: asked.priority.clone(),
                category,
                tags: asked.tags.iter().map(|tag| self.tag(*tag)).collect(),
                due: range(asked.due),
                created: range(asked.created),
                overdue: asked.overdue.map(overdue),
                series: asked.is_in_series.then_some(self.series.id),
            },
            sort: asked.sort,
            direction: asked.direction,
            after: None,
            limit: asked.limit,
        }
    }

    fn tag(&self, number: usize) -> LabelId {
        self.labels[number].id
    }

    fn category(&self, number: usize) -> LabelId {
        self.labels[3 + number].id
    }
}

fn overdue((is_so, hours): (bool, i64)) -> OverdueFilter {
    if is_so {
        OverdueFilter::At(at(hours))
    } else {
        OverdueFilter::NotAt(at(hours))
    }
}

fn at(hours: i64) -> Timestamp {
    "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap() + hours.hours()
}

fn rank(value: &SortValue) -> f32 {
    match value {
        SortValue::Rank(bits) => f32::from_bits(*bits),
        other => panic!("no rank: {other:?}"),
    }
}

fn failed(error: &gauntlet_ports::PortError) -> TestCaseError {
    TestCaseError::fail(format!("{error}: {}", error.source))
}
