//! What a user asks for: every order and every condition that lists know, some of them together, and words
//! that few tasks have and that many do.

use gauntlet_harness::seed::{FREQUENT, RARE, SeedTask};
use gauntlet_loadgen::client::ListQuery;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::run::Owner;

const SORTS: [&str; 5] = ["created_at", "updated_at", "due_date", "priority", "title"];
const ORDERS: [&str; 2] = ["asc", "desc"];
/// How many letters of a word people type before they look.
const TYPED: usize = 3;

/// Each finds something among 10,000 tasks.
pub(super) fn questions(owner: &Owner<'_>) -> Vec<ListQuery> {
    let mut all = vec![ListQuery::list()];
    for sort in SORTS {
        let sorted = ListQuery::list().with("sort", sort);
        all.extend(ORDERS.map(|order| sorted.clone().with("order", order)));
    }
    all.extend(by_field());
    all.extend(by_label(owner));
    all.extend(by_time(owner.now));
    all.extend(searches(owner));
    all
}

fn by_field() -> Vec<ListQuery> {
    let list = ListQuery::list;
    vec![
        list().with("status", "pending"),
        list().with("status", "in_progress"),
        list().with("status", "completed"),
        list().with("status", "pending,in_progress"),
        list().with("priority", "urgent"),
        list().with("priority", "high,urgent"),
        list().with("status", "pending").with("sort", "due_date"),
        list().with("status", "pending").with("sort", "priority"),
        list().with("limit", "100"),
        list().with("limit", "10").with("sort", "updated_at"),
    ]
}

fn by_label(owner: &Owner<'_>) -> Vec<ListQuery> {
    let mut all = vec![ListQuery::list().with("category", "none")];
    if let Some(category) = owner.categories.first() {
        let of_category = ListQuery::list().with("category", category.to_string());
        all.push(of_category.clone());
        all.push(of_category.with("status", "pending,in_progress"));
    }
    if let Some(tag) = owner.tags.first() {
        let with_tag = ListQuery::list().with("tag", tag.to_string());
        all.push(with_tag.clone());
        all.push(with_tag.with("sort", "priority"));
    }
    let mut tasks = owner.tasks.iter();
    if let Some(task) = tasks.find(|task| task.tags.len() > 1) {
        let tags: Vec<String> = task.tags.iter().map(Uuid::to_string).collect();
        all.push(ListQuery::list().with("tag", tags.join(",")));
    }
    all
}

fn by_time(now: Timestamp) -> Vec<ListQuery> {
    let list = ListQuery::list;
    let ago = |days: i64| (now - SignedDuration::from_hours(24 * days)).to_string();
    vec![
        list().with("due_from", ago(60)).with("due_to", ago(30)),
        list()
            .with("created_from", ago(400))
            .with("created_to", ago(370)),
        list().with("created_from", ago(30)).with("sort", "title"),
        list().with("overdue", "true"),
        list().with("overdue", "true").with("sort", "due_date"),
        list().with("overdue", "false"),
        list().with("due_within", "30d"),
        list().with("due_within", "60d").with("sort", "due_date"),
    ]
}

fn searches(owner: &Owner<'_>) -> Vec<ListQuery> {
    let typed = |word: &str| word.chars().take(TYPED).collect::<String>();
    let mut all = vec![
        ListQuery::search(FREQUENT),
        ListQuery::search(typed(FREQUENT)),
        ListQuery::search(RARE),
        ListQuery::search(typed(RARE)),
        ListQuery::search(FREQUENT).with("sort", "created_at"),
        ListQuery::search(FREQUENT).with("status", "pending"),
        ListQuery::search(FREQUENT).with("sort", "title"),
    ];
    // As somebody looks for a task that they remember: by words of it, or by its number.
    let remembered = owner.tasks.len() / 3;
    all.extend(owner.tasks.get(remembered).map(|task| words_of(task)));
    let mut later = owner.tasks.iter().skip(remembered);
    let numbered = later.find(|task| task.title.contains('-'));
    all.extend(numbered.and_then(|task| number_of(task)));
    all
}

fn words_of(task: &SeedTask) -> ListQuery {
    let words: Vec<&str> = task.title.split(' ').take(2).collect();
    ListQuery::search(words.join(" "))
}

fn number_of(task: &SeedTask) -> Option<ListQuery> {
    task.title.split(' ').next_back().map(ListQuery::search)
}

#[cfg(test)]
mod tests {
    use gauntlet_harness::seed::People;

    use super::*;

    /// Fields of the two lists but for `q` and `cursor`, which are no conditions here.
    const FIELDS: [&str; 13] = [
        "sort",
        "order",
        "limit",
        "status",
        "priority",
        "category",
        "tag",
        "due_from",
        "due_to",
        "created_from",
        "created_to",
        "overdue",
        "due_within",
    ];

    #[test]
    fn every_condition_and_order_is_asked_for() {
        let now = "2026-03-04T05:06:07Z".parse().expect("an instant");
        let people = People::new(1, now, vec![Uuid::from_u128(1)], 500);
        let (labels, tasks) = (people.labels(), people.tasks().collect::<Vec<_>>());
        let ids = |kind| {
            let labels = labels.iter().filter(|label| label.kind == kind);
            labels.map(|label| label.id).collect()
        };
        let owner = Owner {
            now,
            tags: ids("tag"),
            categories: ids("category"),
            tasks: tasks.iter().collect(),
        };
        let asked = questions(&owner);
        let told = format!("{asked:?}");
        for field in FIELDS {
            assert!(told.contains(&format!("{field:?}")), "{field}");
        }
        for sort in SORTS {
            assert!(told.contains(&format!("{sort:?}")), "{sort}");
        }
        assert!(asked.len() > 35, "{}", asked.len());
    }
}
