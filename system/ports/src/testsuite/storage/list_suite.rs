use std::cmp::Ordering;

use gauntlet_contract::{Priority, Task, TaskStatus};
use jiff::ToSpan;

use super::check::{done, list};
use super::list_sample::{Listed, fill, origin};
use super::sample;
use super::stores::Stores;
use crate::error::PortErrorKind;
use crate::storage::{
    CategoryFilter, Direction, OverdueFilter, Position, SortKey, SortValue, TaskFilter, TaskPage,
    TaskQuery, TimeRange, title_key, words,
};

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];
/// The orders that every filter has.
const SORTS: [SortKey; 5] = [
    SortKey::DueDate,
    SortKey::Priority,
    SortKey::CreatedAt,
    SortKey::UpdatedAt,
    SortKey::Title,
];
/// One, two, a number that divides nothing, and all at once.
const PAGE_SIZES: [u32; 4] = [1, 2, 7, 100];

/// Runs every case of lists.
pub async fn list_suite(store: &dyn Stores) {
    let listed = fill(store).await;
    every_filter_in_every_order_and_page_size(store, &listed).await;
    a_series_is_listed_by_occurrence(store, &listed).await;
    relevance_keeps_its_rules(store, &listed).await;
    what_is_no_query_is_invalid(store, &listed).await;
    pages_go_on_behind_what_was_there(store).await;
    a_change_of_the_text_is_a_change_of_what_finds_it(store).await;
}

/// A filter, and by which tasks it is met, told without any of the store's means.
type Case = (&'static str, TaskFilter, Box<dyn Fn(&Task) -> bool>);

async fn every_filter_in_every_order_and_page_size(store: &dyn Stores, listed: &Listed) {
    for (name, filter, is_met) in cases(listed) {
        let met = listed.tasks.iter().filter(|task| is_met(task));
        let mut expected: Vec<Task> = met.cloned().collect();
        assert!(!expected.is_empty() || name == "nothing", "{name}");
        for sort in SORTS {
            for direction in DIRECTIONS {
                expected.sort_by(|a, b| compare(sort, direction, a, b));
                for limit in PAGE_SIZES {
                    let query = TaskQuery {
                        filter: filter.clone(),
                        ..query(listed, sort, direction, limit)
                    };
                    let seen = pages(store, query).await;
                    let about = format!("{name}, {sort:?} {direction:?} by {limit}");
                    assert_eq!(titles(&seen), titles(&expected), "{about}");
                    assert_eq!(seen, expected, "{about}");
                }
            }
        }
    }
}

fn cases(listed: &Listed) -> Vec<Case> {
    let mut cases = cases_by_field(listed);
    cases.extend(cases_by_time());
    cases.extend(cases_by_overdue());
    cases.extend(cases_by_text());
    let [urgent, home] = [listed.tags[0], listed.tags[1]];
    let now = origin() + 30.hours();
    let several = TaskFilter {
        text: vec!["b".to_owned()],
        status: vec![TaskStatus::Pending, TaskStatus::InProgress],
        tags: vec![urgent],
        overdue: Some(OverdueFilter::At(now)),
        ..TaskFilter::default()
    };
    let is_met = move |task: &Task| {
        has_word(task, "b") && task.tags.contains(&urgent) && task.is_overdue(now)
    };
    cases.push(case("several at once", several, is_met));
    let nothing = TaskFilter {
        tags: vec![home],
        series: Some(gauntlet_contract::SeriesId::generate()),
        ..TaskFilter::default()
    };
    cases.push(case("nothing", nothing, |_| false));
    cases
}

fn cases_by_field(listed: &Listed) -> Vec<Case> {
    let (tags, work, series) = (listed.tags.clone(), listed.categories[0], listed.series.id);
    let [urgent, home] = [tags[0], tags[1]];
    let any = TaskFilter::default;
    let status = TaskFilter {
        status: vec![TaskStatus::Completed],
        ..any()
    };
    let open = TaskFilter {
        status: vec![TaskStatus::InProgress, TaskStatus::Pending],
        ..any()
    };
    let priority = TaskFilter {
        priority: vec![Priority::Urgent, Priority::Low],
        ..any()
    };
    let category = TaskFilter {
        category: Some(CategoryFilter::Is(work)),
        ..any()
    };
    let bare = TaskFilter {
        category: Some(CategoryFilter::Uncategorized),
        ..any()
    };
    let tag = TaskFilter {
        tags: vec![urgent],
        ..any()
    };
    let both = TaskFilter {
        tags: vec![home, urgent],
        ..any()
    };
    let in_series = TaskFilter {
        series: Some(series),
        ..any()
    };
    vec![
        case("all", any(), |_| true),
        case("status", status, |task| {
            task.status == TaskStatus::Completed
        }),
        case("two statuses", open, |task| {
            task.status != TaskStatus::Completed
        }),
        case("priorities", priority, |task| {
            matches!(task.priority, Priority::Urgent | Priority::Low)
        }),
        case("category", category, move |task| {
            task.category_id == Some(work)
        }),
        case("no category", bare, |task| task.category_id.is_none()),
        case("tag", tag, move |task| task.tags.contains(&urgent)),
        case("two tags", both, move |task| {
            task.tags.contains(&urgent) && task.tags.contains(&home)
        }),
        case("series", in_series, move |task| {
            task.occurrence.is_some_and(|at| at.series_id == series)
        }),
    ]
}

fn cases_by_time() -> Vec<Case> {
    let (from, before) = (origin() + 26.hours(), origin() + 32.hours());
    let range = TimeRange {
        from: Some(from),
        before: Some(before),
    };
    let due = TaskFilter {
        due: range,
        ..TaskFilter::default()
    };
    let open_ended = TimeRange {
        from: Some(from),
        before: None,
    };
    let due_from = TaskFilter {
        due: open_ended,
        ..TaskFilter::default()
    };
    let created_before = origin() + 6.hours();
    let early = TimeRange {
        from: None,
        before: Some(created_before),
    };
    let created = TaskFilter {
        created: early,
        ..TaskFilter::default()
    };
    vec![
        case("due between", due, move |task| {
            task.due_date.is_some_and(|due| from <= due && due < before)
        }),
        case("due from", due_from, move |task| {
            task.due_date.is_some_and(|due| from <= due)
        }),
        case("created before", created, move |task| {
            task.created_at < created_before
        }),
    ]
}

fn cases_by_overdue() -> Vec<Case> {
    let (from, now) = (origin() + 26.hours(), origin() + 32.hours());
    let of = |overdue| TaskFilter {
        overdue: Some(overdue),
        ..TaskFilter::default()
    };
    // In a range no task is without a due date, and the list is of dated ones alone.
    let dated = TaskFilter {
        due: TimeRange {
            from: Some(from),
            before: None,
        },
        ..of(OverdueFilter::NotAt(now))
    };
    let open = TaskFilter {
        status: vec![TaskStatus::Pending, TaskStatus::InProgress],
        ..of(OverdueFilter::NotAt(now))
    };
    let completed = TaskFilter {
        status: vec![TaskStatus::Completed],
        ..of(OverdueFilter::NotAt(now))
    };
    vec![
        case("overdue", of(OverdueFilter::At(now)), move |task| {
            task.status != TaskStatus::Completed && task.due_date.is_some_and(|due| due < now)
        }),
        case("not overdue", of(OverdueFilter::NotAt(now)), move |task| {
            task.status == TaskStatus::Completed || task.due_date.is_none_or(|due| due >= now)
        }),
        case("open and not overdue", open, move |task| {
            task.status != TaskStatus::Completed && task.due_date.is_none_or(|due| due >= now)
        }),
        case("completed and not overdue", completed, |task| {
            task.status == TaskStatus::Completed
        }),
        case("dated and not overdue", dated, move |task| {
            let is_done = task.status == TaskStatus::Completed;
            task.due_date
                .is_some_and(|due| due >= now || (is_done && due >= from))
        }),
    ]
}

fn cases_by_text() -> Vec<Case> {
    let of = |name, text: &'static str| {
        let filter = TaskFilter {
            text: words(text).collect(),
            ..TaskFilter::default()
        };
        case(name, filter, move |task| {
            words(text).all(|word| has_word(task, &word))
        })
    };
    vec![
        of("the beginning of a word", "ÄPF"),
        of("a word in either text", "zebra"),
        of("words of both texts", "beta THING"),
        // What a search language would take for operators is no part of a word.
        of("punctuation", "'a' & !b:* | \\"),
    ]
}

/// Whether a word of the title or description begins so.
fn has_word(task: &Task, beginning: &str) -> bool {
    let description = task.description.as_deref().unwrap_or_default();
    let mut all = words(&task.title).chain(words(description));
    all.any(|word| word.starts_with(beginning))
}

fn case(name: &'static str, filter: TaskFilter, is_met: impl Fn(&Task) -> bool + 'static) -> Case {
    (name, filter, Box::new(is_met))
}

/// The order of a list, told once more: by the value, then by id, undated tasks last.
fn compare(sort: SortKey, direction: Direction, a: &Task, b: &Task) -> Ordering {
    let ascending = match sort {
        SortKey::DueDate => match (a.due_date, b.due_date) {
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (one, other) => one.cmp(&other),
        },
        SortKey::Priority => a.priority.cmp(&b.priority),
        SortKey::CreatedAt => a.created_at.cmp(&b.created_at),
        SortKey::UpdatedAt => a.updated_at.cmp(&b.updated_at),
        SortKey::Title => title_key(&a.title).cmp(&title_key(&b.title)),
        SortKey::Occurrence => a
            .occurrence
            .map(|at| at.number)
            .cmp(&b.occurrence.map(|at| at.number)),
        SortKey::Relevance => panic!("relevance has rules and no order of its own"),
    };
    let ascending = ascending.then(a.id.cmp(&b.id));
    match direction {
        Direction::Ascending => ascending,
        Direction::Descending => ascending.reverse(),
    }
}

async fn a_series_is_listed_by_occurrence(store: &dyn Stores, listed: &Listed) {
    let is_instance = |task: &&Task| task.occurrence.is_some();
    let mut expected: Vec<_> = listed.tasks.iter().filter(is_instance).cloned().collect();
    for direction in DIRECTIONS {
        expected.sort_by(|a, b| compare(SortKey::Occurrence, direction, a, b));
        for limit in PAGE_SIZES {
            let mut query = query(listed, SortKey::Occurrence, direction, limit);
            query.filter.series = Some(listed.series.id);
            assert_eq!(pages(store, query).await, expected);
        }
    }
}

/// No two stores rank alike; what holds for each: pages tell the same as one page does, a word in the
/// title counts more than one in the description, and of equals the newest comes first.
async fn relevance_keeps_its_rules(store: &dyn Stores, listed: &Listed) {
    let by_text = |text: &str, limit| {
        let mut query = query(listed, SortKey::Relevance, Direction::Descending, limit);
        query.filter.text = words(text).collect();
        query
    };
    let ranked = pages(store, by_text("zebra", 100)).await;
    for limit in PAGE_SIZES {
        assert_eq!(pages(store, by_text("zebra", limit)).await, ranked);
    }
    let mut query = query(listed, SortKey::CreatedAt, Direction::Ascending, 100);
    query.filter.text = vec!["zebra".to_owned()];
    let mut found = pages(store, query).await;
    let mut ids: Vec<_> = ranked.iter().map(|task| task.id).collect();
    ids.sort();
    found.sort_by_key(|task| task.id);
    assert_eq!(ids, found.iter().map(|task| task.id).collect::<Vec<_>>());

    let is_in_title = |task: &Task| title_key(&task.title).contains("zebra");
    let first_without = ranked.iter().position(|task| !is_in_title(task));
    let first_without = first_without.expect("one with the word in its description alone");
    assert!(!ranked[first_without..].iter().any(is_in_title));
    let text = |task: &Task| (title_key(&task.title), task.description.clone());
    for (one, other) in ranked.iter().zip(&ranked[1..]) {
        assert!(text(one) != text(other) || one.id > other.id);
    }
}

async fn what_is_no_query_is_invalid(store: &dyn Stores, listed: &Listed) {
    let plain = |sort| query(listed, sort, Direction::Descending, 10);
    let mut ascending = plain(SortKey::Relevance);
    ascending.filter.text = vec!["zebra".to_owned()];
    ascending.direction = Direction::Ascending;
    let at = |sort, value| {
        let mut query = plain(sort);
        query.filter.text = vec!["zebra".to_owned()];
        query.filter.series = Some(listed.series.id);
        let id = listed.tasks[0].id;
        query.after = Some(Position { value, id });
        query
    };
    let text = |text: &str| SortValue::Text(text.to_owned());
    for query in [
        query(listed, SortKey::Title, Direction::Ascending, 0),
        plain(SortKey::Relevance),
        ascending,
        plain(SortKey::Occurrence),
        at(SortKey::CreatedAt, SortValue::Time(None)),
        at(SortKey::UpdatedAt, text("2026")),
        at(SortKey::UpdatedAt, SortValue::Time(Some(i64::MAX))),
        at(SortKey::DueDate, SortValue::Time(Some(i64::MIN))),
        at(SortKey::DueDate, SortValue::Priority(Priority::Low)),
        at(SortKey::Priority, SortValue::Number(1)),
        at(SortKey::Title, SortValue::Rank(0)),
        at(SortKey::Title, text("NUL \0")),
        at(SortKey::Occurrence, SortValue::Time(None)),
        at(SortKey::Relevance, SortValue::Number(1)),
        at(SortKey::Relevance, SortValue::Rank(f32::NAN.to_bits())),
    ] {
        let refused = store.list(&query).await.expect_err("answered");
        assert_eq!(refused.kind, PortErrorKind::Invalid, "{query:?}");
    }
}

/// The task that a page ended with may be gone, others may have come before and behind it.
async fn pages_go_on_behind_what_was_there(store: &dyn Stores) {
    let user_id = super::check::somebody();
    let mut tasks = Vec::new();
    for title in ["b", "d", "f", "h"] {
        let task = sample::task(user_id, title);
        done(store, &sample::creation(&task)).await;
        tasks.push(task);
    }
    let mut query = TaskQuery {
        user_id,
        filter: TaskFilter::default(),
        sort: SortKey::Title,
        direction: Direction::Ascending,
        after: None,
        limit: 2,
    };
    let page = list(store, &query).await;
    assert_eq!(titles(&page.tasks), ["b", "d"]);
    done(store, &sample::deletion(&tasks[1])).await;
    for title in ["c", "e"] {
        done(store, &sample::creation(&sample::task(user_id, title))).await;
    }
    query.after = page.next;
    query.limit = 100;
    let rest = list(store, &query).await;
    assert_eq!(titles(&rest.tasks), ["e", "f", "h"]);
    assert_eq!(rest.next, None);
}

async fn a_change_of_the_text_is_a_change_of_what_finds_it(store: &dyn Stores) {
    let user_id = super::check::somebody();
    let task = sample::task(user_id, "before");
    done(store, &sample::creation(&task)).await;
    let mut renamed = sample::renamed(&task, "after");
    renamed.description = Some("x".repeat(100));
    done(store, &sample::update(&task, &renamed)).await;
    let found = async |word: &str| {
        let query = TaskQuery {
            user_id,
            filter: TaskFilter {
                text: words(word).collect(),
                ..TaskFilter::default()
            },
            sort: SortKey::Relevance,
            direction: Direction::Descending,
            after: None,
            limit: 10,
        };
        list(store, &query).await.tasks.len()
    };
    assert_eq!(found("before").await, 0);
    assert_eq!(found("aft").await, 1);
    // Of a word that is longer than any that is kept, the beginning counts.
    assert_eq!(found(&"x".repeat(70)).await, 1);
}

fn query(listed: &Listed, sort: SortKey, direction: Direction, limit: u32) -> TaskQuery {
    TaskQuery {
        user_id: listed.user_id,
        filter: TaskFilter::default(),
        sort,
        direction,
        after: None,
        limit,
    }
}

/// All pages, one behind the other. Each but the last is full, and no page comes after the last.
async fn pages(store: &dyn Stores, mut query: TaskQuery) -> Vec<Task> {
    let mut seen = Vec::new();
    loop {
        let TaskPage { tasks, next } = list(store, &query).await;
        let is_full = tasks.len() == query.limit as usize;
        assert!(is_full || next.is_none(), "a page with a hole: {query:?}");
        assert!(
            seen.is_empty() || !tasks.is_empty(),
            "an empty page: {query:?}"
        );
        seen.extend(tasks);
        match next {
            Some(position) => query.after = Some(position),
            None => return seen,
        }
    }
}

fn titles(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.title.as_str()).collect()
}
