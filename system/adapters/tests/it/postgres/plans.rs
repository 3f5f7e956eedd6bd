//! With 10 users of 10,000 tasks, every list goes by an index, and reads no more than it has to.

use std::sync::Arc;

use gauntlet_contract::{LabelId, Priority, SeriesId, TaskStatus, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::{
    CategoryFilter, Direction, OverdueFilter, SortKey, TaskFilter, TaskQuery, TaskStore as _,
    TimeRange, words,
};
use jiff::Timestamp;
use libtest_mimic::Trial;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::fresh::Fresh;
use crate::components::Components;
use crate::plan::{looked_at, misses_what_is_not_there, rows};
use crate::trials::trials;

const PAGE: u32 = 20;
/// Of each user.
const TASKS: u64 = 10_000;
/// A page, the task that tells whether there is another, and what a row comparison starts with.
const ONE_PAGE: u64 = PAGE as u64 + 2;

/// How many of a user's tasks have one of the 200 words, one of the 50 tags, one of the 10 categories, and are of one series.
const WITH_WORD: u64 = 50;
const WITH_TAG: u64 = 100;
const IN_CATEGORY: u64 = 334;
const INSTANCES: u64 = 100;

const ORDERS: [(SortKey, &str); 5] = [
    (SortKey::CreatedAt, "tasks_by_created"),
    (SortKey::UpdatedAt, "tasks_by_updated"),
    (SortKey::DueDate, "tasks_by_due"),
    (SortKey::Priority, "tasks_by_priority"),
    (SortKey::Title, "tasks_by_title"),
];
const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres => every_list_goes_by_an_index)
}

// A user is a number; labels and series are a user's number and one of their own behind it. Every user
// has 50 tags, 10 categories and 20 series; one task in four is undated, one in ten is not completed.
const FILL: &str = "
    INSERT INTO tasks (id, user_id, title, title_key, description, search, status, priority, due_at,
                       time_zone, category_id, tags, series_id, occurrence, version, text_version,
                       created_at, updated_at, completed_at)
    SELECT lpad(to_hex(u * 100000 + n), 32, '0')::uuid,
           lpad(to_hex(u), 32, '0')::uuid,
           title, title, NULL,
           format('''%1$sword%2$s'':1A ''%1$scommon'':2A', lpad(to_hex(u), 8, '0'), n % 200)::tsvector,
           status, n % 4,
           CASE WHEN n % 4 <> 0 THEN at + n * interval '1 hour' END,
           CASE WHEN n % 4 <> 0 THEN 'UTC' END,
           CASE WHEN n % 3 = 0 THEN label(u, n % 10) END,
           CASE WHEN n % 2 = 0 THEN ARRAY[label(u, 100 + n % 100), label(u, 300)] ELSE '{}' END,
           CASE WHEN n % 5 = 0 THEN label(u, 1000 + n / 5 % 20) END,
           CASE WHEN n % 5 = 0 THEN n / 100 + 1 END,
           1, 1, at + n * interval '1 minute', at - n * interval '1 minute',
           CASE WHEN status = 'completed' THEN at END
    FROM generate_series(1, 10) AS u,
         generate_series(0, 9999) AS n,
         LATERAL (SELECT format('title %s', n * 7919 % 10000) AS title,
                         CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'completed' END AS status,
                         timestamptz '2026-01-01 00:00:00+00' AS at) AS common";

const LAGGARD: UserId = UserId(Uuid::from_u128(11));
/// Of the tasks with dates most are due before, and some after.
const DECEMBER: &str = "2026-12-01T00:00:00Z";

// Ten thousand tasks that are due before December, of which one in a hundred is completed; and a hundred each that
// are due later or have no date, of which every other one is.
const FILL_LAGGARD: &str = "
    INSERT INTO tasks (id, user_id, title, title_key, search, status, due_at, time_zone, version, text_version,
                       created_at, updated_at, completed_at)
    SELECT lpad(to_hex(1100000 + n), 32, '0')::uuid, lpad(to_hex(11), 32, '0')::uuid, 'late', 'late', '',
           status, due_at, CASE WHEN due_at IS NOT NULL THEN 'UTC' END, 1, 1,
           timestamptz '2026-01-01 00:00:00+00', timestamptz '2026-01-01 00:00:00+00',
           CASE WHEN status = 'completed' THEN timestamptz '2026-01-01 00:00:00+00' END
    FROM generate_series(0, 10199) AS n,
         LATERAL (SELECT CASE WHEN n < 10000 AND n % 100 = 50 OR n >= 10000 AND n % 2 = 0
                              THEN 'completed' ELSE 'pending' END AS status,
                         CASE WHEN n < 10000 THEN timestamptz '2026-01-01 00:00:00+00' + n * interval '1 minute'
                              WHEN n < 10100 THEN timestamptz '2027-01-01 00:00:00+00' + n * interval '1 minute'
                         END AS due_at) AS common";

const LABEL: &str = "
    CREATE FUNCTION pg_temp.label(u int, n int) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT lpad(to_hex(u * 100000 + n), 32, '0')::uuid $$";

async fn fill(raw: &mut PgConnection) {
    let fill = FILL.replace("label(", "pg_temp.label(");
    let vacuum = "VACUUM ANALYZE tasks".to_owned();
    for statement in [LABEL.to_owned(), fill, FILL_LAGGARD.to_owned(), vacuum] {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *raw)
            .await
            .unwrap();
    }
}

fn somebody() -> UserId {
    UserId(Uuid::from_u128(7))
}

fn numbered(number: u128) -> Uuid {
    Uuid::from_u128(700_000 + number)
}

fn query(filter: TaskFilter, sort: SortKey, direction: Direction) -> TaskQuery {
    TaskQuery {
        user_id: somebody(),
        filter,
        sort,
        direction,
        after: None,
        limit: PAGE,
    }
}

async fn every_list_goes_by_an_index(server: Postgres) {
    let fresh = Fresh::relaxed_on(&server).await;
    fill(&mut fresh.raw().await).await;
    every_order_reads_one_page(&fresh).await;
    every_filter_reads_little(&fresh).await;
    who_is_behind_with_everything_reads_one_page_of_the_rest(&fresh).await;
}

/// The first page and one from the middle, either way round.
async fn every_order_reads_one_page(fresh: &Fresh) {
    for (sort, index) in ORDERS {
        for direction in DIRECTIONS {
            let first = query(TaskFilter::default(), sort, direction);
            let half = TaskQuery {
                limit: 5_000,
                ..first.clone()
            };
            let middle = TaskQuery {
                after: fresh.store().list(&half).await.expect("list").next,
                ..first.clone()
            };
            assert!(middle.after.is_some());
            for query in [first, middle] {
                let plan = Plan::of(fresh, &query).await;
                plan.reads_at_most(ONE_PAGE);
                plan.goes_by(&[index]);
                plan.sorts_at_most(ONE_PAGE);
            }
        }
    }
    // Where dated tasks end and undated ones begin: both parts, and still one page.
    let nearly_all_dated = TaskQuery {
        limit: 7_490,
        ..query(
            TaskFilter::default(),
            SortKey::DueDate,
            Direction::Ascending,
        )
    };
    let page = fresh.store().list(&nearly_all_dated).await.expect("list");
    let across = TaskQuery {
        after: page.next,
        ..query(
            TaskFilter::default(),
            SortKey::DueDate,
            Direction::Ascending,
        )
    };
    let tasks = fresh.store().list(&across).await.expect("list").tasks;
    assert!(tasks[0].due_date.is_some() && tasks[PAGE as usize - 1].due_date.is_none());
    let plan = Plan::of(fresh, &across).await;
    plan.reads_at_most(10 + ONE_PAGE + 2);
    plan.goes_by(&["tasks_by_due"]);
}

/// Of the one who is behind: what was done in time is one task in a hundred, and what is overdue lies in between.
async fn who_is_behind_with_everything_reads_one_page_of_the_rest(fresh: &Fresh) {
    let filters = [
        TaskFilter::default(),
        by(|filter| filter.status = vec![TaskStatus::Pending, TaskStatus::Completed]),
        by(|filter| filter.status = vec![TaskStatus::Completed]),
        by(|filter| filter.status = vec![TaskStatus::Pending]),
    ];
    for (filter, direction) in filters
        .iter()
        .flat_map(|filter| DIRECTIONS.map(|one| (filter, one)))
    {
        let mut page = TaskQuery {
            user_id: LAGGARD,
            ..query(filter.clone(), SortKey::DueDate, direction)
        };
        page.filter.overdue = DECEMBER.parse().ok().map(OverdueFilter::NotAt);
        // Through what lies before December, what lies behind, and what has no date.
        let mut pages = 0;
        loop {
            let plan = Plan::of(fresh, &page).await;
            plan.reads_at_most(2 * ONE_PAGE);
            plan.sorts_at_most(2 * ONE_PAGE);
            pages += 1;
            page.after = fresh.store().list(&page).await.expect("list").next;
            if page.after.is_none() {
                break;
            }
        }
        assert!(pages >= 3, "{pages} pages: {page:?}");
    }
}

/// A filter, the most rows that may be read for a page in the order of creation and in that of due dates,
/// and the indexes that will do.
type Case = (TaskFilter, [u64; 2], &'static [&'static str]);

async fn every_filter_reads_little(fresh: &Fresh) {
    let sorts = [SortKey::CreatedAt, SortKey::DueDate];
    for (filter, reads, indexes) in by_field().into_iter().chain(by_time_and_text()) {
        for (sort, reads) in sorts.into_iter().zip(reads) {
            let query = query(filter.clone(), sort, Direction::Descending);
            let plan = Plan::of(fresh, &query).await;
            plan.reads_at_most(reads);
            plan.goes_by(indexes);
            plan.sorts_at_most(reads);
        }
    }
    let of_series = by(|filter| filter.series = Some(SeriesId(numbered(1_003))));
    for direction in DIRECTIONS {
        let query = query(of_series.clone(), SortKey::Occurrence, direction);
        let plan = Plan::of(fresh, &query).await;
        plan.reads_at_most(INSTANCES);
        plan.goes_by(&["tasks_by_occurrence"]);
    }
    for (text, found) in [("word17", 11 * WITH_WORD), ("wor com", TASKS)] {
        let query = query(about(text), SortKey::Relevance, Direction::Descending);
        let plan = Plan::of(fresh, &query).await;
        plan.reads_at_most(found);
        plan.goes_by(&["tasks_by_word"]);
        plan.sorts_at_most(found);
    }
}

fn by_field() -> Vec<Case> {
    let orders: &[_] = &["tasks_by_created", "tasks_by_due", "tasks_by_status"];
    let label = |number| LabelId(numbered(number));
    vec![
        // One task in ten: all of them by the status's index, or ten pages by that of the order.
        (
            by(|filter| filter.status = vec![TaskStatus::Pending]),
            [TASKS / 10, TASKS / 10],
            orders,
        ),
        // Of which there is none: the index of the status says so at once.
        (
            by(|filter| filter.status = vec![TaskStatus::InProgress]),
            [0, 0],
            &["tasks_by_status"],
        ),
        (
            by(|filter| filter.priority = vec![Priority::Urgent]),
            [4 * ONE_PAGE, 4 * ONE_PAGE],
            orders,
        ),
        (
            by(|filter| filter.category = Some(CategoryFilter::Is(label(3)))),
            [IN_CATEGORY, IN_CATEGORY],
            &["tasks_by_category", "tasks_by_created", "tasks_by_due"],
        ),
        (
            by(|filter| filter.category = Some(CategoryFilter::Uncategorized)),
            [2 * ONE_PAGE, 2 * ONE_PAGE],
            orders,
        ),
        (
            by(|filter| filter.tags = vec![label(142)]),
            [WITH_TAG, WITH_TAG],
            &["tasks_by_tag"],
        ),
        (
            by(|filter| filter.tags = vec![label(142), label(300)]),
            [WITH_TAG, WITH_TAG],
            &["tasks_by_tag"],
        ),
        (
            by(|filter| filter.series = Some(SeriesId(numbered(1_003)))),
            [INSTANCES, INSTANCES],
            &["tasks_by_occurrence"],
        ),
    ]
}

fn by_time_and_text() -> Vec<Case> {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let a_day = TimeRange {
        from: at("2026-01-02T00:00:00Z"),
        before: at("2026-01-03T00:00:00Z"),
    };
    let december = at(DECEMBER);
    vec![
        (by(|filter| filter.due = a_day), [24, 24], &["tasks_by_due"]),
        // In the order of due dates Postgres may think that it comes by the day's tasks sooner.
        (
            by(|filter| filter.created = a_day),
            [ONE_PAGE, TASKS],
            &["tasks_by_created", "tasks_by_due"],
        ),
        (
            by(|filter| filter.overdue = december.map(OverdueFilter::At)),
            [TASKS, ONE_PAGE],
            &["tasks_open_by_due", "tasks_by_created"],
        ),
        // Nearly all: in either order a page of them is next to each other, but for one in ten.
        (
            by(|filter| filter.overdue = december.map(OverdueFilter::NotAt)),
            [2 * ONE_PAGE, 2 * ONE_PAGE],
            &["tasks_by_created", "tasks_by_due"],
        ),
        (about("word199"), [WITH_WORD, WITH_WORD], &["tasks_by_word"]),
        // What every task has: a page by the order's index will do.
        (
            about("co"),
            [TASKS, TASKS],
            &["tasks_by_word", "tasks_by_created", "tasks_by_due"],
        ),
    ]
}

fn by(set: impl FnOnce(&mut TaskFilter)) -> TaskFilter {
    let mut filter = TaskFilter::default();
    set(&mut filter);
    filter
}

fn about(text: &str) -> TaskFilter {
    by(|filter| filter.text = words(text).collect())
}

/// How Postgres went about a list.
struct Plan {
    about: String,
    nodes: Vec<Value>,
}

impl Plan {
    async fn of(fresh: &Fresh, query: &TaskQuery) -> Self {
        let explained = fresh.store().explain(query).await.expect("explain");
        let mut nodes = Vec::new();
        collect(&explained[0]["Plan"], &mut nodes);
        Self {
            about: format!("{query:?}\n{explained:#}"),
            nodes,
        }
    }

    /// Rows of the table that were looked at, whether or not they were wanted.
    fn reads_at_most(&self, bound: u64) {
        let scans: Vec<&Value> = self
            .nodes
            .iter()
            .filter(|node| node["Relation Name"] == "tasks")
            .collect();
        assert!(!scans.is_empty(), "nothing is scanned: {}", self.about);
        assert!(scans.iter().all(|scan| misses_what_is_not_there(scan)));
        let scans = scans.into_iter();
        let read: Result<u64, String> = scans.map(looked_at).sum();
        let read = read.unwrap();
        assert!(
            read <= bound,
            "{read} rows were read, not {bound}: {}",
            self.about
        );
    }

    /// Whatever is read of the table is read by an index, and one of these is among them.
    fn goes_by(&self, indexes: &[&str]) {
        let is_scan = |node: &&Value| node["Node Type"] == "Seq Scan";
        assert!(
            !self.nodes.iter().any(|node| is_scan(&node)),
            "{}",
            self.about
        );
        let mut used = self
            .nodes
            .iter()
            .filter_map(|node| node["Index Name"].as_str());
        assert!(used.any(|name| indexes.contains(&name)), "{}", self.about);
    }

    fn sorts_at_most(&self, bound: u64) {
        for sort in self.nodes.iter().filter(|node| node["Node Type"] == "Sort") {
            let sorted = rows(&sort["Plans"][0]).unwrap();
            assert!(sorted <= bound, "{sorted} rows were sorted: {}", self.about);
        }
    }
}

fn collect(node: &Value, nodes: &mut Vec<Value>) {
    nodes.push(node.clone());
    for child in node["Plans"].as_array().into_iter().flatten() {
        collect(child, nodes);
    }
}
